"""Who is in which team: joined when a user is made, left with the client, gone with the user or the client."""

import io

import pytest
from django.core.management import call_command

from accounts.management import demo
from accounts.models import Event, Membership, Team, User
from accounts.services import bulk, memberships, users
from accounts.tests.factories import UserFactory
from accounts.tests.user_services import GOOD, create, update
from clients.services import clients
from clients.tests.factories import ClientFactory
from usermgmt.errors import Invalid

SECRET = {"password": GOOD, "password_confirmation": GOOD}


@pytest.fixture
def teams(cast):
    """Two that everybody of Acme joins, one that nobody does by itself, and one of another client."""
    for client, name, joined in (
        (cast.acme, "Everybody", True),
        (cast.acme, "Also everybody", True),
        (cast.acme, "Board", False),
        (cast.globex, "Others", True),
    ):
        Team.objects.create(client=client, name=name, join_by_default=joined)
    return ["Also everybody", "Everybody"]


def of(user):
    return list(Membership.objects.filter(user=user).order_by("team__name_folded").values_list("team__name", flat=True))


def named(email="nina@example.com"):
    return User.objects.get(email=email)


# Joined


def made_by_service(cast, call, staff):
    create(client_id=cast.acme.pk)


def made_by_api(cast, call, staff):
    body = {"name": "Nina", "email": "nina@example.com", "client_id": cast.acme.pk, **SECRET}
    assert call(cast.administrator).post("/users", body).status_code == 201


def made_by_bulk(cast, call, staff):
    body = {"name": "Nina", "email": "nina@example.com", "client_id": cast.acme.pk, **SECRET}
    answer = call(cast.administrator).post("/users/bulk", {"users": [body]})
    assert [result["status"] for result in answer.json()["results"]] == [201]


def made_by_staff(cast, call, staff):
    body = {
        "name": "Nina",
        "email": "nina@example.com",
        "role": "user",
        "client": cast.acme.pk,
        "active": "on",
        "usable_password": "invite",
        "join_default_teams": "on",
    }
    assert staff(cast.administrator).post("/admin/accounts/user/add/", body).status_code == 302


@pytest.mark.parametrize("door", [made_by_service, made_by_api, made_by_bulk, made_by_staff])
def test_a_new_user_joins_those_of_the_client_by_every_door(cast, call, staff, teams, door):
    door(cast, call, staff)
    assert of(named()) == teams


def test_those_whom_a_command_makes_join_too(db):
    client = ClientFactory(name=demo.companies(1)[0])
    Team.objects.create(client=client, name="Everybody", join_by_default=True)
    call_command("seed_demo", users=5, clients=1, stdout=io.StringIO(), stderr=io.StringIO())
    assert set(Membership.objects.values_list("user", flat=True)) == set(client.users.values_list("pk", flat=True))
    assert Membership.objects.count() == 5


def test_none_is_joined_where_that_is_not_wanted(cast, teams):
    assert of(create(client_id=cast.acme.pk, join_default_teams=False)) == []


def test_an_administrator_is_in_no_team(cast, teams):
    assert of(create()) == []


def test_a_refused_user_is_in_none(cast, teams):
    answers = bulk.create(
        actor=None,
        drafts=[
            bulk.Draft(name="Nina", email="nina@example.com", client_id=cast.acme.pk),
            bulk.Draft(name="Nina", email="nina@example.com", client_id=cast.acme.pk),
        ],
    )
    assert [outcome.user is None for outcome in answers] == [False, True]
    assert Membership.objects.count() == 2


def test_a_thousand_join_in_a_few_queries(cast, teams, django_assert_max_num_queries):
    people = User.objects.bulk_create(
        [
            UserFactory.build(client=(cast.acme, cast.globex)[n % 2], is_superuser=False, password="!")
            for n in range(1000)
        ]
    )
    with django_assert_max_num_queries(6):
        memberships.join_default(people)
    assert Membership.objects.count() == 1500


# Left


def test_who_moves_to_another_client_leaves_them_and_joins_none(cast, teams):
    user = create(client_id=cast.acme.pk)
    update(user, client_id=cast.globex.pk)
    assert of(user) == []
    event = Event.objects.filter(action="user.updated").get()
    assert event.changes == {"client_id": [cast.acme.pk, cast.globex.pk], "teams": [teams, []]}


def test_who_becomes_an_administrator_leaves_them(cast, teams):
    user = create(client_id=cast.acme.pk)
    update(user, client_id=None)
    assert of(user) == []
    assert Event.objects.filter(action="user.updated").get().changes["teams"] == [teams, []]


def test_who_was_in_none_leaves_none(cast):
    update(cast.owner, client_id=cast.globex.pk)
    assert Event.objects.get().changes == {"client_id": [cast.acme.pk, cast.globex.pk]}


def test_other_changes_leave_them_as_they_are(cast, teams):
    user = create(client_id=cast.acme.pk)
    update(user, name="Nina New", active=False, client_id=cast.acme.pk)
    assert of(user) == teams


def test_a_refused_move_leaves_them_as_they_are(cast, teams):
    user = create(client_id=cast.acme.pk)
    with pytest.raises(Invalid):
        update(user, client_id=987654)
    assert of(user) == teams


# Gone


def test_memberships_go_with_their_user_and_teams_stay(cast, teams):
    user, other = create(client_id=cast.acme.pk), create(client_id=cast.acme.pk, email="other@example.com")
    users.delete(actor=None, user_id=user.pk)
    assert not Membership.objects.filter(user_id=user.pk).exists()
    assert of(other) == teams
    assert Team.objects.count() == 4


def test_teams_go_with_a_client_that_has_no_users(cast, teams):
    users.delete(actor=None, user_id=cast.outsider.pk)
    clients.delete(actor=None, client_id=cast.globex.pk)
    assert set(Team.objects.values_list("name", flat=True)) == {*teams, "Board"}


def test_teams_do_not_go_where_the_client_has_users(cast, teams):
    with pytest.raises(Invalid):
        clients.delete(actor=None, client_id=cast.globex.pk)
    assert Team.objects.count() == 4
