"""The team services: every rule of teams and of who is in them, the audit rows, and who may do it."""

from functools import partial
from typing import Any

import pytest

from accounts.models import Event, Membership, Team, User
from accounts.services import memberships, teams, users
from accounts.tests.factories import UserFactory
from accounts.tests.rows import stored
from clients.models import Client
from clients.services import clients
from clients.tests.factories import ClientFactory
from usermgmt.errors import Fault, Forbidden, Invalid, NotFound, Stale

TAKEN = (Fault("name", "taken"),)
OTHER_CLIENT = (Fault("teams", "team_of_other_client"),)


def faults(call, **values):
    with pytest.raises(Invalid) as refused:
        call(**values)
    return refused.value.faults


def latest(kind, row):
    return Event.objects.about(kind, row.pk)[0]


def bound(administrator, client):
    """The administrator as a token bound to a client has it."""
    administrator.scope_id = client.pk
    return administrator


@pytest.fixture
def sales(cast):
    return teams.create(actor=cast.administrator, client_id=cast.acme.pk, name="Sales")


def test_a_team_is_made_and_told(cast):
    team = teams.create(actor=cast.administrator, client_id=cast.acme.pk, name="  Sales ", join_by_default=True)
    assert (team.name, team.client_id, team.join_by_default, team.version) == ("Sales", cast.acme.pk, True, 1)
    event = latest("team", team)
    assert (event.action, event.actor_id) == ("team.created", cast.administrator.pk)
    assert event.changes == {
        "name": [None, "Sales"],
        "client_id": [None, cast.acme.pk],
        "join_by_default": [None, True],
    }


@pytest.mark.parametrize(
    ("name", "code"),
    [("", "blank"), (" \u200b", "blank"), ("n" * 256, "too_long"), ("ﷺ" * 20, "too_long"), ("a\0b", "invalid")],
)
def test_a_team_is_named_as_a_client_is(cast, sales, name, code):
    told = faults(teams.create, actor=None, client_id=cast.acme.pk, name=name)
    assert [(fault.field, fault.code) for fault in told] == [("name", code)]
    assert [fault.code for fault in clients.check(name=name)] == [code]
    assert [fault.code for fault in faults(teams.update, actor=None, team_id=sales.pk, name=name)] == [code]
    assert list(Team.objects.all()) == [sales]


def test_a_name_is_unique_within_the_client_without_regard_to_case(cast, sales):
    assert faults(teams.create, actor=None, client_id=cast.acme.pk, name=" SALES ") == TAKEN
    assert teams.create(actor=None, client_id=cast.globex.pk, name="SALES").client == cast.globex
    other = teams.create(actor=None, client_id=cast.acme.pk, name="Straße")
    assert faults(teams.create, actor=None, client_id=cast.acme.pk, name="STRASSE") == TAKEN
    assert faults(teams.update, actor=None, team_id=other.pk, name="sales") == TAKEN
    assert teams.update(actor=None, team_id=sales.pk, name="SALES").name == "SALES"


def test_a_race_for_a_name_ends_in_the_same_error(cast, sales, monkeypatch):
    other = teams.create(actor=None, client_id=cast.acme.pk, name="Support")
    monkeypatch.setattr(teams, "_faults_of_name", lambda *args: [])  # as if it was free when it was looked up
    assert faults(teams.create, actor=None, client_id=cast.acme.pk, name="sales") == TAKEN
    assert faults(teams.update, actor=None, team_id=other.pk, name="sales") == TAKEN


@pytest.mark.parametrize("client_id", [None, 2**62])
def test_a_team_needs_a_client_that_is_there(cast, client_id):
    told = faults(teams.create, actor=cast.administrator, client_id=client_id, name="")
    assert told == (Fault("client", "must_exist"), Fault("name", "blank"))


def test_what_could_not_be_read_is_told_along(cast, sales):
    reported = [Fault("join_by_default", "invalid")]
    told = faults(teams.create, actor=None, client_id=cast.acme.pk, name="sales", reported=reported)
    assert told == (*reported, *TAKEN)
    assert faults(teams.update, actor=None, team_id=sales.pk, reported=reported) == tuple(reported)


