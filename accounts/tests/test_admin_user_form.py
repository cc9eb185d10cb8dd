"""The admin site's pages of one user: adding, changing, deleting."""

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection

from accounts import passwords
from accounts.models import Event, SignIn, User
from accounts.services import checks, users
from accounts.services.users import changing
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD, AdministratorFactory, UserFactory
from accounts.tests.user_services import meanwhile
from clients.models import Client

ADD = "/admin/accounts/user/add/"


def change(user):
    return f"/admin/accounts/user/{user.pk}/change/"


def delete(user):
    return f"/admin/accounts/user/{user.pk}/delete/"


def new(**values):
    return {
        "name": "Nora New",
        "email": "Nora@Example.com",
        "username": "",
        "given_name": "",
        "middle_name": "",
        "family_name": "",
        "role": "administrator",
        "client": "",
        "active": "on",
        "usable_password": "true",
        "password": PASSWORD,
        "password_confirmation": PASSWORD,
    } | values


def as_is(user, **values):
    """What the browser sends of the form of `user` as it stands, with some changes."""
    sent = {
        "name": user.name,
        "email": user.email,
        "username": user.username,
        "given_name": user.given_name,
        "middle_name": user.middle_name,
        "family_name": user.family_name,
        "role": "administrator" if user.is_superuser else "user",
        "client": user.client_id or "",
        "seen_version": user.version,
    }
    if user.is_active:
        sent["active"] = "on"
    return sent | values


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def lonely(db, staff):
    """The only administrator there is, and the browser."""
    user = AdministratorFactory(name="Lone", email="lone@example.com")
    user.browser = staff(user)
    return user


def test_the_add_form_makes_an_administrator_who_can_sign_in(browser, cast):
    answer = browser.post(ADD, new())
    user = User.objects.with_email("nora@example.com").get()
    assert answer.headers["Location"] == "/admin/accounts/user/"
    assert (user.name, user.username, user.is_superuser, user.client) == ("Nora New", "Nora", True, None)
    assert passwords.verified(PASSWORD, user.password)
    event = Event.objects.about("user", user.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("user.created", "admin", cast.administrator.pk)
    assert event.request_id
    assert event.address == "127.0.0.1"


def test_the_add_form_makes_a_regular_user_without_a_password(browser, cast):
    sent = new(
        name="",
        given_name="Nora",
        family_name="New",
        username="nono",
        role="user",
        client=cast.acme.pk,
        usable_password="false",
        password="",
        password_confirmation="",
        email_verified="on",
    )
    sent.pop("active")
    assert browser.post(ADD, sent).status_code == 302
    user = User.objects.with_email("nora@example.com").get()
    assert (user.name, user.username, user.client_id) == ("Nora New", "nono", cast.acme.pk)
    assert (user.is_superuser, user.is_active, user.email_verified) == (False, False, True)
    assert not user.has_usable_password()


def test_a_blank_client_makes_no_administrator_unless_the_role_says_so(browser, cast):
    before = User.objects.count()
    assert "Choose the client" in errors(browser.post(ADD, new(role="user")))["client"][0]
    assert "clear this" in errors(browser.post(ADD, new(client=cast.acme.pk)))["client"][0]
    assert "role" in errors(browser.post(ADD, new(role="")))
    assert "role" in errors(browser.post(ADD, new(role="king")))
    assert User.objects.count() == before


def test_all_faults_are_told_at_once_beside_their_fields(browser, cast):
    sent = new(
        name=" ", email="OLGA@example.com", username="a b", role="user", password="short", password_confirmation="shirt"
    )
    assert errors(browser.post(ADD, sent)) == {
        "name": ["Can't be blank."],
        "email": ["Has already been taken."],
        "username": ["Is invalid."],
        "client": ["Choose the client that the user belongs to, or the role of an administrator."],
        "password": ["Is too short (minimum is 8 characters)."],
        "password_confirmation": ["Doesn't match Password."],
    }


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"name": "n" * 256}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"given_name": "a\x07b"}, "given_name"),
        ({"email": "a\0b@example.com"}, "email"),
        ({"email": ""}, "email"),
        ({"username": "\0"}, "username"),
        ({"password": "", "password_confirmation": ""}, "password"),
        ({"password": "password", "password_confirmation": "password"}, "password"),
        ({"password": "x" * 129, "password_confirmation": "x" * 129}, "password"),
        ({"password_confirmation": ""}, "password_confirmation"),
        ({"role": "user", "client": "99999999999999999999"}, "client"),
        ({"role": "user", "client": "abc"}, "client"),
        ({"role": "user", "client": "0"}, "client"),
        ({"usable_password": "maybe"}, "usable_password"),
    ],
)
def test_the_add_form_refuses_beside_the_field(browser, values, field):
    before = User.objects.count()
    assert list(errors(browser.post(ADD, new(**values)))) == [field]
    assert User.objects.count() == before


