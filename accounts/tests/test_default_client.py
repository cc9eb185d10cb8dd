"""HOME: the client for users of contracts that know none; the directory's default one is made on first use."""

import pytest

from accounts import usernames
from accounts.models import Event, Team, User
from accounts.services import users
from accounts.tests.callers import api_token_of
from accounts.tests.factories import AdministratorFactory, UserFactory
from accounts.tests.rows import everything
from accounts.tests.test_races import CROWD, at_once, repeated
from accounts.tests.user_services import create, faults, update
from clients.models import Client
from usermgmt.errors import Fault, Forbidden, Invalid

HOME = users.HOME


def as_token(user, client):
    """The user as an API token makes them that is bound to a client."""
    user.scope_id, user.token_id = client.pk, api_token_of(user, client=client)[0].pk
    return user


def test_it_is_made_on_first_use_and_is_the_same_afterwards(cast, settings):
    settings.DEFAULT_CLIENT = "Guests & co"
    one = create(actor=cast.administrator, client_id=HOME)
    two = create(actor=None, client_id=HOME, email="two@example.com")
    assert one.client == two.client == Client.objects.get(name="Guests & co")
    assert not one.is_superuser
    made = Event.objects.filter(action="client.created").get()
    assert (made.actor_id, made.target_id) == (cast.administrator.pk, one.client_id)


def test_one_of_that_name_is_taken_without_regard_to_case(cast, settings):
    settings.DEFAULT_CLIENT = "aCME"
    assert create(client_id=HOME).client == cast.acme
    assert Client.objects.count() == 2


def test_its_teams_are_joined(cast, settings):
    settings.DEFAULT_CLIENT = "Acme"
    Team.objects.create(client=cast.acme, name="Everybody", join_by_default=True)
    assert [team.name for team in create(client_id=HOME).teams.all()] == ["Everybody"]


def test_the_audit_row_of_the_first_user_tells_its_number(cast):
    user = create(client_id=HOME)
    assert Event.objects.get(action="user.created").changes["client_id"] == [None, user.client_id]


@pytest.mark.parametrize(
    "values", [{"email": "olga@example.com"}, {"bio": "x" * 261}, {"password": "short"}, {"roles": ["nope"]}], ids=str
)
def test_a_refused_user_leaves_no_client(cast, values):
    before = everything()
    assert faults(create, client_id=HOME, **values)
    assert everything() == before


def test_a_user_whom_the_database_refuses_leaves_no_client(cast, monkeypatch):
    from accounts.services import checks

    monkeypatch.setattr(checks, "taken", lambda sent, user: [])  # as if somebody came in between
    before = everything()
    assert faults(create, client_id=HOME, email="olga@example.com", username="new") == [Fault("email", "taken")]
    assert everything() == before


def test_a_made_up_name_that_was_taken_meanwhile_is_made_up_again_and_so_is_the_client(cast, monkeypatch):
    made_from = usernames.made_from
    monkeypatch.setattr(
        usernames, "made_from", lambda email, distinct=False: made_from(email, distinct=True) if distinct else "olga"
    )
    monkeypatch.setattr(type(User.objects), "with_username", lambda self, username: User.objects.none())
    user = create(client_id=HOME)
    assert user.username.startswith("nina-")
    assert user.client == Client.objects.get(name="Default")
    assert Event.objects.filter(action="client.created").count() == 1


def test_a_regular_user_has_the_own_one(cast):
    cast.owner.grants = {"create-user"}
    assert create(actor=cast.owner, client_id=HOME).client == cast.acme
    assert not Client.objects.filter(name="Default").exists()


def test_a_regular_user_whom_no_role_lets_makes_nobody(cast):
    before = everything()
    with pytest.raises(Forbidden):
        create(actor=cast.owner, client_id=HOME)
    assert everything() == before


def test_a_token_that_is_bound_to_a_client_has_that_one(cast):
    user = create(actor=as_token(cast.administrator, cast.globex), client_id=HOME)
    assert user.client == cast.globex
    assert not Client.objects.filter(name="Default").exists()


# Moving there


def test_an_administrator_who_is_none_any_more_goes_there(cast):
    user = update(cast.spare, actor=cast.administrator, client_id=HOME)
    home = Client.objects.get(name="Default")
    assert (user.client, user.is_superuser) == (home, False)
    event = Event.objects.get(action="user.updated")
    assert event.changes["client_id"] == [None, home.pk]


def test_the_last_one_does_not_and_leaves_no_client(cast):
    update(cast.spare, active=False)
    before = everything()
    assert faults(update, cast.administrator, client_id=HOME) == [Fault("base", "last_administrator")]
    assert everything() == before


def test_a_refused_change_leaves_no_client(cast):
    before = everything()
    assert faults(update, cast.spare, actor=cast.administrator, client_id=HOME, email="olga@example.com")
    assert everything() == before


def test_who_is_there_already_stays(cast, settings):
    settings.DEFAULT_CLIENT = "Acme"
    before = everything()
    update(cast.owner, actor=cast.administrator, client_id=HOME)
    assert everything() == before


def test_nobody_moves_out_of_a_tokens_client(cast):
    with pytest.raises(Forbidden):
        users.update(actor=cast.owner, user_id=cast.owner.pk, client_id=None)
    assert update(cast.owner, actor=cast.owner, client_id=HOME).client_id == cast.acme.pk


# Races


@pytest.mark.django_db(transaction=True)
@repeated(4)
def test_of_twelve_who_are_first_all_find_the_same():
    ada = AdministratorFactory()

    def making(number):
        return lambda: users.create(
            actor=ada, client_id=HOME, name="Nina", email=f"nina{number}@example.com", username=f"nina{number}"
        )

    made = at_once(*map(making, range(CROWD)))
    (home,) = Client.objects.filter(name="Default")
    assert {user.client_id for user in made} == {home.pk}
    assert User.objects.filter(client=home).count() == CROWD
    assert Event.objects.filter(action="client.created").count() == 1


@pytest.mark.django_db(transaction=True)
@repeated(4)
def test_twelve_of_one_made_up_name_all_come_to_be():
    """Those who lose the name make another, in a client that the loser's own transaction may have made."""

    def making(number):
        def call():
            try:
                return users.create(actor=None, client_id=HOME, name="Nina", email=f"nina@{number}.example.com")
            except Invalid as refusal:
                return refusal

        return call

    made = at_once(*map(making, range(CROWD)))
    assert {type(user) for user in made} == {User}
    (home,) = Client.objects.filter(name="Default")
    assert {user.client_id for user in made} == {home.pk}
    assert len({user.username for user in made}) == CROWD


@pytest.mark.django_db(transaction=True)
@repeated()
def test_two_administrators_who_move_there_at_once_find_the_same():
    staff = [AdministratorFactory() for _ in range(3)]
    UserFactory()
    at_once(*(lambda user=user: users.update(actor=None, user_id=user.pk, client_id=HOME) for user in staff[:2]))
    (home,) = Client.objects.filter(name="Default")
    assert User.objects.filter(client=home).count() == 2
