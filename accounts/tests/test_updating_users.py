"""PUT and PATCH /users/{id} (native contract 2, 4 and 6)."""

import pytest

from accounts import passwords
from accounts.models import User
from accounts.services import users
from accounts.tests.factories import PASSWORD, AdministratorFactory
from accounts.tests.rows import stored

VERBS = pytest.mark.parametrize("verb", ["put", "patch"])
BLANK = ["can't be blank"]
LAST = {"errors": {"base": ["must leave at least one active administrator"]}}


def update(client, user, verb="patch", headers=None, **changes):
    return getattr(client, verb)(f"/users/{user.pk}", changes, headers=headers or {})


def changed(before, user):
    """The columns that differ from before, apart from those that every write touches."""
    after = stored(user)
    return {name: value for name, value in after.items() if value != before[name]}.keys() - {"version", "updated_at"}


@VERBS
def test_an_administrator_changes_what_was_sent_and_nothing_else(cast, call, verb):
    before = stored(cast.owner)

    answer = update(call(cast.administrator), cast.owner, verb, name=" Olga Olsen ")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": cast.owner.pk,
        "name": "Olga Olsen",
        "email": "olga@example.com",
        "client": {"id": cast.acme.pk, "name": "Acme"},
    }
    assert list(answer.json()) == ["id", "name", "email", "client"]
    assert changed(before, cast.owner) == {"name", "name_sorted", "last_name_shown", "search_text"}
    assert answer.headers["ETag"] == '"2"'
    assert stored(cast.owner)["version"] == 2
    assert stored(cast.owner)["updated_at"] > before["updated_at"]


@VERBS
def test_a_user_changes_oneself(cast, call, verb):
    answer = update(call(cast.owner), cast.owner, verb, name="Olga Olsen", email="olsen@example.com")

    assert answer.json()["email"] == "olsen@example.com"
    assert stored(cast.owner).items() >= {"name": "Olga Olsen", "email_canonical": "olsen@example.com"}.items()


@VERBS
@pytest.mark.parametrize("body", [{}, {"foo": 1}, {"password": ""}, {"password": None, "password_confirmation": None}])
def test_nothing_to_change_changes_nothing(cast, call, verb, body):
    before = stored(cast.owner)

    answer = update(call(cast.administrator), cast.owner, verb, **body)

    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"1"'
    assert stored(cast.owner) == before


def test_the_same_values_again_are_no_new_version(cast, call):
    before = stored(cast.owner)

    answer = update(
        call(cast.administrator),
        cast.owner,
        name="Olga Owner",
        email="olga@example.com",
        client_id=cast.acme.pk,
        active=True,
    )

    assert answer.status_code == 200
    assert stored(cast.owner) == before


@VERBS
def test_a_new_password_needs_its_confirmation(cast, call, verb):
    client, before = call(cast.administrator), stored(cast.owner)

    for confirmation, message in [
        ({}, "can't be blank"),
        ({"password_confirmation": ""}, "can't be blank"),
        ({"password_confirmation": None}, "can't be blank"),
        ({"password_confirmation": "securepasswore"}, "doesn't match Password"),
        ({"password_confirmation": 12345678}, "is invalid"),
    ]:
        answer = update(client, cast.owner, verb, password="securepassword", **confirmation)
        assert (answer.status_code, answer.json()) == (422, {"errors": {"password_confirmation": [message]}})
        assert stored(cast.owner) == before
    answer = update(client, cast.owner, verb, password="securepassword", password_confirmation="securepassword")

    assert answer.status_code == 200
    assert changed(before, cast.owner) == {"password", "password_version", "token_version"}
    assert passwords.verified("securepassword", stored(cast.owner)["password"])


@VERBS
@pytest.mark.parametrize("password", ["", None])
@pytest.mark.parametrize("confirmation", [{}, {"password_confirmation": ""}, {"password_confirmation": "anything"}])
def test_a_blank_password_means_unchanged(cast, call, verb, password, confirmation):
    answer = update(call(cast.administrator), cast.owner, verb, name="New", password=password, **confirmation)

    assert answer.json()["name"] == "New"
    assert passwords.verified(PASSWORD, stored(cast.owner)["password"])


def test_a_password_that_is_no_text_still_needs_its_confirmation(cast, call):
    answer = update(call(cast.administrator), cast.owner, password=12345678)

    assert answer.json() == {"errors": {"password": ["is invalid"], "password_confirmation": BLANK}}


