"""The form of a user in the admin site: profile, custom fields, properties and records, roles and teams."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import Event, Membership, User
from accounts.services import custom_fields, profiles, record_types, records, roles, teams, users
from accounts.tests.factories import UserFactory
from accounts.tests.rows import stored
from accounts.tests.test_admin_user_form import ADD, as_is, change, errors, new


def group(name):
    return roles.Group.objects.get(name=name).pk


def latest(user):
    return Event.objects.about("user", user.pk)[0].changes


@pytest.fixture
def browser(cast, staff):
    return staff(cast.administrator)


@pytest.fixture
def sales(cast):
    return teams.create(actor=None, client_id=cast.acme.pk, name="Sales", join_by_default=True)


@pytest.fixture
def department(db):
    return custom_fields.create(actor=None, name="department", kind="select", options=["Sales", "Care"], required=True)


@pytest.fixture
def badge(db):
    return custom_fields.create(actor=None, name="badge", min_length=2, max_length=8)


def field(definition):
    return f"custom_field_{definition.pk}"


def test_a_user_is_made_with_everything(browser, cast, sales):
    sent = new(
        role="user",
        client=cast.acme.pk,
        nickname=" Nono ",
        status_text="Away",
        bio="Line one\r\nLine two",
        custom_fields='{"department": {"name": "Sales", "floors": [1, 2]}}',
        external_id=" X-7 ",
        featured="on",
        public_profile="on",
        properties='{"height": 1.8, "tags": ["a"]}',
        roles=[group("bot"), group("guest")],
        join_default_teams="on",
    )
    assert browser.post(ADD, sent).status_code == 302
    user = User.objects.with_email("nora@example.com").get()
    assert (user.nickname, user.status_text, user.bio) == ("Nono", "Away", "Line one\nLine two")
    assert user.custom_fields == {"department": {"name": "Sales", "floors": [1, 2]}}
    assert (user.external_id, user.featured, user.public_profile) == ("X-7", True, True)
    assert user.properties == {"height": 1.8, "tags": ["a"]}
    assert sorted(user.groups.values_list("name", flat=True)) == ["bot", "guest"]
    assert list(user.teams.all()) == [sales]


def test_without_the_mark_a_new_user_joins_no_team(browser, cast, sales):
    assert browser.post(ADD, new(role="user", client=cast.acme.pk)).status_code == 302
    assert not Membership.objects.exists()
    assert b'name="join_default_teams" id="id_join_default_teams" checked' in browser.get(ADD).content.replace(
        b' aria-describedby="id_join_default_teams_helptext"', b""
    )


def test_a_user_is_changed_in_everything_at_once_and_it_is_told(browser, cast, sales):
    sent = as_is(
        cast.owner,
        nickname="Olly",
        bio="x\r\ny",
        custom_fields='{"a": 1}',
        external_id="X-7",
        featured="on",
        properties='{"b": 2}',
        roles=[group("bot")],
        teams=[sales.pk],
    )
    assert browser.post(change(cast.owner), sent).status_code == 302
    assert latest(cast.owner) == {
        "nickname": ["", "Olly"],
        "bio": ["", "x\ny"],
        "custom_fields": [{}, {"a": 1}],
        "external_id": ["", "X-7"],
        "featured": [False, True],
        "properties": [{}, {"b": 2}],
        "roles": [[], ["bot"]],
        "teams": [[], ["Sales"]],
    }
    history = browser.get(f"/admin/accounts/user/{cast.owner.pk}/history/").content.decode()
    assert "<del>none</del> → {&quot;a&quot;: 1}" in history


def test_sending_back_what_is_there_writes_nothing(browser, cast, sales, badge, department):
    values = {"badge": "B-1", "department": "Sales"}
    users.update(actor=None, user_id=cast.owner.pk, bio="x\ny", custom_fields=values, roles=["bot"], teams=[sales.pk])
    users.update(actor=None, user_id=cast.owner.pk, external_id="X-7", public_profile=True, properties={"a": 1})
    before = stored(cast.owner)
    cast.owner.refresh_from_db()
    sent = as_is(cast.owner, bio="x\r\ny", roles=[group("bot")], teams=[sales.pk])
    sent |= {"external_id": "X-7", "public_profile": "on", "properties": '{\r\n  "a": 1\r\n}'}
    sent |= {field(badge): "B-1", field(department): "Sales"}
    assert browser.post(change(cast.owner), sent).status_code == 302
    assert stored(cast.owner) == before
    page = browser.get(change(cast.owner)).content.decode()
    for shown in ("x\ny</textarea>", 'value="B-1"', '<option value="Sales" selected>', " selected>bot</option>"):
        assert shown in page


@pytest.mark.parametrize(
    ("values", "name", "words"),
    [
        ({"nickname": "n" * 121}, "nickname", "Is too long (maximum is 120 characters)."),
        ({"nickname": "a\0"}, "nickname", "Is invalid."),
        ({"status_text": "a\nb"}, "status_text", "Is invalid."),
        ({"bio": "b" * 261}, "bio", "Is too long (maximum is 260 characters)."),
        ({"bio": "a\0"}, "bio", "Is invalid."),
        ({"custom_fields": "[]"}, "custom_fields", "Must be a JSON object"),
        ({"custom_fields": "{"}, "custom_fields", "Must be a JSON object"),
        ({"custom_fields": '{"a": "\\u0000"}'}, "custom_fields", "Must be a JSON object"),
        ({"custom_fields": '{"a": "\\ud800"}'}, "custom_fields", "Must be a JSON object"),
        ({"custom_fields": '{"a": NaN}'}, "custom_fields", "Must be a JSON object"),
        ({"custom_fields": '{"a":' * 1000 + "1" + "}" * 1000}, "custom_fields", "Must be a JSON object"),
        ({"custom_fields": '{"a":' * 9 + "1" + "}" * 9}, "custom_fields", "Is too large"),
        ({"custom_fields": '{"a": "' + "x" * 17_000 + '"}'}, "custom_fields", "Is too large"),
        ({"external_id": "x" * 256}, "external_id", "Is too long (maximum is 255 characters)."),
        ({"external_id": "a\0"}, "external_id", "Is invalid."),
        ({"external_id": "theirs"}, "external_id", "Has already been taken."),
        ({"properties": "7"}, "properties", "Must be a JSON object"),
        ({"properties": '{"a": "\\ud800"}'}, "properties", "Must be a JSON object"),
        ({"properties": '{"a":' * 9 + "1" + "}" * 9}, "properties", "Is too large"),
        ({"roles": ["x"]}, "roles", "Has one that is not there (any more)."),
        ({"roles": [2**62]}, "roles", "Has one that is not there (any more)."),
        ({"roles": ["9" * 30]}, "roles", "Has one that is not there (any more)."),
        ({"roles": ["\0"]}, "roles", "Has one that is not there (any more)."),
        ({"roles": list(range(1, 502))}, "roles", "Is too long (maximum is 500 entries)."),
        ({"teams": ["x"]}, "teams", "Has one that is not there (any more)."),
        ({"teams": [2**62]}, "teams", "Has one that is not there (any more)."),
    ],
)
def test_faults_stand_beside_their_fields(browser, cast, values, name, words):
    users.update(actor=None, user_id=cast.stranger.pk, external_id="theirs")
    before = stored(cast.owner)
    found = errors(browser.post(change(cast.owner), as_is(cast.owner, **values)))
    assert list(found) == [name]
    assert found[name][0].startswith(words)
    assert stored(cast.owner) == before


def test_each_definition_is_a_field_with_its_own_errors(browser, cast, department, badge):
    before = User.objects.count()
    sent = new(role="user", client=cast.acme.pk) | {field(badge): "b" * 9}
    assert errors(browser.post(ADD, sent)) == {
        field(department): ["Needs department."],
        field(badge): ["Has a badge that is too long (maximum is 8 characters)."],
    }
    assert list(errors(browser.post(ADD, sent | {field(department): "King"}))) == [field(department), field(badge)]
    assert list(errors(browser.post(ADD, sent | {field(department): "Sales", field(badge): "a\0b"}))) == [field(badge)]
    assert User.objects.count() == before
    assert browser.post(ADD, sent | {field(department): "Sales", field(badge): ""}).status_code == 302
    assert User.objects.with_email("nora@example.com").get().custom_fields == {"department": "Sales"}
    assert b'name="custom_fields"' not in browser.get(ADD).content


def test_what_was_not_touched_stays_and_is_not_judged(browser, cast, badge):
    User.objects.filter(pk=cast.owner.pk).update(custom_fields={"badge": {"no": 7}, "former": "x"})
    custom_fields.create(actor=None, name="department", kind="select", options=["Sales"], required=True)
    cast.owner.refresh_from_db()
    sent = as_is(cast.owner, nickname="Olly") | {field(badge): '{"no": 7}'}
    assert browser.post(change(cast.owner), sent).status_code == 302
    cast.owner.refresh_from_db()
    assert (cast.owner.nickname, cast.owner.custom_fields) == ("Olly", {"badge": {"no": 7}, "former": "x"})


def test_a_value_that_is_no_option_any_more_is_still_shown(browser, cast, department):
    users.update(actor=None, user_id=cast.owner.pk, custom_fields={"department": "Care"})
    custom_fields.update(actor=None, field_id=department.pk, options=["Sales"])
    assert '<option value="Care" selected>Care</option>' in browser.get(change(cast.owner)).content.decode()


def test_a_value_is_taken_away_by_a_blank(browser, cast, badge):
    users.update(actor=None, user_id=cast.owner.pk, custom_fields={"badge": "B-1"})
    cast.owner.refresh_from_db()
    browser.post(change(cast.owner), as_is(cast.owner) | {field(badge): " "})
    assert stored(cast.owner)["custom_fields"] == {}


def test_a_definition_made_meanwhile_is_told_above_the_form(browser, cast, badge, monkeypatch):
    faults = [profiles.Fault("custom_fields", "custom_required", {"name": "later"})]
    monkeypatch.setattr(profiles, "_of_custom_fields", lambda values, defined: faults)
    sent = as_is(cast.owner) | {field(badge): "B-1"}
    assert errors(browser.post(change(cast.owner), sent)) == {"__all__": ["Needs later."]}


def test_only_teams_of_the_users_client_are_offered_and_taken(browser, cast, sales):
    foreign = teams.create(actor=None, client_id=cast.globex.pk, name="Sales abroad")
    address = f"{reverse('admin:autocomplete')}?of_client={cast.acme.pk}"
    assert f'data-ajax--url="{address}"' in browser.get(change(cast.owner)).content.decode()
    assert 'of_client=0"' in browser.get(change(cast.spare)).content.decode()
    wanted = {"app_label": "accounts", "model_name": "membership", "field_name": "team", "term": "sales"}

    def offered(client_id):
        answer = browser.get(reverse("admin:autocomplete"), wanted | {"of_client": client_id})
        return [row["id"] for row in answer.json()["results"]]

    assert (offered(cast.acme.pk), offered(cast.globex.pk), offered(0)) == ([str(sales.pk)], [str(foreign.pk)], [])
    refused = {"teams": ["Must be teams of the client of the user."]}
    assert errors(browser.post(change(cast.owner), as_is(cast.owner, teams=[foreign.pk]))) == refused
    assert errors(browser.post(change(cast.spare), as_is(cast.spare, teams=[sales.pk]))) == refused
    assert not Membership.objects.exists()


def test_whoever_moves_leaves_the_teams_of_the_former_client(browser, cast, sales):
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    sent = as_is(cast.owner, client=cast.globex.pk, teams=[sales.pk])
    assert browser.post(change(cast.owner), sent).status_code == 302
    assert latest(cast.owner)["teams"] == [["Sales"], []]
    assert not Membership.objects.exists()


def test_a_refused_change_leaves_roles_and_teams_as_they_were(browser, cast, sales):
    sent = as_is(cast.owner, email="stan@example.com", roles=[group("bot")], teams=[sales.pk], nickname="Olly")
    assert list(errors(browser.post(change(cast.owner), sent))) == ["email"]
    assert not cast.owner.groups.exists() and not Membership.objects.exists()
    assert stored(cast.owner)["nickname"] == ""


def test_a_role_and_a_team_deleted_meanwhile_are_told(browser, cast, sales):
    role = roles.create(actor=None, name="manager")
    users.update(actor=None, user_id=cast.owner.pk, roles=["manager"], teams=[sales.pk])
    cast.owner.refresh_from_db()
    roles.delete(actor=None, role_id=role.pk)
    teams.delete(actor=None, team_id=sales.pk)
    found = errors(browser.post(change(cast.owner), as_is(cast.owner, roles=[role.pk], teams=[sales.pk])))
    assert list(found) == ["roles", "teams"]


def test_a_user_leads_to_the_lists_of_their_records(browser, cast):
    record_types.create(actor=None, kind="relationship", name="friend")
    sent = records.Records(relationships=[records.RelationshipSent("friend", cast.stranger.pk)])
    users.update(actor=None, user_id=cast.owner.pk, records=sent)
    page = browser.get(change(cast.owner)).content.decode()
    for model, words in (
        ("userprofile", "Profiles (0)"),
        ("relationship", "Relationships (1)"),
        ("transactable", "Transactables (0)"),
    ):
        assert f'<a href="/admin/accounts/{model}/?user={cast.owner.pk}">{words}</a>' in page
    (listed,) = browser.get(f"/admin/accounts/relationship/?user={cast.owner.pk}").context["cl"].result_list
    assert listed.user == cast.owner
    assert "Relationships (" not in browser.get(ADD).content.decode()


def test_markup_is_shown_as_text(browser, cast):
    hostile = "<script>alert(1)</script>"
    custom_fields.create(actor=None, name="badge")
    team = teams.create(actor=None, client_id=cast.acme.pk, name=hostile)
    users.update(
        actor=None,
        user_id=cast.owner.pk,
        nickname=hostile,
        bio=f"</textarea>{hostile}",
        custom_fields={"badge": f'"{hostile}'},
        external_id=hostile,
        properties={hostile: hostile},
        teams=[team.pk],
    )
    for page in (change(cast.owner), f"/admin/accounts/user/{cast.owner.pk}/history/", "/admin/accounts/event/"):
        text = browser.get(page).content.decode()
        assert "&lt;script&gt;alert(1)" in text
        assert "<script>alert" not in text


def test_the_form_costs_the_same_for_one_role_and_team_and_for_fifty(browser, cast, badge):
    def queries(path):
        with CaptureQueriesContext(connection) as captured:
            assert browser.get(path).status_code == 200
        return len(captured)

    def put_into(number):
        made = [teams.create(actor=None, client_id=cast.acme.pk, name=f"T{number}-{n}") for n in range(number)]
        named = [roles.create(actor=None, name=f"r{number}-{n}").name for n in range(number)]
        pks = [team.pk for team in made]
        users.update(actor=None, user_id=cast.owner.pk, roles=named, teams=pks)

    put_into(1)
    browser.get(change(cast.owner))  # content types are looked up once a process
    few = [queries(ADD), queries(change(cast.owner)), queries("/admin/accounts/user/")]
    put_into(50)
    for number in range(50):
        custom_fields.create(actor=None, name=f"f{number}")
    UserFactory.create_batch(40, client=cast.acme)
    assert [queries(ADD), queries(change(cast.owner)), queries("/admin/accounts/user/")] == few
    assert max(few) <= 13