def test_an_empty_add_form_is_no_error_of_ours(browser):
    assert {"email", "role", "usable_password"} <= errors(browser.post(ADD, {})).keys()


def test_a_race_for_an_address_ends_beside_the_field(browser, cast, monkeypatch):
    monkeypatch.setattr(checks, "taken", lambda sent, user: [])  # as if it was free when it was looked up
    assert errors(browser.post(ADD, new(email="olga@example.com"))) == {"email": ["Has already been taken."]}


def test_what_was_typed_stays_but_never_the_password(browser):
    page = browser.post(ADD, new(email="olga@example.com")).content.decode()
    assert 'value="Nora New"' in page
    assert PASSWORD not in page


def test_only_what_was_changed_is_written_and_told(browser, cast):
    assert browser.post(change(cast.owner), as_is(cast.owner, username="olly")).status_code == 302
    event = Event.objects.about("user", cast.owner.pk)[0]
    assert event.changes == {"username": ["olga", "olly"]}
    assert (event.contract, event.actor_id) == ("admin", cast.administrator.pk)


def test_saving_without_a_change_writes_nothing(browser, cast):
    assert browser.post(change(cast.owner), as_is(cast.owner)).status_code == 302
    assert not Event.objects.about("user", cast.owner.pk).exists()
    cast.owner.refresh_from_db()
    assert cast.owner.version == 1


def test_a_changed_part_makes_the_name_anew(browser, cast):
    browser.post(change(cast.owner), as_is(cast.owner, given_name="Olga", family_name="Newman"))
    cast.owner.refresh_from_db()
    assert cast.owner.name == "Olga Newman"


def test_a_user_moves_to_another_client_and_becomes_an_administrator(browser, cast):
    browser.post(change(cast.owner), as_is(cast.owner, client=cast.globex.pk))
    cast.owner.refresh_from_db()
    assert (cast.owner.client_id, cast.owner.is_superuser) == (cast.globex.pk, False)
    browser.post(change(cast.owner), as_is(cast.owner, client="", role="administrator"))
    cast.owner = User.objects.get(pk=cast.owner.pk)
    assert (cast.owner.client, cast.owner.is_superuser) == (None, True)


def test_a_cleared_client_does_not_promote(browser, cast):
    assert "client" in errors(browser.post(change(cast.owner), as_is(cast.owner, client="")))
    cast.owner.refresh_from_db()
    assert cast.owner.is_superuser is False


def test_rights_can_not_be_set_by_hand(browser, cast):
    browser.post(change(cast.owner), as_is(cast.owner, is_superuser="on", is_staff="on", groups="1", password="x"))
    user = User.objects.get(pk=cast.owner.pk)
    assert (user.is_superuser, user.password) == (False, cast.owner.password)
    assert b'name="is_superuser"' not in browser.get(change(cast.owner)).content


@pytest.mark.parametrize("change_of_theirs", [{"name": "Olga Other"}, {"active": False}])
def test_what_changed_since_the_form_was_opened_is_not_overwritten(browser, cast, change_of_theirs):
    sent = as_is(cast.owner, username="mine")
    users.update(actor=cast.spare, user_id=cast.owner.pk, **change_of_theirs)
    answer = browser.post(change(cast.owner), sent)
    assert "Somebody changed this since you opened it" in errors(answer)["__all__"][0]
    assert b'<a href="">Open it anew</a>' in answer.content
    cast.owner.refresh_from_db()
    assert cast.owner.username == "olga"


def test_a_form_without_its_version_is_stale(browser, cast):
    sent = as_is(cast.owner, name="X")
    del sent["seen_version"]
    assert "__all__" in errors(browser.post(change(cast.owner), sent))


@pytest.mark.parametrize(
    "values", [{"active": None}, {"role": "user", "client": "acme"}], ids=["deactivated", "given a client"]
)
def test_the_last_administrator_stays_one(lonely, values):
    acme = Client.objects.create(name="Acme")
    sent = as_is(lonely, **values)
    sent = {name: acme.pk if value == "acme" else value for name, value in sent.items() if value is not None}
    answer = lonely.browser.post(change(lonely), sent)
    assert errors(answer) == {"__all__": ["Must leave at least one active administrator."]}
    lonely.refresh_from_db()
    assert (lonely.is_active, lonely.is_superuser) == (True, True)


def test_the_last_administrator_can_not_be_deleted(lonely):
    answer = lonely.browser.post(delete(lonely), {"post": "yes"}, follow=True)
    assert "Not deleted: must leave at least one active administrator." in answer.content.decode()
    assert User.objects.filter(pk=lonely.pk).exists()