@VERBS
def test_all_faults_are_told_at_once_and_nothing_is_changed(cast, call, verb):
    before = stored(cast.owner)

    answer = update(
        call(cast.administrator),
        cast.owner,
        verb,
        name=" ",
        email="stan@EXAMPLE.com",
        password="short",
        password_confirmation="x",
        client_id=987654321,
        active="no",
    )

    assert (answer.status_code, answer.json()) == (
        422,
        {
            "errors": {
                "name": BLANK,
                "email": ["has already been taken"],
                "password": ["is too short (minimum is 8 characters)"],
                "password_confirmation": ["doesn't match Password"],
                "client": ["must exist"],
                "active": ["is invalid"],
            }
        },
    )
    assert stored(cast.owner) == before


@pytest.mark.parametrize("value", ["", None, "  "])
@pytest.mark.parametrize("field", ["name", "email"])
def test_what_is_required_is_not_made_blank(cast, call, field, value):
    before = stored(cast.owner)

    answer = update(call(cast.administrator), cast.owner, **{field: value})

    assert answer.json() == {"errors": {field: BLANK}}
    assert stored(cast.owner) == before


def test_ones_own_email_in_another_spelling_is_not_taken(cast, call):
    before = stored(cast.owner)

    answer = update(call(cast.owner), cast.owner, email="OLGA@Example.com")

    assert answer.json()["email"] == "OLGA@Example.com"
    assert changed(before, cast.owner) == {"email"}


def test_a_changed_email_is_unverified_again_and_a_respelled_one_is_not(cast, call):
    User.objects.filter(pk__in=[cast.owner.pk, cast.stranger.pk]).update(email_verified=True)

    update(call(cast.administrator), cast.owner, email="new@example.com")
    update(call(cast.administrator), cast.stranger, email="STAN@example.com")

    assert (stored(cast.owner)["email_verified"], stored(cast.stranger)["email_verified"]) == (False, True)


def test_the_user_name_does_not_follow_the_email(cast, call):
    update(call(cast.administrator), cast.owner, email="new@example.com")

    assert stored(cast.owner)["username"] == "olga"


def test_an_administrator_moves_a_user_to_another_client(cast, call):
    answer = update(call(cast.administrator), cast.owner, client_id=cast.globex.pk)

    assert answer.json()["client"] == {"id": cast.globex.pk, "name": "Globex"}
    assert stored(cast.owner)["client_id"] == cast.globex.pk


def test_a_client_makes_an_administrator_a_user(cast, call):
    answer = update(call(cast.administrator), cast.spare, client_id=cast.acme.pk)

    assert answer.json()["client"] == {"id": cast.acme.pk, "name": "Acme"}
    assert stored(cast.spare).items() >= {"client_id": cast.acme.pk, "is_superuser": False}.items()


def test_an_administrator_deactivates_and_activates(cast, call):
    for active in (False, True):
        answer = update(call(cast.administrator), cast.owner, active=active)
        assert answer.status_code == 200
        assert stored(cast.owner)["is_active"] is active


def test_what_is_included_is_added_and_an_unknown_name_changes_nothing(cast, call):
    client = call(cast.administrator)

    answer = client.patch(f"/users/{cast.owner.pk}?include=active", {"active": False})
    refused = client.patch(f"/users/{cast.owner.pk}?include=shoe_size", {"name": "New", "email": "x"})

    assert list(answer.json().items())[4:] == [("active", False)]
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["email", "include"]
    assert stored(cast.owner)["name"] == "Olga Owner"


LOSSES = [
    ("patch", "/users/{id}", {"active": False}),
    ("put", "/users/{id}", {"active": False}),
    ("patch", "/users/current", {"active": False}),
    ("put", "/users/current", {"active": False}),
    ("patch", "/users/{id}", {"client_id": "acme"}),
    ("put", "/users/{id}", {"client_id": "acme"}),
    ("patch", "/users/current", {"client_id": "acme"}),
    ("put", "/users/current", {"client_id": "acme"}),
    ("patch", "/users/{id}", {"client_id": "acme", "active": False}),
    ("delete", "/users/{id}", None),
]


def lose(call, cast, verb, path, body):
    """One administrator leaves the office by this call."""
    sent = {name: cast.acme.pk if value == "acme" else value for name, value in (body or {}).items()}
    return getattr(call(cast.administrator), verb)(path.format(id=cast.administrator.pk), sent)


@pytest.mark.parametrize("loss", LOSSES, ids=str)
@pytest.mark.parametrize("spare", ["deleted", "inactive", "demoted"])
def test_the_last_active_administrator_is_not_lost(cast, call, loss, spare):
    if spare == "deleted":
        cast.spare.delete()
    else:
        changes = {"active": False} if spare == "inactive" else {"client_id": cast.acme.pk}
        users.update(actor=None, user_id=cast.spare.pk, **changes)
    before = stored(cast.administrator)

    answer = lose(call, cast, *loss)

    assert (answer.status_code, answer.json()) == (422, LAST)
    assert stored(cast.administrator) == before


