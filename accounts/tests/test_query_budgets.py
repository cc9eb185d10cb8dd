"""How many queries each call may take, whatever the size of the directory (native contract 5)."""

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Event, Membership, Team, User
from accounts.tests.factories import PASSWORD, UserFactory
from clients.models import Client

AT_ONCE = connection.vendor == "postgresql"
"""There a row and its entry of the trail are one statement, and so are who calls and whom the path names."""
NEW = {"password": "securepassword", "password_confirmation": "securepassword"}


@pytest.fixture
def crowd(cast):
    """A hundred more users, each of a client of its own, and a hundred events."""
    clients = Client.objects.bulk_create([Client(name=f"Client {number}") for number in range(100)])
    people = [UserFactory.build(client=client, is_superuser=False, password="!") for client in clients]
    User.objects.bulk_create(people)
    guest = Group.objects.get(name="guest")
    for user, client in zip(people, clients, strict=True):
        user.groups.add(guest)
        Membership.objects.create(user=user, team=Team.objects.create(client=client, name="Everybody"))
    Event.objects.bulk_create([Event(action="user.created", contract="native", target_kind="user") for _ in clients])
    cast.invited = UserFactory(client=cast.acme, password="!")


def queries(run, status=None):
    """What `run` asked of the database, without the brackets of transactions. status: of the answer, if not a good one."""
    with CaptureQueriesContext(connection) as captured:
        answer = run()
    assert answer.status_code < 300 if status is None else answer.status_code == status, answer.json()
    return [
        query["sql"]
        for query in captured.captured_queries
        if not query["sql"].startswith(("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE SAVEPOINT"))
    ]


def test_oneself_is_read_in_one_query_and_whole_in_one_more(cast, call, crowd):
    client = call(cast.owner)

    for path in ("/users/current", f"/users/{cast.owner.pk}"):
        assert len(queries(lambda path=path: client.get(path))) == 1
        assert len(queries(lambda path=path: client.get(f"{path}?include=role,last_sign_in"))) == 2
        assert len(queries(lambda path=path: client.get(f"{path}?include=role,profile,last_sign_in"))) == 4


def test_a_user_is_read_with_the_caller_or_in_one_query_more(cast, call, crowd):
    client = call(cast.administrator)

    assert len(queries(lambda: client.get(f"/users/{cast.owner.pk}"))) == 2 - AT_ONCE
    assert len(queries(lambda: client.get(f"/users/{cast.spare.pk}?include=role"))) == 2
    assert len(queries(lambda: client.get(f"/users/{cast.spare.pk}?include=profile"))) == 4


@pytest.mark.parametrize(
    ("path", "budget"),
    [
        ("/users?", 3),
        ("/users?ordering=-last_sign_in&", 3),
        ("/users?search=example&client_id=null&active=true&", 3),
        ("/users?include=role,username&", 3),
        ("/users?include=role,profile&", 5),
        ("/users?cursor=&include=profile&", 4),
        ("/users?cursor=&", 2),
        ("/users?cursor=&ordering=-name&", 2),
        ("/users?cursor=&ordering=last_sign_in&", 3),
        ("/events?", 3),
        ("/events?cursor=&", 2),
        ("/events?actor=null&target=user&action=user.created&action=user.updated&contract=native&since=2020-01-01&", 3),
        ("/clients?", 3),
        ("/clients?cursor=&", 2),
    ],
)
def test_a_list_takes_the_same_number_of_queries_for_one_row_and_for_a_hundred(cast, call, crowd, path, budget):
    client = call(cast.administrator)

    counts = [len(queries(lambda size=size: client.get(f"{path}per_page={size}"))) for size in (1, 10, 100)]

    assert counts == [budget] * 3


def test_a_trail_takes_the_same_number_of_queries_for_one_row_and_for_a_hundred(cast, call, crowd):
    Event.objects.bulk_create(
        [Event(action="a.b", target_kind="user", target_id=cast.owner.pk, actor_id=cast.spare.pk) for _ in range(100)]
    )
    as_administrator, as_owner = call(cast.administrator), call(cast.owner)
    path = f"/users/{cast.owner.pk}/events?per_page="

    assert [len(queries(lambda size=size: as_administrator.get(f"{path}{size}"))) for size in (1, 100)] == [4, 4]
    assert [len(queries(lambda size=size: as_owner.get(f"{path}{size}"))) for size in (1, 100)] == [3, 3]


@pytest.mark.parametrize(
    ("budget", "run"),
    [
        (2, lambda client, cast: client.get(f"/clients/{cast.acme.pk}")),
        (
            7,
            lambda client, cast: client.post(
                "/users", {"name": "N", "email": "n@example.com", "client_id": cast.acme.pk, **NEW}
            ),
        ),
        (4 - 2 * AT_ONCE, lambda client, cast: client.patch(f"/users/{cast.owner.pk}", {"name": "Renamed"})),
        (2 - AT_ONCE, lambda client, cast: client.patch(f"/users/{cast.owner.pk}", {})),
        (9, lambda client, cast: client.patch(f"/users/{cast.owner.pk}", {"email": "n@example.com"})),
        (9, lambda client, cast: client.patch(f"/users/{cast.owner.pk}", {"client_id": cast.globex.pk})),
        (8, lambda client, cast: client.patch(f"/users/{cast.spare.pk}", {"active": False})),
        (4, lambda client, cast: client.post(f"/users/{cast.owner.pk}/sign_out")),
        (4, lambda client, cast: client.post("/clients", {"name": "New"})),
        (4, lambda client, cast: client.post(f"/users/{cast.invited.pk}/invitation")),
        (6, lambda client, cast: client.post(f"/users/{cast.owner.pk}/verification")),
    ],
    ids=[
        "client",
        "create",
        "rename",
        "nothing",
        "e-mail",
        "move",
        "deactivate",
        "sign out",
        "create client",
        "invite",
        "verify",
    ],
)
def test_a_call_takes_as_many_queries_as_its_row_says(cast, call, crowd, budget, run):
    client = call(cast.administrator)

    asked = queries(lambda: run(client, cast))

    assert len(asked) == budget, "\n".join(asked)


def test_a_sign_in_takes_no_more_queries_than_it_needs(cast, call, crowd):
    asked = queries(lambda: call().post("/auth/token", {"email": "olga@example.com", "password": PASSWORD}))

    assert len(asked) == 10 - 2 * AT_ONCE, "\n".join(asked)


def test_a_failed_sign_in_takes_as_many_queries_whoever_is_meant(cast, call, crowd):
    def tried(email, password):
        return len(queries(lambda: call().post("/auth/token", {"email": email, "password": password}), status=401))

    wrong = tried("stan@example.com", "wrong password")

    assert wrong <= 7
    assert tried("nobody@example.com", PASSWORD) == wrong
    assert tried("dora@example.com", PASSWORD) == wrong  # inactive
    assert tried(cast.invited.email, PASSWORD) == wrong  # without a password


def test_from_an_address_that_is_familiar_a_sign_in_takes_two_less(cast, call, crowd):
    def sign_in():
        return call().post("/auth/token", {"email": "olga@example.com", "password": PASSWORD})

    queries(sign_in)
    assert len(queries(sign_in)) == 8 - 2 * AT_ONCE
