"""The admin site's pages of teams, and of who is in them."""

import pytest
from django.contrib.messages import get_messages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Event, Membership, Team
from accounts.services import teams
from accounts.tests.factories import UserFactory
from clients.tests.factories import ClientFactory

LIST = "/admin/accounts/team/"
ADD = f"{LIST}add/"


def change(team):
    return f"{LIST}{team.pk}/change/"


def members(team):
    return f"{LIST}{team.pk}/members/"


def errors(answer):
    assert answer.status_code == 200
    return answer.context["adminform"].form.errors


def told(answer):
    return [str(message) for message in get_messages(answer.wsgi_request)]


def posted(browser, path, sent):
    """What a page tells of what was sent to it."""
    answer = browser.post(path, sent)
    browser.get(answer.headers["Location"])
    return told(answer)


def queries(browser, path):
    with CaptureQueriesContext(connection) as captured:
        assert browser.get(path).status_code == 200
    return len(captured)


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def sales(cast):
    return teams.create(actor=None, client_id=cast.acme.pk, name="Sales")


def test_a_team_is_made_by_the_service(browser, cast):
    assert browser.post(ADD, {"client": cast.acme.pk, "name": " Sales ", "join_by_default": "on"}).status_code == 302
    team = Team.objects.get()
    assert (team.name, team.client, team.join_by_default) == ("Sales", cast.acme, True)
    event = Event.objects.about("team", team.pk).get()
    assert (event.action, event.contract, event.actor_id) == ("team.created", "admin", cast.administrator.pk)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": ""}, "Can't be blank."),
        ({"name": "SALES"}, "Has already been taken."),
        ({"name": "a\0b"}, "Is invalid."),
        ({"name": "n" * 256}, "Is too long (maximum is 255 characters)."),
        ({"client": ""}, "Must exist."),
        ({"client": "abc"}, "Must exist."),
        ({"client": "99999999999999999999"}, "Must exist."),
    ],
)
def test_faults_stand_beside_their_fields(browser, cast, sales, values, words):
    found = errors(browser.post(ADD, {"client": cast.acme.pk, "name": "New"} | values))
    assert found == {field: [words] for field in values}
    assert list(Team.objects.all()) == [sales]


def test_a_team_is_changed_but_never_its_client(browser, cast, sales):
    sent = {"name": "Sales", "join_by_default": "on", "client": cast.globex.pk, "seen_version": 1}
    assert browser.post(change(sales), sent).status_code == 302
    sales.refresh_from_db()
    assert (sales.client_id, sales.join_by_default) == (cast.acme.pk, True)
    assert Event.objects.about("team", sales.pk)[0].changes == {"join_by_default": [False, True]}
    assert b'name="client"' not in browser.get(change(sales)).content


def test_what_changed_meanwhile_is_not_overwritten(browser, sales):
    teams.update(actor=None, team_id=sales.pk, name="Theirs")
    answer = browser.post(change(sales), {"name": "Mine", "seen_version": 1})
    assert "Somebody changed this" in errors(answer)["__all__"][0]
    sales.refresh_from_db()
    assert sales.name == "Theirs"


def test_a_team_is_deleted_after_asking_and_its_members_are_not_loaded(browser, cast, sales):
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    assert (
        "Delete the team <strong>Sales</strong> for good?" in browser.get(f"{LIST}{sales.pk}/delete/").content.decode()
    )
    with CaptureQueriesContext(connection) as captured:
        browser.post(f"{LIST}{sales.pk}/delete/", {"post": "yes"})
    assert not Team.objects.exists()
    assert not [
        q
        for q in captured
        if q["sql"].startswith("SELECT") and "accounts_membership" in q["sql"] and "COUNT" not in q["sql"]
    ]


def test_users_join_and_leave_on_the_page_of_members(browser, cast, sales):
    answer = browser.post(members(sales), {"join": "x", "users": [cast.owner.pk, cast.stranger.pk]})
    assert (answer.headers["Location"], told(answer)) == (members(sales), ["2 users joined."])
    page = browser.get(members(sales)).content.decode()
    assert "olga@example.com" in page and "stan@example.com" in page
    answer = browser.post(members(sales), {"leave": "x", "user": [cast.owner.pk]})
    assert told(answer) == ["1 user left."]
    assert list(sales.members.all()) == [cast.stranger]
    event = Event.objects.about("user", cast.owner.pk)[0]
    assert (event.action, event.contract, event.actor_id) == ("team.left", "admin", cast.administrator.pk)


def test_what_can_not_be_is_told_one_by_one(browser, cast, sales):
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    sent = {"join": "x", "users": [cast.owner.pk, cast.stranger.pk]}
    assert posted(browser, members(sales), sent) == ["1 user joined.", "Skipped olga@example.com: is in it already."]
    sent = {"leave": "x", "user": ["x", "\0", cast.disabled.pk, 2**62, 10**30]}
    assert posted(browser, members(sales), sent) == [
        "Skipped dora@example.com: is not in it already.",
        f"Skipped user {2**62}: somebody deleted it meanwhile.",
    ]
    assert posted(browser, members(sales), {"join": "x"}) == ["Nobody was chosen."]
    assert posted(browser, members(sales), {}) == ["Nobody was chosen."]
    assert sales.members.count() == 2


def test_only_users_of_the_client_are_taken(browser, cast, sales):
    for wrong in (cast.outsider.pk, cast.administrator.pk, "x", "0", 2**62, "9" * 30, "\0"):
        answer = browser.post(members(sales), {"join": "x", "users": [cast.owner.pk, wrong]})
        assert answer.context["form"].errors == {"users": ["Has one that is not there (any more)."]}
    answer = browser.post(members(sales), {"join": "x", "users": list(range(1, 502))})
    assert answer.context["form"].errors == {"users": ["Is too long (maximum is 500 entries)."]}
    assert not Membership.objects.exists()