def test_only_what_changed_is_written_and_told(cast, sales):
    teams.update(actor=cast.spare, team_id=sales.pk, name="Sales", join_by_default=True, versions=[1])
    sales.refresh_from_db()
    assert (sales.join_by_default, sales.version) == (True, 2)
    assert latest("team", sales).changes == {"join_by_default": [False, True]}
    before = stored(sales)
    teams.update(actor=cast.spare, team_id=sales.pk, name=" Sales ", join_by_default=True)
    assert stored(sales) == before
    assert Event.objects.about("team", sales.pk).count() == 2


def test_another_version_is_stale(cast, sales):
    with pytest.raises(Stale):
        teams.update(actor=None, team_id=sales.pk, name="Other", versions=[7])
    with pytest.raises(Stale):
        teams.delete(actor=None, team_id=sales.pk, versions=[7])
    assert stored(sales)["name"] == "Sales"


def test_a_deleted_team_leaves_its_members_alone(cast, sales):
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    teams.delete(actor=cast.administrator, team_id=sales.pk)
    assert not Team.objects.exists() and not Membership.objects.exists()
    assert User.objects.filter(pk=cast.owner.pk).exists()
    event = latest("team", sales)
    assert (event.action, event.changes["name"]) == ("team.deleted", ["Sales", None])


def test_a_team_goes_with_its_client(cast):
    empty = ClientFactory()
    teams.create(actor=None, client_id=empty.pk, name="Nobody")
    clients.delete(actor=cast.administrator, client_id=empty.pk)
    assert not Client.objects.filter(pk=empty.pk).exists() and not Team.objects.exists()


def test_a_user_joins_and_leaves_once_and_it_is_told(cast, sales):
    who = {"actor": cast.administrator, "team_id": sales.pk, "user_id": cast.owner.pk}
    assert [teams.add_member(**who), teams.add_member(**who)] == [True, False]
    assert list(sales.members.all()) == [cast.owner]
    assert latest("user", cast.owner).changes == {"team": [None, "Sales"]}
    assert [teams.remove_member(**who), teams.remove_member(**who)] == [True, False]
    assert not sales.members.exists()
    told = Event.objects.about("user", cast.owner.pk).values_list("action", flat=True)
    assert list(told) == ["team.left", "team.joined"]


@pytest.mark.parametrize("who", ["outsider", "administrator"])
def test_only_users_of_the_client_can_join(cast, sales, who):
    user = getattr(cast, who)
    told = faults(teams.add_member, actor=cast.administrator, team_id=sales.pk, user_id=user.pk)
    assert told == (Fault("user", "not_of_client"),)
    assert not Membership.objects.exists()
    assert not Event.objects.filter(action="team.joined").exists()


