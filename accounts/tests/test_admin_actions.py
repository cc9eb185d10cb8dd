"""What staff do to chosen users at once; told row by row."""

import csv
import io
from datetime import UTC, datetime

import pytest
from django.contrib.messages import get_messages
from django.utils import timezone

from accounts.admin import export
from accounts.models import Event, User
from accounts.services import users
from accounts.tests.callers import caller
from accounts.tests.factories import AdministratorFactory, UserFactory
from usermgmt.admin import model_admin
from usermgmt.errors import NotFound

USERS = "/admin/accounts/user/"


def act(browser, action, *chosen, **values):
    sent = {"action": action, "index": 0, "select_across": 0, "_selected_action": [user.pk for user in chosen]}
    return browser.post(USERS, sent | values)


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


def test_deactivating_ends_sign_ins_and_skips_oneself_and_the_inactive(browser, cast):
    api = caller(cast.owner)
    answer = act(browser, "deactivate", cast.owner, cast.stranger, cast.administrator, cast.disabled)
    assert sorted(told(answer)) == [
        "2 users deactivated.",
        "Skipped ada@example.com: that is you.",
        "Skipped dora@example.com: is inactive already.",
    ]
    assert api.get("/users/current").status_code == 401
    assert set(User.objects.filter(is_active=True)) == {cast.administrator, cast.spare, cast.outsider}
    event = Event.objects.about("user", cast.owner.pk)[0]
    assert (event.action, event.contract, event.actor_id) == ("user.updated", "admin", cast.administrator.pk)
    assert event.changes == {"active": [True, False]}


def test_activating_tells_who_was_active(browser, cast):
    answer = act(browser, "activate", cast.disabled, cast.owner)
    assert sorted(told(answer)) == ["1 user activated.", "Skipped olga@example.com: is active already."]
    cast.disabled.refresh_from_db()
    assert cast.disabled.is_active


def test_signing_out_everywhere_kills_tokens_and_sessions_but_ones_own(browser, cast, staff):
    api, session = caller(cast.owner), staff(cast.spare)
    answer = act(browser, "sign_out", cast.owner, cast.spare, cast.administrator)
    assert sorted(told(answer)) == ["2 users signed out everywhere.", "Skipped ada@example.com: that is you."]
    assert api.get("/users/current").status_code == 401
    assert session.get("/admin/").status_code == 302
    assert browser.get("/admin/").status_code == 200


def test_the_last_administrator_is_skipped_also_when_it_became_the_last_meanwhile(cast, staff, monkeypatch):
    browser = staff(cast.administrator)
    do = users.update

    def update(**values):
        User.objects.filter(pk=cast.administrator.pk).update(is_active=False)
        return do(**values)

    monkeypatch.setattr(users, "update", update)
    answer = act(browser, "deactivate", cast.spare)
    assert told(answer) == ["Skipped sam@example.com: must leave at least one active administrator."]
    cast.spare.refresh_from_db()
    assert cast.spare.is_active


def test_deleting_asks_first_and_then_tells_row_by_row(browser, cast):
    page = act(browser, "delete_selected", cast.owner, cast.administrator)
    assert page.status_code == 200
    assert "Delete these 2 users for good?" in page.content.decode()
    assert User.objects.filter(pk=cast.owner.pk).exists()
    answer = act(browser, "delete_selected", cast.owner, cast.administrator, post="yes")
    assert sorted(told(answer)) == ["1 user deleted.", "Skipped ada@example.com: that is you."]
    assert not User.objects.filter(pk=cast.owner.pk).exists()
    assert User.objects.filter(pk=cast.administrator.pk).exists()
    assert Event.objects.about("user", cast.owner.pk)[0].action == "user.deleted"


def test_rows_that_are_gone_are_told(browser, cast, monkeypatch):
    def gone(**values):
        raise NotFound("user")

    monkeypatch.setattr(users, "sign_out", gone)
    assert told(act(browser, "sign_out", cast.owner)) == ["Skipped olga@example.com: somebody deleted it meanwhile."]


def test_many_refusals_end_in_a_number(browser, cast, monkeypatch):
    monkeypatch.setattr(model_admin, "MAX_TOLD_ROWS", 2)
    idle = UserFactory.create_batch(5, client=cast.acme, is_active=False)
    answer = act(browser, "deactivate", *idle)
    assert len(told(answer)) == 3
    assert told(answer)[-1] == "Skipped 3 more."