def test_a_user_is_deleted_by_the_service(browser, cast):
    number = cast.owner.pk
    page = browser.get(delete(cast.owner)).content.decode()
    assert "olga@example.com" in page
    answer = browser.post(delete(cast.owner), {"post": "yes"}, follow=True)
    assert "deleted successfully" in answer.content.decode()
    assert not User.objects.filter(pk=number).exists()
    assert Event.objects.about("user", number)[0].action == "user.deleted"


def test_a_user_who_is_gone_is_no_error(browser, cast):
    sent = as_is(cast.owner, name="X")
    users.delete(actor=cast.spare, user_id=cast.owner.pk)
    for answer in (
        browser.get(change(cast.owner), follow=True),
        browser.post(change(cast.owner), sent, follow=True),
        browser.post(delete(cast.owner), {"post": "yes"}, follow=True),
        browser.get(f"/admin/accounts/user/{cast.owner.pk}/history/", follow=True),
        browser.get(f"/admin/accounts/user/{cast.owner.pk}/password/", follow=True),
    ):
        assert "Perhaps it was deleted?" in answer.content.decode()


@pytest.mark.parametrize("number", ["abc", "0", "99999999999999999999", "1_0", "%00"])
def test_odd_numbers_in_paths_are_no_error(browser, number):
    for page in ("change", "delete", "history", "password"):
        answer = browser.get(f"/admin/accounts/user/{number}/{page}/", follow=True)
        assert answer.status_code == 200
        assert b"Perhaps it was deleted?" in answer.content


def test_deletion_between_reading_and_writing_is_told(browser, cast, monkeypatch):
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=cast.owner.pk).delete())
    told = errors(browser.post(change(cast.owner), as_is(cast.owner, name="X")))
    assert told == {"__all__": ["This user is gone: somebody deleted it since you opened it."]}


def test_deletion_between_asking_and_deleting_is_told(browser, cast, monkeypatch):
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=cast.owner.pk).delete())
    answer = browser.post(delete(cast.owner), {"post": "yes"}, follow=True)
    assert "Not deleted: somebody deleted it meanwhile." in answer.content.decode()


def test_a_client_deleted_meanwhile_is_told_beside_the_field(browser, cast, monkeypatch):
    empty = Client.objects.create(name="Empty")
    monkeypatch.setattr(changing, "client_of", lambda actor, client_id: (None, [users.NO_SUCH_CLIENT]))
    answer = browser.post(change(cast.owner), as_is(cast.owner, client=empty.pk))
    assert errors(answer) == {"client": ["Must exist."]}


def test_deleting_oneself_is_possible_while_another_stays(browser, cast):
    answer = browser.post(delete(cast.administrator), {"post": "yes"}, follow=True)
    assert answer.redirect_chain[-1][0].startswith("/admin/login/")
    assert not User.objects.filter(pk=cast.administrator.pk).exists()


def test_the_change_form_tells_what_can_not_be_edited(browser, cast):
    tokens_of(cast.owner)
    page = browser.get(change(cast.owner)).content.decode()
    for label in ("Created (UTC)", "Updated (UTC)", "Last sign-in (UTC)", "Live sign-ins", "Password"):
        assert f"<label>{label}:</label>" in page
    assert '<div class="readonly">1</div>' in page
    assert f'href="/admin/accounts/user/{cast.owner.pk}/password/"' in page


def test_sign_ins_end_with_their_tokens(browser, cast):
    tokens_of(cast.owner)
    users.update(actor=cast.administrator, user_id=cast.owner.pk, active=False)
    assert SignIn.objects.get(user=cast.owner).ended_at is not None
    assert '<div class="readonly">0</div>' in browser.get(change(cast.owner)).content.decode()


def test_names_with_markup_are_text_in_every_page(browser, cast):
    user = UserFactory(name="<script>alert(1)</script>", email="x@example.com", client=cast.acme)
    users.update(actor=cast.administrator, user_id=user.pk, name="<script>alert(2)</script>")
    for page in (change(user), delete(user), f"/admin/accounts/user/{user.pk}/history/"):
        assert "<script>alert" not in browser.get(page).content.decode()
    history = browser.get(f"/admin/accounts/user/{user.pk}/history/").content.decode()
    assert "&lt;script&gt;alert(2)&lt;/script&gt;" in history


def test_djangos_own_log_is_not_kept(browser, cast):
    browser.post(ADD, new())
    browser.post(change(cast.owner), as_is(cast.owner, name="X"))
    browser.post(delete(cast.stranger), {"post": "yes"})
    assert not LogEntry.objects.exists()


def test_hashing_happens_outside_of_transactions(browser, monkeypatch, transactional_db):
    inside = []
    hashed = passwords.hashed

    def watched(password):
        inside.append(connection.in_atomic_block)
        return hashed(password)

    monkeypatch.setattr(passwords, "hashed", watched)
    assert browser.post(ADD, new()).status_code == 302
    assert inside == [False]