def test_a_team_deleted_while_somebody_joins_is_told(cast, sales, monkeypatch, transactional_db):
    def gone(*args):
        Team.objects.filter(pk=sales.pk)._raw_delete("default")
        return sales, cast.owner

    monkeypatch.setattr(teams, "_of_both", gone)
    told = faults(teams.add_member, actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    assert told == (Fault("team", "must_exist"),)


def test_what_is_not_there_is_not_found(cast, sales):
    calls: list[partial[Any]] = [
        partial(teams.update, team_id=2**62, name="X"),
        partial(teams.delete, team_id=2**62),
        partial(teams.add_member, team_id=2**62, user_id=cast.owner.pk),
        partial(teams.add_member, team_id=sales.pk, user_id=2**62),
        partial(teams.remove_member, team_id=sales.pk, user_id=2**62),
    ]
    for call in calls:
        with pytest.raises(NotFound):
            call(actor=cast.administrator)


def test_regular_users_administer_no_team(cast, sales):
    calls: list[partial[Any]] = [
        partial(teams.create, client_id=cast.acme.pk, name="X"),
        partial(teams.update, team_id=sales.pk, name="X"),
        partial(teams.delete, team_id=sales.pk),
        partial(teams.add_member, team_id=sales.pk, user_id=cast.owner.pk),
        partial(teams.remove_member, team_id=sales.pk, user_id=cast.owner.pk),
        partial(users.update, user_id=cast.owner.pk, teams=[sales.pk]),
    ]
    for call in calls:
        with pytest.raises(Forbidden):
            call(actor=cast.owner)
    assert not Membership.objects.exists()
    assert stored(sales)["version"] == 1


def test_a_bound_administrator_has_the_teams_of_the_client_alone(cast, sales):
    actor = bound(cast.administrator, cast.globex)
    with pytest.raises(Forbidden):
        teams.create(actor=actor, client_id=cast.acme.pk, name="X")
    with pytest.raises(NotFound):
        teams.update(actor=actor, team_id=sales.pk, name="X")
    with pytest.raises(NotFound):
        teams.add_member(actor=actor, team_id=sales.pk, user_id=cast.owner.pk)
    own = teams.create(actor=actor, client_id=cast.globex.pk, name="Own")
    with pytest.raises(NotFound):
        teams.add_member(actor=actor, team_id=own.pk, user_id=cast.owner.pk)
    assert teams.add_member(actor=actor, team_id=own.pk, user_id=cast.outsider.pk)
    assert set(Event.objects.visible_to(actor).values_list("action", flat=True)) == {"team.created", "team.joined"}


def test_a_user_is_put_into_exactly_the_teams_said(cast, sales):
    support = teams.create(actor=None, client_id=cast.acme.pk, name="Support")
    users.update(actor=cast.administrator, user_id=cast.owner.pk, teams=[sales.pk])
    users.update(actor=cast.administrator, user_id=cast.owner.pk, teams=[support.pk, support.pk], nickname="Olly")
    assert list(cast.owner.teams.all()) == [support]
    assert latest("user", cast.owner).changes == {"nickname": ["", "Olly"], "teams": [["Sales"], ["Support"]]}
    version = stored(cast.owner)["version"]
    users.update(actor=cast.administrator, user_id=cast.owner.pk, teams=[support.pk])
    assert stored(cast.owner)["version"] == version == 3


def test_teams_of_another_client_are_refused_with_everything_else(cast, sales):
    foreign = teams.create(actor=None, client_id=cast.globex.pk, name="Foreign")
    before = stored(cast.owner)
    for ids in ([foreign.pk], [sales.pk, foreign.pk], [2**62]):
        told = faults(users.update, actor=cast.administrator, user_id=cast.owner.pk, teams=ids, name="New")
        assert told == OTHER_CLIENT
    told = faults(users.update, actor=cast.administrator, user_id=cast.spare.pk, teams=[sales.pk])
    assert told == OTHER_CLIENT
    assert stored(cast.owner) == before
    assert not Membership.objects.exists()


def test_teams_are_judged_again_under_the_lock(cast, sales, monkeypatch):
    monkeypatch.setattr(memberships, "faults_of", _once(memberships.faults_of))
    told = faults(users.update, actor=cast.administrator, user_id=cast.outsider.pk, teams=[sales.pk], name="New")
    assert told == OTHER_CLIENT
    assert stored(cast.outsider)["name"] == "Otto Outsider"


def _once(judge):
    """Finds nothing the first time, as before somebody else changed the client."""
    calls = []

    def judged(*args):
        calls.append(args)
        return [] if len(calls) == 1 else judge(*args)

    return judged


def test_whoever_moves_leaves_the_teams_and_may_join_some_of_the_new_client(cast, sales):
    foreign = teams.create(actor=None, client_id=cast.globex.pk, name="Foreign")
    teams.add_member(actor=None, team_id=sales.pk, user_id=cast.owner.pk)
    users.update(actor=cast.administrator, user_id=cast.owner.pk, client_id=cast.globex.pk, teams=[foreign.pk])
    assert latest("user", cast.owner).changes["teams"] == [["Sales"], ["Foreign"]]
    users.update(actor=cast.administrator, user_id=cast.owner.pk, client_id=cast.acme.pk)
    assert latest("user", cast.owner).changes["teams"] == [["Foreign"], []]
    assert not Membership.objects.exists()


def test_new_users_join_the_default_teams_of_their_client_unless_it_is_said_otherwise(cast, sales):
    teams.update(actor=None, team_id=sales.pk, join_by_default=True)
    new = {"actor": cast.administrator, "client_id": cast.acme.pk, "name": "N"}
    joined = users.create(email="n1@example.com", **new)
    apart = users.create(email="n2@example.com", join_default_teams=False, **new)
    assert list(sales.members.all()) == [joined]
    assert not apart.teams.exists()
    assert not UserFactory(client=cast.globex).teams.exists()
