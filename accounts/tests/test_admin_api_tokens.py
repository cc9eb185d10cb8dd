"""The admin site's pages of API tokens: made and shown once, looked at, revoked (DESIGN 2, "Tokens")."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import ApiToken, Event
from accounts.services import api_tokens, logins
from accounts.tests.callers import api_token_of, bearing
from accounts.tests.factories import UserFactory
from usermgmt import audit
from usermgmt.errors import InvalidToken

LIST = "/admin/accounts/apitoken/"
ADD = f"{LIST}add/"
NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def change(token):
    return f"{LIST}{token.pk}/change/"


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def found(browser, query):
    answer = browser.get(LIST + query)
    assert answer.status_code == 200
    return {row.name for row in answer.context["cl"].result_list}


def new(owner, **values):
    return {"user": owner.pk, "name": "Nightly import", "client": "", "lifetime": "90"} | values


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


# Making


def test_a_token_is_made_for_anybody_and_shown_in_the_answer(browser, cast):
    answer = browser.post(ADD, new(cast.owner))

    page = answer.content.decode()
    (text,) = re.findall(r"um_[a-z0-9]{16}_[A-Za-z0-9]{43}", page)
    assert answer.status_code == 200
    assert "no-store" in answer.headers["Cache-Control"]
    assert bearing(text).get("/users/current").json()["id"] == cast.owner.pk
    token = ApiToken.objects.get()
    assert token.expires_at is not None
    assert abs(token.expires_at - timezone.now() - timedelta(days=90)) < timedelta(minutes=1)
    event = Event.objects.get(action="api_token.created")
    assert (event.contract, event.actor_id, event.target_id) == ("admin", cast.administrator.pk, cast.owner.pk)


def test_it_is_kept_nowhere_else(browser, cast):
    page = browser.post(ADD, new(cast.owner)).content.decode()
    secret = re.findall(r"um_[a-z0-9]{16}_([A-Za-z0-9]{43})", page)[0]
    token = ApiToken.objects.get()

    sessions = [session.get_decoded() for session in Session.objects.all()]
    assert secret not in str(sessions) and secret not in str(browser.cookies)
    for address in (
        LIST,
        change(token),
        f"{LIST}{token.pk}/revoke/",
        "/admin/",
        f"/admin/accounts/user/{cast.owner.pk}/history/",
    ):
        later = browser.get(address).content.decode()
        assert secret not in later and token.digest not in later


def test_everything_can_be_said(browser, cast):
    with time_machine.travel(NOW, tick=False):
        browser.force_login(cast.administrator)
        browser.post(ADD, new(cast.spare, client=cast.globex.pk, lifetime="7", read_only="on"))
        browser.post(ADD, new(cast.spare, name="For ever", lifetime=""))

    for_ever, token = ApiToken.objects.order_by("-id")
    assert (token.user, token.client, token.read_only) == (cast.spare, cast.globex, True)
    assert (token.expires_at, for_ever.expires_at) == (NOW + timedelta(days=7), None)


@pytest.mark.parametrize(
    ("values", "errors"),
    [
        ({"name": ""}, {"name": ["Can't be blank."]}),
        ({"name": "x" * 256}, {"name": ["Is too long (maximum is 255 characters)."]}),
        ({"name": "a\0b"}, {"name": ["Is invalid."]}),
        ({"user": ""}, {"user": ["This field is required."]}),
        ({"user": "x"}, {"user": ["Select a valid choice. That choice is not one of the available choices."]}),
        ({"user": "9" * 30}, {"user": ["Select a valid choice. That choice is not one of the available choices."]}),
        ({"client": "987654321"}, {"client": ["Must exist"]}),
        ({"client": "globex"}, {"client": ["Must exist."]}),
        ({"lifetime": "8"}, {"lifetime": ["Select a valid choice. 8 is not one of the available choices."]}),
        ({"user": "disabled"}, {"user": ["Must be active."]}),
        ({"user": "", "name": ""}, {"user": ["This field is required."], "name": ["Can't be blank."]}),
        ({"name": "", "client": "globex"}, {"name": ["Can't be blank."], "client": ["Must exist."]}),
    ],
    ids=str,
)
def test_faults_stand_beside_the_fields(browser, cast, values, errors):
    values = {name: getattr(getattr(cast, value, None), "pk", value) for name, value in values.items()}

    answer = browser.post(ADD, new(cast.owner, **values))

    assert answer.status_code == 200
    assert answer.context["form"].errors == errors
    assert not ApiToken.objects.exists()


def test_too_many_are_told(browser, cast, monkeypatch):
    monkeypatch.setattr(api_tokens, "MAX_ALIVE", 0)

    answer = browser.post(ADD, new(cast.owner))

    assert answer.context["form"].non_field_errors() == ["Have reached their maximum of 0: revoke one first."]


def test_the_page_finds_owner_and_client_by_typing_and_knows_whose_list_it_came_from(browser, cast):
    page = browser.get(f"{ADD}?user={cast.owner.pk}").content.decode()

    assert page.count('class="admin-autocomplete"') == 2
    assert f'<option value="{cast.owner.pk}" selected>olga@example.com</option>' in page
    assert "stan@example.com" not in page and "Globex" not in page
    assert browser.get(f"{ADD}?user=x").status_code == 200
    for field in ("user", "client"):
        query = {"app_label": "accounts", "model_name": "apitoken", "field_name": field, "term": "o"}
        assert browser.get("/admin/autocomplete/", query).status_code == 200


# Looking


def test_the_list_tells_what_a_token_is(browser, cast):
    token, _ = api_token_of(cast.owner, name="Nightly", client=cast.acme, read_only=True, last_used_at=NOW)

    page = browser.get(LIST).content.decode()

    for told_ in ("Nightly", "olga@example.com", "Acme", "only to read", "2030-01-02 03:04", "alive"):
        assert told_ in page
    assert token.lookup not in page


def test_filters_and_search_find_what_they_say(browser, cast):
    now = timezone.now()
    _, text = api_token_of(cast.owner, name="Alive", client=cast.acme)
    api_token_of(cast.owner, name="Revoked", revoked_at=now)
    api_token_of(cast.stranger, name="Ended", version=0)
    api_token_of(cast.administrator, name="Expired", expires_at=now, read_only=True, last_used_at=now)

    for state in ("alive", "revoked", "ended", "expired"):
        assert found(browser, f"?state={state}") == {state.capitalize()}
    assert found(browser, "?access=read") == {"Expired"}
    assert found(browser, f"?owner={cast.owner.pk}") == {"Alive", "Revoked"}
    assert found(browser, "?owner=x") == set()
    assert found(browser, f"?client={cast.acme.pk}") == {"Alive"}
    assert found(browser, "?last_used=day") == {"Expired"}
    assert found(browser, "?last_used=never&created=day") == {"Alive", "Revoked", "Ended"}
    assert found(browser, "?state=x&access=x&created=x") == {"Alive", "Revoked", "Ended", "Expired"}
    assert found(browser, "?q=STAN") == {"Ended"}
    assert found(browser, "?q=aliv olga") == {"Alive"}
    assert found(browser, f"?q={text[:19]}") == found(browser, f"?q={text}") == {"Alive"}
    assert found(browser, "?q=nothing") == set()


@pytest.mark.parametrize("lookup", ["digest__startswith=a", "user__password__startswith=a", "lookup=a", "version=1"])
def test_a_query_string_can_not_ask_for_other_columns(browser, lookup):
    assert browser.get(f"{LIST}?{lookup}").status_code == 400


def test_the_list_costs_the_same_for_one_token_and_for_fifty(browser, cast):
    counts = []
    for number in (1, 49):
        for _ in range(number):
            api_token_of(UserFactory(), client=cast.acme)
        with CaptureQueriesContext(connection) as captured:
            browser.get(LIST)
        counts.append(len(captured))

    assert counts[0] == counts[1]


def test_a_token_is_looked_at_but_not_changed_or_deleted(browser, cast):
    token, _ = api_token_of(cast.owner, name="Nightly")
    before = ApiToken.objects.values().get()

    page = browser.get(change(token)).content.decode()

    assert f"um_{token.lookup}" in page
    assert 'name="_save"' not in page and "deletelink" not in page
    assert browser.post(change(token), {"name": "x", "read_only": "", "digest": "0" * 64}).status_code == 403
    assert browser.post(f"{LIST}{token.pk}/delete/", {"post": "yes"}).status_code == 403
    browser.post(LIST, {"action": "delete_selected", "index": 0, "_selected_action": token.pk, "post": "yes"})
    assert ApiToken.objects.values().get() == before


def test_a_user_leads_to_their_tokens_and_history(browser, cast):
    token, _ = api_token_of(cast.owner)

    assert (
        f"{LIST}?owner={cast.owner.pk}" in browser.get(f"/admin/accounts/user/{cast.owner.pk}/change/").content.decode()
    )
    assert f"{ADD}?user={cast.owner.pk}" in browser.get(f"{LIST}?owner={cast.owner.pk}").content.decode()
    assert browser.get(f"{LIST}{token.pk}/history/").headers["Location"] == (
        f"/admin/accounts/user/{cast.owner.pk}/history/"
    )


# Revoking


def act(browser, *chosen, **values):
    sent = {"action": "revoke", "index": 0, "select_across": 0, "_selected_action": [token.pk for token in chosen]}
    return browser.post(LIST, sent | values)


def test_revoking_asks_first_and_then_tells_row_by_row(browser, cast):
    alive, text = api_token_of(cast.owner, name="Alive")
    dead, _ = api_token_of(cast.owner, name="Dead", revoked_at=NOW)

    asked = act(browser, alive, dead)
    assert "Revoke these 2 tokens?" in asked.content.decode()
    assert bearing(text).get("/users/current").status_code == 200

    answer = act(browser, alive, dead, post="yes")
    assert sorted(told(answer)) == ["1 API token revoked.", "Skipped Dead: is revoked already."]
    assert bearing(text).get("/users/current").status_code == 401
    (record,) = audit.history(target=("user", cast.owner.pk), limit=5)
    assert (record.action, record.origin.contract, record.actor) == ("api_token.revoked", "admin", "ada@example.com")
    dead.refresh_from_db()
    assert dead.revoked_at == NOW


def test_the_page_of_a_token_leads_to_that_question(browser, cast):
    token, text = api_token_of(cast.owner, name="Nightly")
    assert f"{LIST}{token.pk}/revoke/" in browser.get(change(token)).content.decode()

    page = browser.get(f"{LIST}{token.pk}/revoke/").content.decode()
    assert "Revoke this token?" in page and f'action="{LIST}"' in page
    sent = dict(
        re.findall(r'<input type="hidden" name="(_?[a-z_]+)" value="([^"]*)"', page[page.index(f'action="{LIST}"') :])
    )
    sent.pop("csrfmiddlewaretoken")
    answer = browser.post(LIST, sent)

    assert told(answer) == ["1 API token revoked."]
    assert bearing(text).get("/users/current").status_code == 401
    assert f"{LIST}{token.pk}/revoke/" not in browser.get(change(token)).content.decode()


@pytest.mark.parametrize("page", ["revoke", "history", "change"])
@pytest.mark.parametrize("number", ["987654321", "x"])
def test_the_pages_of_a_token_that_is_not_there_lead_back(browser, page, number):
    answer = browser.get(f"{LIST}{number}/{page}/")

    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


# Who comes in


@pytest.mark.parametrize("who", ["owner", "disabled"])
@pytest.mark.parametrize("page", ["", "add/", "1/revoke/", "1/change/"])
def test_none_but_administrators_come_to_these_pages(cast, staff, who, page):
    assert staff(getattr(cast, who)).get(LIST + page).status_code == 302


def test_a_form_of_somebody_else_makes_nothing(cast):
    from django.test import Client

    browser = Client(enforce_csrf_checks=True)
    browser.force_login(cast.administrator)

    assert browser.post(ADD, new(cast.owner)).status_code == 403
    assert not ApiToken.objects.exists()


# Those of sign-ins


def login_of(user):
    return api_token_of(user, name="Rocket.Chat", kind=ApiToken.Kind.LOGIN)


def test_sign_ins_by_token_are_listed_and_filtered_by_kind(browser, cast):
    login_of(cast.owner)
    api_token_of(cast.owner, name="Nightly import")

    assert found(browser, "") == {"Rocket.Chat", "Nightly import"}
    assert found(browser, "?kind=login") == {"Rocket.Chat"}
    assert found(browser, "?kind=api") == {"Nightly import"}
    assert found(browser, "?kind=king") == {"Rocket.Chat", "Nightly import"}
    page = browser.get(LIST).content.decode()
    assert '<td class="field-kind_of_token">login</td>' in page
    assert '<td class="field-kind_of_token">API</td>' in page


def test_a_sign_in_by_token_is_revoked_like_any_other(browser, cast):
    token, text = login_of(cast.owner)
    assert logins.resume(token=text) == cast.owner
    assert f'href="{LIST}{token.pk}/revoke/"' in browser.get(change(token)).content.decode()

    answer = browser.post(LIST, {"action": "revoke", "post": "yes", "_selected_action": [token.pk]})

    assert told(answer) == ["1 API token revoked."]
    with pytest.raises(InvalidToken):
        logins.resume(token=text)
    event = Event.objects.about("user", cast.owner.pk)[0]
    assert (event.action, event.contract, event.actor_id) == ("api_token.revoked", "admin", cast.administrator.pk)
