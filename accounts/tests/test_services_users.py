"""Changing users (DESIGN 2): what is written, what ends tokens, who may, and versions."""

import re
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import passwords
from accounts.models import Event, User
from accounts.services import checks, sign_ins, users
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import unchanged
from accounts.tests.user_services import GOOD, create, faults, meanwhile, stored, update
from usermgmt.errors import Fault, Forbidden, Invalid, InvalidToken, NotFound, Stale

MOMENT = datetime(2026, 1, 2, tzinfo=UTC)

UPDATE = re.compile(r'(?:WITH changed AS \()?UPDATE "accounts_user" SET (.*?) WHERE', re.DOTALL)


def written(work) -> set[str]:
    """The columns of users that `work` writes."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        work()
    statements = [match[1] for query in queries if (match := UPDATE.match(query["sql"]))]
    return {column for statement in statements for column in re.findall(r'"(\w+)" = ', statement)}


ALWAYS = {"version", "updated_at"}
OF_THE_NAME = {"name_sorted", "first_name_shown", "last_name_shown", "search_text"}


@pytest.mark.parametrize(
    ("values", "columns"),
    [
        ({"name": "New"}, {"name"} | OF_THE_NAME),
        ({"given_name": "New"}, {"given_name", "name"} | OF_THE_NAME),
        ({"username": "new"}, {"username", "username_canonical", "search_text"}),
        ({"email": "OLGA@example.com"}, {"email", "email_canonical", "search_text"}),
        ({"email": "new@example.com"}, {"email", "email_canonical", "search_text", "token_version"}),
        ({"password": GOOD}, {"password", "password_version", "token_version", "imported_cost"}),
        ({"password": None}, {"password", "password_version", "token_version", "imported_cost"}),
        ({"active": False}, {"is_active", "token_version"}),
        ({"client_id": None}, {"client_id", "is_superuser", "token_version"}),
        ({"email_verified": True}, {"email_verified"}),
        ({"name": "New", "active": True}, {"name"} | OF_THE_NAME),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "columns",
)
def test_only_what_was_sent_and_differs_is_written(cast, values, columns):
    assert written(lambda: update(cast.owner, **values)) == columns | ALWAYS


def test_what_somebody_else_changed_meanwhile_is_not_undone(cast, monkeypatch):
    row = User.objects.filter(pk=cast.owner.pk)
    meanwhile(monkeypatch, lambda: row.update(given_name="Meanwhile", version=9))
    update(cast.owner, name="New")
    assert stored(cast.owner, "name", "given_name", "version") == ("New", "Meanwhile", 10)


@pytest.mark.parametrize(
    "values", [{}, {"name": "Olga Owner"}, {"name": " Olga Owner "}, {"active": True}, {"email": "olga@example.com"}]
)
def test_what_is_there_already_changes_nothing(cast, values):
    with unchanged():
        assert written(lambda: update(cast.owner, **values)) == set()


def test_sending_back_the_own_client_changes_nothing(cast):
    with unchanged():
        update(cast.owner, client_id=cast.acme.pk)
        update(cast.administrator, client_id=None)


def test_a_change_raises_the_version_and_the_time_and_the_object_tells_so(cast):
    before = stored(cast.owner, "updated_at")[0]
    user = update(cast.owner, name="New")
    assert stored(user, "version", "updated_at", "created_at") == (2, user.updated_at, cast.owner.created_at)
    assert (user.version, user.updated_at > before) == (2, True)
    assert update(cast.owner, name="Newer").version == 3


def test_the_audit_row_tells_before_and_after_of_what_changed(cast):
    update(cast.owner, cast.administrator, name="New", email="olga@example.com", active=False, client_id=cast.globex.pk)
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("user.updated", cast.administrator.pk, cast.owner.pk)
    assert event.changes == {
        "name": ["Olga Owner", "New"],
        "active": [True, False],
        "client_id": [cast.acme.pk, cast.globex.pk],
    }


def test_of_a_password_the_audit_row_tells_only_that_it_changed(cast):
    update(cast.owner, password=GOOD)
    assert Event.objects.get().changes == {"password": [None, None]}


# E-mail


def test_a_changed_address_is_unverified_again_and_the_audit_trail_says_so(cast):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    update(cast.owner, email="new@example.com")
    assert stored(cast.owner, "email", "email_verified") == ("new@example.com", False)
    assert Event.objects.get().changes == {
        "email": ["olga@example.com", "new@example.com"],
        "email_verified": [True, False],
    }


def test_an_address_in_another_spelling_stays_verified_and_is_kept_as_given(cast):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    update(cast.owner, email="Olga@Example.COM")
    assert stored(cast.owner, "email", "email_canonical", "email_verified", "token_version") == (
        "Olga@Example.COM",
        "olga@example.com",
        True,
        1,
    )


def test_whoever_sets_an_address_may_say_that_it_is_verified(cast):
    update(cast.owner, email="new@example.com", email_verified=True)
    assert stored(cast.owner, "email", "email_verified") == ("new@example.com", True)


def test_the_address_of_somebody_else_is_taken_in_any_case(cast):
    with unchanged():
        assert faults(update, cast.owner, email="STAN@example.com") == [Fault("email", "taken")]


# What ends every token


@pytest.mark.parametrize(
    ("values", "ends"),
    [
        ({"password": GOOD}, True),
        ({"password": None}, True),
        ({"email": "new@example.com"}, True),
        ({"active": False}, True),
        ({"client_id": "globex"}, True),
        ({"client_id": None}, True),
        ({"name": "New"}, False),
        ({"given_name": "New"}, False),
        ({"username": "new"}, False),
        ({"email": "OLGA@EXAMPLE.COM"}, False),
        ({"email_verified": True}, False),
        ({"active": True}, False),
        ({"client_id": "acme"}, False),
    ],
    ids=str,
)
def test_exactly_these_changes_end_every_token(cast, values, ends):
    tokens = tokens_of(cast.owner)
    if isinstance(values.get("client_id"), str):
        values = {"client_id": getattr(cast, values["client_id"]).pk}
    update(cast.owner, **values)
    assert stored(cast.owner, "token_version") == (2 if ends else 1,)
    for token in (tokens.access, tokens.refresh):
        if ends:
            with pytest.raises(InvalidToken):
                sign_ins.verify(token=token)
        else:
            sign_ins.verify(token=token)


@pytest.mark.parametrize("values", [{"password": GOOD}, {"email": "thief@example.com"}, {"name": "Thief"}])
def test_whoever_waited_while_the_own_tokens_died_changes_nothing(cast, values):
    users.sign_out(actor=cast.administrator, user_id=cast.owner.pk)
    before = stored(cast.owner)

    with pytest.raises(InvalidToken):
        users.update(actor=cast.owner, user_id=cast.owner.pk, **values)  # as they were let in, before that
    assert stored(cast.owner) == before


def test_whoever_is_activated_again_gets_no_old_token_back(cast):
    tokens = tokens_of(cast.owner)
    update(cast.owner, active=False)
    update(cast.owner, active=True)
    with pytest.raises(InvalidToken):
        sign_ins.verify(token=tokens.access)


def test_a_password_that_is_set_verifies_and_the_old_one_does_not(cast):
    update(cast.owner, password=GOOD)
    (digest,) = stored(cast.owner, "password")
    assert (passwords.verified(GOOD, digest), passwords.verified(PASSWORD, digest)) == (True, False)


def test_a_password_is_compared_with_the_values_sent_beside_it(cast):
    assert faults(update, cast.owner, name="Flamekeeper", password="flamekeeper") == [
        Fault("password", "password_too_similar", {"attribute": "name"})
    ]
    assert faults(update, cast.owner, password="olga@example.com")[0].code == "password_too_similar"


# Clients and roles


def test_a_client_that_is_none_any_more_cannot_be_given(cast):
    gone = cast.globex.pk
    User.objects.filter(client=cast.globex).delete()
    cast.globex.delete()
    with unchanged():
        assert faults(update, cast.owner, client_id=gone) == [Fault("client", "must_exist")]


def test_a_client_makes_an_administrator_a_regular_user_and_null_the_reverse(cast):
    demoted = update(cast.spare, client_id=cast.acme.pk)
    assert (demoted.is_superuser, demoted.is_staff, demoted.client) == (False, False, cast.acme)
    assert stored(cast.spare, "is_superuser", "client_id") == (False, cast.acme.pk)
    update(cast.spare, client_id=None)
    assert stored(cast.spare, "is_superuser", "client_id") == (True, None)


@pytest.mark.parametrize("field", ["client_id", "active"])
def test_a_regular_user_may_send_back_what_is_there(cast, field):
    present = {"client_id": cast.acme.pk, "active": True}[field]
    assert update(cast.owner, cast.owner, name="New", **{field: present}).name == "New"


@pytest.mark.parametrize(
    "values", [{"client_id": None}, {"client_id": "globex"}, {"client_id": 999}, {"active": False}], ids=str
)
def test_a_regular_user_changes_neither_client_nor_state(cast, values):
    if values.get("client_id") == "globex":
        values = {"client_id": cast.globex.pk}
    with unchanged(), pytest.raises(Forbidden):
        update(cast.owner, cast.owner, name="New", **values)


def test_what_could_not_be_read_of_them_is_forbidden_too(cast):
    for field in ("client_id", "active"):
        with unchanged(), pytest.raises(Forbidden):
            update(cast.owner, cast.owner, reported=[Fault(field, "invalid")])


def test_forbidden_comes_before_invalid(cast):
    with pytest.raises(Forbidden):
        update(cast.owner, cast.owner, name="", active=False)


# Versions


def test_a_stale_version_changes_nothing_and_tells_the_present_one(cast):
    update(cast.owner, name="Newer")
    with unchanged():
        for work in (
            lambda: update(cast.owner, name="Mine", versions={1}),
            lambda: update(cast.owner, versions=frozenset()),
        ):
            with pytest.raises(Stale) as refusal:
                work()
            assert refusal.value.version == 2
        with pytest.raises(Stale):
            users.delete(actor=None, user_id=cast.owner.pk, versions={1})


def test_a_known_version_does(cast):
    assert update(cast.owner, name="New", versions={1, 7}).version == 2
    users.delete(actor=None, user_id=cast.owner.pk, versions={2})
    assert not User.objects.filter(pk=cast.owner.pk).exists()


def test_a_version_that_became_stale_after_the_check_is_found_before_it_is_written(cast, monkeypatch):
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=cast.owner.pk).update(version=2))
    with pytest.raises(Stale):
        update(cast.owner, name="Mine", versions={1})
    assert stored(cast.owner, "name") == ("Olga Owner",)


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"token_version": 2}, InvalidToken),
        ({"erased_at": MOMENT}, Invalid),
        ({"must_change_password": True, "version": 2}, None),
        ({"last_login": MOMENT}, None),
    ],
    ids=["signed out", "erased", "obliged", "signed in"],
)
def test_whatever_changed_of_the_row_since_it_was_read_counts(cast, monkeypatch, change, refusal):
    owner = User.objects.get(pk=cast.owner.pk)
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=owner.pk).update(**change))
    with pytest.raises(refusal) if refusal is not None else nullcontext():
        update(owner, actor=owner, name="New")
    row = User.objects.values().get(pk=owner.pk)
    assert row["name"] == ("Olga Owner" if refusal is not None else "New")
    assert Event.objects.filter(action="user.updated").count() == (refusal is None)
    if refusal is None:
        assert row.items() >= {**change, "version": change.get("version", 1) + 1}.items()


def test_who_was_deleted_since_is_not_found(cast, monkeypatch):
    meanwhile(monkeypatch, lambda: users.delete(actor=None, user_id=cast.owner.pk))
    with pytest.raises(NotFound):
        update(cast.owner, name="New")
    assert not Event.objects.filter(action="user.updated").exists()


@pytest.mark.parametrize("creates", [True, False])
def test_of_what_was_taken_since_the_check_all_is_told_whatever_the_database_names(cast, monkeypatch, creates):
    wanted = {"email": cast.stranger.email, "username": cast.stranger.username.upper()}
    asked, taken = [], checks.taken
    monkeypatch.setattr(checks, "taken", lambda *sent: asked.append(sent) or (taken(*sent) if asked[1:] else []))
    with unchanged():
        told = faults(create, client_id=cast.acme.pk, **wanted) if creates else faults(update, cast.owner, **wanted)
    assert sorted(told, key=lambda fault: fault.field) == [Fault("email", "taken"), Fault("username", "taken")]