@pytest.mark.parametrize("action", ["activate", "deactivate", "sign_out", "delete_selected"])
def test_too_many_rows_at_once_are_refused_as_a_whole(browser, cast, monkeypatch, action):
    monkeypatch.setattr(model_admin, "ACTION_MAX_ROWS", 3)
    before = list(User.objects.order_by("pk").values_list("pk", "is_active", "token_version"))
    answer = act(browser, action, cast.owner, select_across=1, post="yes")
    assert told(answer) == ["At most 3 at once, please: nothing was done. Filters narrow it."]
    assert list(User.objects.order_by("pk").values_list("pk", "is_active", "token_version")) == before


def test_choosing_all_means_all_that_the_filters_leave(browser, cast):
    answer = browser.post(
        f"{USERS}?client={cast.acme.pk}",
        {"action": "sign_out", "index": 0, "select_across": 1, "_selected_action": cast.owner.pk},
    )
    assert told(answer) == ["3 users signed out everywhere."]
    assert set(Event.objects.filter(action="user.signed_out").values_list("target_id", flat=True)) == {
        cast.owner.pk,
        cast.stranger.pk,
        cast.disabled.pk,
    }


@pytest.mark.parametrize("chosen", [["abc"], ["99999999999999999999"], ["\0"], []])
def test_odd_choices_are_no_error(browser, chosen):
    answer = browser.post(USERS, {"action": "sign_out", "index": 0, "_selected_action": chosen})
    assert answer.status_code == 302
    assert "No items have been changed." in told(answer)[0]


def test_an_unknown_action_is_no_error(browser, cast):
    assert told(act(browser, "explode", cast.owner)) == ["No action selected."]


def test_regular_users_act_on_nobody(cast, staff):
    answer = act(staff(cast.owner), "deactivate", cast.stranger)
    assert answer.headers["Location"].startswith("/admin/login/")
    cast.stranger.refresh_from_db()
    assert cast.stranger.is_active


def exported(answer):
    assert answer.status_code == 200
    return list(csv.reader(io.StringIO(answer.getvalue().decode("utf-8"), newline="")))


def test_the_export_holds_the_chosen_users_by_number(browser, cast):
    moment = datetime(2024, 2, 29, 12, 30, 15, tzinfo=UTC)
    User.objects.filter(pk=cast.owner.pk).update(created_at=moment, last_login=moment)
    User.objects.filter(pk=cast.spare.pk).update(created_at=moment)
    answer = act(browser, "export", cast.owner, cast.spare)
    assert exported(answer) == [
        ["id", "name", "email", "username", "client", "role", "active", "created", "last sign-in"],
        [
            str(cast.spare.pk),
            "Sam Spare",
            "sam@example.com",
            "sam",
            "",
            "administrator",
            "yes",
            "2024-02-29T12:30:15Z",
            "",
        ],
        [
            str(cast.owner.pk),
            "Olga Owner",
            "olga@example.com",
            "olga",
            "Acme",
            "user",
            "yes",
            "2024-02-29T12:30:15Z",
            "2024-02-29T12:30:15Z",
        ],
    ]
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="users-{timezone.now():%Y-%m-%d}.csv"'
    assert answer.headers["Cache-Control"]


def test_an_export_is_told_to_the_audit_trail(browser, cast):
    act(browser, "export", cast.owner)
    event = Event.objects.filter(action="user.exported").get()
    assert (event.actor_id, event.contract) == (cast.administrator.pk, "admin")


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_a_formula(start):
    assert export.escaped(f"{start}1+1") == f"'{start}1+1"
    assert export.escaped(f"a{start}1") == f"a{start}1"


def test_the_export_escapes_and_quotes(browser, cast):
    user = UserFactory(name='=HYPERLINK("x"), "y"', email="-a@example.com", client=cast.acme)
    answer = act(browser, "export", user)
    line = answer.getvalue().decode().split("\r\n")[1]
    assert line.startswith(f'"{user.pk}","\'=HYPERLINK(""x""), ""y""","\'-a@example.com",')


def test_the_export_streams_all_users_in_chunks(browser, cast, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(export, "CHUNK", 4)
    UserFactory.create_batch(3, client=cast.acme)
    answer = act(browser, "export", cast.owner, select_across=1)
    assert answer.streaming
    with django_assert_num_queries(4):  # chunks of 4, 4, 1 and none
        chunks = list(answer.streaming_content)
    assert [chunk.count(b"\r\n") for chunk in chunks] == [1, 4, 4, 1]


def test_exported_rows_are_each_there_once(browser, monkeypatch):
    monkeypatch.setattr(export, "CHUNK", 2)
    AdministratorFactory.create_batch(3)
    rows = exported(act(browser, "export", select_across=1, _selected_action=["1"]))[1:]
    assert [int(row[0]) for row in rows] == list(User.objects.order_by("pk").values_list("pk", flat=True))