def test_only_users_of_the_client_are_offered(browser, cast, sales):
    page = browser.get(members(sales)).content.decode()
    address = f"{reverse('admin:autocomplete')}?of_client={cast.acme.pk}"
    assert f'data-ajax--url="{address}"' in page
    wanted = {"app_label": "accounts", "model_name": "membership", "field_name": "user", "term": "example.com"}

    def offered(client):
        answer = browser.get(reverse("admin:autocomplete"), wanted | {"of_client": client})
        return {row["text"] for row in answer.json()["results"]}

    assert offered(cast.globex.pk) == {"otto@example.com"}
    assert offered(cast.acme.pk) == {"olga@example.com", "stan@example.com", "dora@example.com"}
    for nobody in ("0", "x", "9" * 30, "\0"):
        assert offered(nobody) == set()


def test_the_page_of_members_is_turned(browser, cast, sales):
    crowd = UserFactory.create_batch(60, client=cast.acme)
    Membership.objects.bulk_create(Membership(team=sales, user=user) for user in crowd)
    first = browser.get(members(sales))
    last = first.context["members"][-1].user_id
    assert len(first.context["members"]) == 50
    assert f"?after={last}" in first.content.decode()
    rest = browser.get(f"{members(sales)}?after={last}")
    assert [row.user_id for row in rest.context["members"]] == [user.pk for user in crowd[50:]]
    assert rest.context["next"] is None
    assert len(browser.get(f"{members(sales)}?after=x").context["members"]) == 50
    assert "Nobody else is in this team." in browser.get(f"{members(sales)}?after={2**62}").content.decode()


def test_the_pages_cost_the_same_for_one_row_and_for_fifty(browser, cast, sales):
    paths = (LIST, change(sales), members(sales), f"/admin/accounts/user/?team={sales.pk}")
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    for path in paths:
        browser.get(path)  # content types are looked up once a process
    few = [queries(browser, path) for path in paths]
    for number in range(50):
        teams.create(actor=None, client_id=ClientFactory().pk, name=f"Team {number}")
    crowd = UserFactory.create_batch(50, client=cast.acme)
    Membership.objects.bulk_create(Membership(team=sales, user=user) for user in crowd)
    assert [queries(browser, path) for path in paths] == few
    assert max(few) <= 8


def test_the_form_of_a_team_lists_no_members(browser, cast, sales):
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    page = browser.get(change(sales)).content.decode()
    assert "olga@example.com" not in page
    assert f'<a href="/admin/accounts/user/?team={sales.pk}">1</a> <a href="{members(sales)}">Manage</a>' in page


def test_the_list_is_searched_and_filtered(browser, cast, sales):
    foreign = teams.create(actor=None, client_id=cast.globex.pk, name="STRAẞE", join_by_default=True)

    def found(query):
        return list(browser.get(LIST + query).context["cl"].result_list)

    assert found("?q=strasse") == [foreign]
    assert found(f"?q={sales.pk}") == [sales]
    assert found(f"?client={cast.acme.pk}") == [sales]
    assert found("?by_default=yes") == [foreign]
    assert found("?by_default=no") == [sales]
    assert found("?by_default=x") == [sales, foreign]


def test_the_users_of_a_team_are_found_and_teams_of_one_name_told_apart(browser, cast, sales):
    teams.create(actor=None, client_id=cast.globex.pk, name="Sales")
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    answer = browser.get(f"/admin/accounts/user/?team={sales.pk}")
    assert [user.name for user in answer.context["cl"].result_list] == ["Olga Owner"]
    assert f'<option value="{sales.pk}" selected>Sales (Acme)</option>' in answer.content.decode()
    wanted = {"app_label": "accounts", "model_name": "membership", "field_name": "team", "term": "sal"}
    offered = browser.get(reverse("admin:autocomplete"), wanted).json()["results"]
    assert {row["text"] for row in offered} == {"Sales (Acme)", "Sales (Globex)"}
    for nothing in ("x", "0", "9" * 30):
        assert list(browser.get(f"/admin/accounts/user/?team={nothing}").context["cl"].result_list) == []


def test_history_and_the_trail_name_the_team(browser, sales):
    teams.update(actor=None, team_id=sales.pk, name="<b>New</b>")
    history = browser.get(f"{LIST}{sales.pk}/history/").content.decode()
    assert "<del>Sales</del> → &lt;b&gt;New&lt;/b&gt;" in history
    trail = browser.get("/admin/accounts/event/").content.decode()
    assert f'<a href="{change(sales)}">&lt;b&gt;New&lt;/b&gt;</a>' in trail
    for page in (LIST, change(sales), members(sales)):
        assert "<b>New</b>" not in browser.get(page).content.decode()


def test_a_team_that_is_gone_is_no_error(browser, cast, sales):
    teams.delete(actor=None, team_id=sales.pk)
    for answer in (
        browser.get(change(sales), follow=True),
        browser.get(members(sales), follow=True),
        browser.post(members(sales), {"join": "x", "users": [cast.owner.pk]}, follow=True),
        browser.get(f"{LIST}%00/members/", follow=True),
    ):
        assert b"Perhaps it was deleted?" in answer.content


def test_the_pages_are_for_administrators_and_have_nothing_inline(browser, cast, staff, sales):
    for path in (LIST, ADD, change(sales), members(sales)):
        assert staff(cast.owner).get(path).headers["Location"].startswith("/admin/login/")
        page = browser.get(path).content.decode()
        assert "<style" not in page and " style=" not in page and "<script>" not in page
    staff(cast.owner).post(members(sales), {"join": "x", "users": [cast.owner.pk]})
    assert not Membership.objects.exists()
