"""The admin site's lists of users and of audit records: search, filters, order, cost, what they show."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.models import Event, User
from accounts.services import users
from accounts.tests.factories import AdministratorFactory, UserFactory
from clients.tests.factories import ClientFactory

USERS = "/admin/accounts/user/"
EVENTS = "/admin/accounts/event/"


def listed(answer):
    """The names in the list, in its order."""
    assert answer.status_code == 200
    return [row.name for row in answer.context["cl"].result_list]


def found(browser, query):
    return set(listed(browser.get(USERS + query)))


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.mark.parametrize("text", ["olga owner", "OLGA@EXAMPLE", "owner olga", "  olga  "])
def test_a_search_finds_any_part_in_any_case(browser, text):
    assert found(browser, f"?q={text}") == {"Olga Owner"}


def test_a_search_folds_letters_that_databases_do_not(browser, cast):
    UserFactory(name="ÅSA STRAẞE", email="asa@example.com", client=cast.acme)
    assert found(browser, "?q=åsa strasse") == {"ÅSA STRAẞE"}


def test_a_number_finds_the_user_of_that_number(browser, cast):
    assert "Otto Outsider" in found(browser, f"?q={cast.outsider.pk}")


@pytest.mark.parametrize("text", ["%", "o_ga", "\\", "'", "olga\x01", "99999999999999999999999"])
def test_odd_searches_find_nobody(browser, text):
    assert listed(browser.get(USERS, {"q": text})) == []


def test_a_search_for_nul_is_no_error(browser):
    answer = browser.get(USERS, {"q": "olga\0"})
    assert answer.status_code == 200
    assert "Null characters are not allowed." in answer.content.decode()


def test_the_role_filter_tells_administrators_from_users(browser):
    assert found(browser, "?role=administrator") == {"Ada Administrator", "Sam Spare"}
    assert found(browser, "?role=user") == {"Olga Owner", "Stan Stranger", "Otto Outsider", "Dora Disabled"}


def test_the_state_filter_finds_the_inactive(browser):
    assert found(browser, "?state=inactive") == {"Dora Disabled"}
    assert "Dora Disabled" not in found(browser, "?state=active")


def test_the_client_filter_finds_the_users_of_one_client(browser, cast):
    assert found(browser, f"?client={cast.globex.pk}") == {"Otto Outsider"}


@pytest.mark.parametrize("value", ["x", "0", "-1", "99999999999999999999", "1 or 1=1"])
def test_a_client_filter_of_no_client_finds_nobody(browser, value):
    assert found(browser, f"?client={value}") == set()


def test_the_client_filter_lists_no_clients_but_the_chosen_one(browser, cast):
    ClientFactory.create_batch(3)
    page = browser.get(f"{USERS}?client={cast.globex.pk}&state=active").content.decode()
    sidebar = page[page.index('class="autocomplete-filter"') :]
    assert f'<option value="{cast.globex.pk}" selected>Globex</option>' in sidebar
    assert "Client " not in sidebar
    assert '<input type="hidden" name="state" value="active">' in sidebar


def test_the_date_filters_look_at_creation_and_last_sign_in(browser, cast):
    now = timezone.now()
    User.objects.filter(pk=cast.owner.pk).update(created_at=now - timedelta(days=100))
    User.objects.filter(pk=cast.stranger.pk).update(last_login=now - timedelta(days=3))
    assert found(browser, "?created=before-quarter") == {"Olga Owner"}
    assert "Olga Owner" not in found(browser, "?created=month")
    assert found(browser, "?last_sign_in=week") == {"Stan Stranger", "Ada Administrator"}
    assert found(browser, "?last_sign_in=day") == {"Ada Administrator"}
    assert "Olga Owner" in found(browser, "?last_sign_in=never")


def test_unknown_values_of_filters_filter_nothing(browser):
    everybody = found(browser, "")
    assert found(browser, "?role=king&state=x&created=x&last_sign_in=x") == everybody


@pytest.mark.parametrize(
    "lookup",
    ["password__startswith=argon2", "sign_ins__jti__startswith=a", "token_version=1", "client__name=Acme", "foo=1"],
)
def test_a_query_string_can_not_ask_for_other_columns(browser, lookup):
    answer = browser.get(f"{USERS}?{lookup}")
    assert answer.status_code == 400
    assert b"not understood" in answer.content


@pytest.mark.parametrize(
    ("column", "first"), [(1, "Ada Administrator"), (2, "Ada Administrator"), (3, "Ada Administrator")]
)
def test_columns_sort_the_list_both_ways(browser, column, first):
    forth, back = listed(browser.get(f"{USERS}?o={column}")), listed(browser.get(f"{USERS}?o=-{column}"))
    assert forth[0] == first
    assert forth == back[::-1]


def test_every_column_sorts(browser):
    for column in range(1, 9):
        assert len(listed(browser.get(f"{USERS}?o={column}"))) == 6


def test_names_sort_without_regard_to_case(browser, cast):
    UserFactory(name="aaron", email="z@example.com", client=cast.acme)
    assert listed(browser.get(f"{USERS}?o=1"))[:2] == ["aaron", "Ada Administrator"]


@pytest.mark.parametrize("query", ["?p=abc", "?p=999999999999999999999", "?o=99", "?o=x", "?p=0"])
def test_odd_pages_and_orders_are_no_error(browser, query):
    assert browser.get(USERS + query, follow=True).status_code == 200


def test_role_and_state_are_badges(browser):
    page = browser.get(USERS).content.decode()
    for kind in ("administrator", "user", "active", "inactive"):
        assert f'<span class="badge badge-{kind}">{kind}</span>' in page


def test_markup_in_names_is_shown_as_text(browser, cast):
    client = ClientFactory(name="<script>alert(2)</script>")
    UserFactory(name="<script>alert(1)</script>", email="x@example.com", client=client)
    page = browser.get(f"{USERS}?client={client.pk}").content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "&lt;script&gt;alert(2)" in page
    assert "<script>alert" not in page


def test_pages_carry_no_inline_script_or_style(browser, cast):
    for path in (
        USERS,
        f"{USERS}add/",
        f"{USERS}{cast.owner.pk}/change/",
        f"{USERS}{cast.owner.pk}/password/",
        "/admin/",
    ):
        page = browser.get(path).content.decode()
        assert "<style" not in page
        assert " style=" not in page
        assert "<script>" not in page
        assert " onclick=" not in page


def queries(browser, path):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


def test_lists_cost_the_same_for_one_row_and_for_fifty(cast, staff):
    browser = staff(cast.administrator)
    paths = (USERS, EVENTS, f"{USERS}?client={cast.globex.pk}", "/admin/clients/client/", "/admin/")
    few = [queries(browser, path) for path in paths]
    for _ in range(50):
        made = users.create(actor=cast.administrator, client_id=ClientFactory().pk, name="N", email=f"n{_}@example.com")
        users.update(actor=cast.administrator, user_id=made.pk, client_id=cast.globex.pk)
    assert [queries(browser, path) for path in paths] == few
    assert max(few) <= 8


def test_autocompletion_finds_clients_in_any_case(browser, cast):
    wanted = {"app_label": "accounts", "model_name": "user", "field_name": "client"}
    answer = browser.get(reverse("admin:autocomplete"), {**wanted, "term": "GLOB"})
    assert answer.json()["results"] == [{"id": str(cast.globex.pk), "text": "Globex"}]
    assert browser.get(reverse("admin:autocomplete"), {**wanted, "term": "glob\0"}).json()["results"] == []


def test_audit_records_are_listed_with_the_names_of_today(browser, cast):
    users.update(actor=cast.spare, user_id=cast.owner.pk, name="<b>New</b>")
    page = browser.get(EVENTS).content.decode()
    assert "user.updated" in page
    assert f'<a href="/admin/accounts/user/{cast.owner.pk}/change/">olga@example.com</a>' in page
    assert f'<a href="/admin/accounts/user/{cast.spare.pk}/change/">sam@example.com</a>' in page
    assert "<del>Olga Owner</del> → &lt;b&gt;New&lt;/b&gt;" in page


def test_audit_records_of_who_is_gone_tell_the_number(browser, cast):
    number = cast.owner.pk
    users.delete(actor=cast.administrator, user_id=number)
    assert f"user {number}" in browser.get(EVENTS).content.decode()


def actions_of(answer):
    return [event.action for event in answer.context["cl"].result_list]


def test_audit_records_are_found_by_number_request_and_filters(browser, cast):
    Event.objects.create(contract="native", action="user.updated", target_kind="user", target_id=77, request_id="r-1")
    Event.objects.create(contract="forms", action="call.x", actor_id=78, target_kind="user", target_id=5)
    assert actions_of(browser.get(f"{EVENTS}?q=77")) == ["user.updated"]
    assert actions_of(browser.get(f"{EVENTS}?q=78")) == ["call.x"]
    assert actions_of(browser.get(f"{EVENTS}?q=r-1")) == ["user.updated"]
    assert actions_of(browser.get(f"{EVENTS}?action=call.x")) == ["call.x"]
    assert actions_of(browser.get(f"{EVENTS}?contract=forms")) == ["call.x"]
    assert actions_of(browser.get(f"{EVENTS}?at=before-quarter")) == []
    assert actions_of(browser.get(f"{EVENTS}?at=day"))[0] == "call.x"
    assert actions_of(browser.get(f"{EVENTS}?contract=%00")) == []


def test_the_audit_trail_can_only_be_read(browser):
    event = Event.objects.all()[0]
    page = f"{EVENTS}{event.pk}/change/"
    shown = browser.get(page)
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert b"history" not in shown.content.lower()
    for path in (f"{EVENTS}add/", page, f"{EVENTS}{event.pk}/delete/"):
        assert browser.post(path, {"post": "yes", "action": "x"}).status_code == 403
    assert browser.get(f"{EVENTS}{event.pk}/history/").status_code == 404
    browser.post(EVENTS, {"action": "delete_selected", "_selected_action": event.pk, "index": 0, "post": "yes"})
    event.refresh_from_db()
    assert event.action == "sign_in.succeeded"


def test_the_first_page_shows_the_latest_events_and_groups_as_roles(browser, cast):
    users.sign_out(actor=cast.spare, user_id=cast.owner.pk)
    page = browser.get("/admin/").content.decode()
    assert page.index("user.signed_out") < page.index("olga@example.com") < page.index("by sam@example.com")
    assert "Groups" not in page
    assert '<a href="/admin/accounts/rolegroup/">Roles</a>' in page
    assert "Recent actions" not in page
    assert browser.get("/admin/auth/group/").status_code == 404


def test_the_site_has_the_products_name(browser, settings):
    settings.SITE_NAME = "Phone book <7>"
    page = browser.get("/admin/").content.decode()
    assert "Phone book &lt;7&gt; administration | Phone book &lt;7&gt;</title>" in page
    assert "Django" not in page


def test_a_user_of_no_rights_sees_no_list(cast, staff):
    assert AdministratorFactory().is_staff
    answer = staff(cast.owner).get(USERS)
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/admin/login/")