@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_one_of_two_active_administrators_may_go(cast, call, loss):
    assert lose(call, cast, *loss).status_code in (200, 204)

    assert list(User.objects.active_administrators()) == [cast.spare]


@pytest.mark.parametrize(
    "body", [{"name": "Renamed"}, {"active": True}, {"client_id": None}, {"email": "new@example.com"}]
)
def test_the_last_active_administrator_may_change_everything_else(cast, call, body):
    cast.spare.delete()

    assert update(call(cast.administrator), cast.administrator, **body).status_code == 200
    assert list(User.objects.active_administrators()) == [cast.administrator]


def test_an_inactive_administrator_may_go_though_only_one_active_one_is_there(cast, call):
    users.update(actor=None, user_id=cast.spare.pk, active=False)

    assert update(call(cast.administrator), cast.spare, client_id=cast.acme.pk).status_code == 200


def test_that_nobody_would_administer_is_told_along_with_every_other_fault(cast, call):
    cast.spare.delete()

    answer = update(call(cast.administrator), cast.administrator, name="", email="stan@example.com", active=False)

    assert answer.json() == {"errors": {"name": BLANK, "email": ["has already been taken"], **LAST["errors"]}}


@VERBS
@pytest.mark.parametrize("tag", ['"1"', "*", '"7", "1"', 'W/"1", "1"', ' "1" ', None])
def test_a_tag_of_the_present_version_lets_the_change_through(cast, call, verb, tag):
    answer = update(
        call(cast.administrator), cast.owner, verb, headers={} if tag is None else {"If-Match": tag}, name="New"
    )

    assert (answer.status_code, answer.json()["name"]) == (200, "New")
    assert answer.headers["ETag"] == '"2"'


@VERBS
@pytest.mark.parametrize(
    "tag", ['"2"', '"0"', 'W/"1"', '"7", "8"', "1", '"1', '"x"', "garbage", "", '"01"', '"1.0"', '"' + "9" * 400 + '"']
)
def test_any_other_tag_is_stale(cast, call, verb, tag):
    before = stored(cast.owner)

    answer = update(call(cast.administrator), cast.owner, verb, headers={"If-Match": tag}, name="New")

    assert answer.status_code == 412
    assert answer.json() == {"error": "The object has changed since you read it."}
    assert answer.headers["ETag"] == '"1"'
    assert stored(cast.owner) == before


def test_the_current_tag_of_a_stale_answer_lets_the_next_try_through(cast, call):
    client = call(cast.administrator)
    update(client, cast.owner, name="Somebody else was faster")

    stale = update(client, cast.owner, headers={"If-Match": '"1"'}, name="New")
    fresh = update(client, cast.owner, headers={"If-Match": stale.headers["ETag"]}, name="New")

    assert (stale.status_code, fresh.status_code, fresh.json()["name"]) == (412, 200, "New")


def test_the_tag_is_checked_again_under_the_lock(cast, call, monkeypatch):
    make = passwords.hashed

    def overtaken(password):
        User.objects.filter(pk=cast.owner.pk).update(version=5)  # while the password is hashed
        return make(password)

    monkeypatch.setattr(passwords, "hashed", overtaken)
    new = {"password": "securepassword", "password_confirmation": "securepassword"}

    answer = update(call(cast.administrator), cast.owner, headers={"If-Match": '"1"'}, **new)

    assert (answer.status_code, answer.headers["ETag"]) == (412, '"5"')
    assert passwords.verified(PASSWORD, stored(cast.owner)["password"])


def test_a_stale_tag_is_told_before_the_values_are_judged_and_after_who_may(cast, call):
    stale = {"If-Match": '"9"'}

    assert update(call(cast.administrator), cast.owner, headers=stale, name="").status_code == 412
    assert update(call(cast.owner), cast.stranger, headers=stale, name="").status_code == 403
    assert update(call(cast.owner), cast.owner, headers=stale, active=False).status_code == 403
    assert call(cast.administrator).patch("/users/987654321", {}, headers=stale).status_code == 404


def test_an_administrator_is_not_bound_by_what_users_may_not_set(cast, call):
    made = AdministratorFactory()

    answer = update(call(made), made, client_id=cast.acme.pk, active=False)

    assert answer.json()["client"] == {"id": cast.acme.pk, "name": "Acme"}
    assert stored(made).items() >= {"is_active": False, "is_superuser": False}.items()
