"""A token bound to a client sees and writes that client's users and clients, and nothing else (DESIGN 2, "Tokens").

`bound` is the administrator's, bound to Acme. Inside: Acme, Olga, Stan, Dora. Outside: Globex, Otto, and the
administrators, its own owner among them.
"""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Event, User
from accounts.services import bulk, users
from accounts.tests.callers import api_token_of, bearing, caller
from accounts.tests.factories import UserFactory
from accounts.tests.rows import everything, stored
from accounts.tests.user_services import meanwhile
from clients.models import Client
from clients.services import clients
from usermgmt.errors import Forbidden, Invalid, NotFound

FORBIDDEN = {"error": "You are not authorized to perform this action."}
USER_NOT_FOUND, CLIENT_NOT_FOUND = {"error": "User not found"}, {"error": "Client not found"}
NEW = {
    "name": "New",
    "email": "new@example.com",
    "password": "securepassword",
    "password_confirmation": "securepassword",
}
INSIDE = {"olga@example.com", "stan@example.com", "dora@example.com"}


@pytest.fixture
def bound(cast, by_token):
    """An API client that calls by the administrator's token bound to Acme."""
    return by_token(cast.administrator, client=cast.acme)


@pytest.fixture
def actor(cast):
    """The administrator, as authenticated by such a token."""
    actor = User.objects.get(pk=cast.administrator.pk)
    actor.scope_id, actor.token_id = cast.acme.pk, 1
    return actor


def emails(answer):
    assert answer.status_code == 200, answer.json()
    return {user["email"] for user in answer.json()["users"]}


# Lists have what is inside


def test_the_list_and_its_count_are_of_the_client_alone(bound):
    answer = bound.get("/users")

    assert emails(answer) == INSIDE
    assert answer.json()["meta"]["pagination"]["total_count"] == 3


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("search=example.com", INSIDE),
        ("search=otto", set()),
        ("search=ada", set()),
        ("email=otto@example.com", set()),
        ("email=ada@example.com", set()),
        ("email=olga@example.com", {"olga@example.com"}),
        ("client_id={acme}", INSIDE),
        ("client_id={globex}", set()),
        ("client_id=987654321", set()),
        ("client_id={acme}&client_id={globex}&client_id=null", INSIDE),
        ("client_id=null", set()),
        ("active=false", {"dora@example.com"}),
        ("active=true", INSIDE - {"dora@example.com"}),
        ("created_after=2000-01-01", INSIDE),
        ("created_before=2000-01-01", set()),
        ("include=role,profile,active,last_sign_in", INSIDE),
        ("per_page=1&page=4", set()),
        *((f"ordering={sign}{name}", INSIDE) for name in ("id", "name", "email", "last_sign_in") for sign in ("", "-")),
    ],
)
def test_no_filter_search_or_order_finds_more(cast, bound, query, found):
    query = query.format(acme=cast.acme.pk, globex=cast.globex.pk)

    paged = bound.get(f"/users?{query}")
    assert emails(paged) == found
    if "page=" not in query:
        assert paged.json()["meta"]["pagination"]["total_count"] == len(found)
        assert emails(bound.get(f"/users?{query}&cursor=")) == found


@pytest.mark.parametrize("ordering", ["id", "-name", "last_sign_in", "-created_at"])
def test_a_walk_stays_inside(cast, bound, ordering):
    walked, cursor = [], ""
    while cursor is not None:
        step = bound.get("/users", {"cursor": cursor, "per_page": 1, "ordering": ordering}).json()
        walked += [user["email"] for user in step["users"]]
        cursor = step["meta"]["cursor"]["next"]

    assert sorted(walked) == sorted(INSIDE)


def test_a_cursor_of_a_wider_walk_does_not_lead_outside(cast, call, bound):
    wide = call(cast.administrator).get("/users?cursor=&per_page=1").json()["meta"]["cursor"]["next"]

    assert emails(bound.get("/users", {"cursor": wide})) == INSIDE


def test_of_clients_there_is_the_one(cast, bound):
    own = [{"id": cast.acme.pk, "name": "Acme"}]

    paged = bound.get("/clients").json()
    assert (paged["clients"], paged["meta"]["pagination"]["total_count"]) == (own, 1)
    assert bound.get("/clients?cursor=&ordering=-name").json()["clients"] == own


@pytest.mark.parametrize("path", ["/users?", "/users?cursor=&", "/clients?"])
def test_a_list_takes_the_same_number_of_queries_for_one_row_and_for_a_hundred(cast, bound, path):
    User.objects.bulk_create(
        [UserFactory.build(client=cast.acme, is_superuser=False, password="!") for _ in range(100)]
    )
    bound.get(path)  # the first of the minute
    counts = []
    for size in (1, 100):
        with CaptureQueriesContext(connection) as captured:
            assert bound.get(f"{path}per_page={size}").status_code == 200
        counts.append(len(captured))

    assert counts == [3 if path == "/users?" else 2] * 2  # of one client the row is all there is to count


# One by one: inside as any administrator, outside as if there were none

OUTSIDE_USERS = ["outsider", "spare", "missing"]
BODIES = {
    "nothing": {},
    "a name": {"name": "Renamed"},
    "an invalid name": {"name": ""},
    "a taken e-mail": {"email": "olga@example.com"},
    "the client": {"client_id": None},
}


def number_of(cast, who):
    return 987654321 if who == "missing" else getattr(cast, who).pk


@pytest.mark.parametrize("who", ["owner", "stranger", "disabled"])
def test_users_inside_are_read_changed_signed_out_and_deleted(cast, bound, who):
    user = getattr(cast, who)
    path = f"/users/{user.pk}"

    assert bound.get(path).json()["email"] == user.email
    assert bound.patch(path, {"name": "Renamed"}).json()["name"] == "Renamed"
    assert bound.put(path, {"email": "renamed@example.com", "active": False}).status_code == 200
    password = {"password": "securepassword", "password_confirmation": "securepassword"}
    assert bound.patch(path, password | {"client_id": cast.acme.pk}).status_code == 200
    assert bound.post(f"{path}/sign_out").status_code == 204
    assert bound.delete(path).status_code == 204
    assert not User.objects.filter(pk=user.pk).exists()


@pytest.mark.parametrize("who", OUTSIDE_USERS)
@pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"'}, {"If-Match": '"9"'}], ids=str)
def test_users_outside_are_as_those_that_are_not(cast, bound, who, headers):
    path = f"/users/{number_of(cast, who)}"
    before = everything()[:2]

    answers = [bound.get(path), bound.get(f"{path}?include=role"), bound.get(f"{path}?include=nonsense")]
    answers += [bound.post(f"{path}/sign_out"), bound.delete(path, headers=headers)]
    for verb in (bound.put, bound.patch):
        answers += [verb(path, body, headers=headers) for body in BODIES.values()]

    for answer in answers:
        assert (answer.status_code, answer.json()) == (404, USER_NOT_FOUND)
        assert "ETag" not in answer.headers
    assert everything()[:2] == before


def test_what_is_refused_outside_leaves_no_trace_that_differs(cast, bound):
    for who in OUTSIDE_USERS:
        bound.delete(f"/users/{number_of(cast, who)}")

    assert not Event.objects.exists()


@pytest.mark.parametrize("who", ["globex", "missing"])
@pytest.mark.parametrize("headers", [{}, {"If-Match": '"1"'}, {"If-Match": '"9"'}], ids=str)
def test_clients_outside_are_as_those_that_are_not(cast, bound, who, headers):
    path = f"/clients/{number_of(cast, who)}"
    before = everything()

    answers = [bound.get(path), bound.delete(path, headers=headers)]
    for verb in (bound.put, bound.patch):
        answers += [verb(path, body, headers=headers) for body in ({}, {"name": "x"}, {"name": ""}, {"name": "Acme"})]

    for answer in answers:
        assert (answer.status_code, answer.json()) == (404, CLIENT_NOT_FOUND)
        assert "ETag" not in answer.headers
    assert everything() == before


def test_the_client_itself_is_read_renamed_and_kept_while_it_has_users(cast, bound):
    path = f"/clients/{cast.acme.pk}"

    assert bound.get(path).json() == {"id": cast.acme.pk, "name": "Acme"}
    assert bound.patch(path, {"name": "Acme & Co."}).json()["name"] == "Acme & Co."
    assert bound.delete(path).json() == {"errors": {"base": ["can't be deleted while it has users"]}}


def test_the_client_itself_is_deleted_when_it_has_no_users_and_the_token_with_it(cast, by_token):
    unused = Client.objects.create(name="Unused")
    client = by_token(cast.administrator, client=unused)

    assert client.delete(f"/clients/{unused.pk}").status_code == 204
    assert client.get("/users/current").status_code == 401


# Making and moving


def test_users_are_made_in_the_client(cast, bound):
    answer = bound.post("/users", {**NEW, "client_id": cast.acme.pk})

    assert (answer.status_code, answer.json()["client"]) == (201, {"id": cast.acme.pk, "name": "Acme"})


@pytest.mark.parametrize("sent", ["absent", None, "globex", "missing", "0", "", [], True], ids=str)
def test_users_are_made_nowhere_else(cast, bound, sent):
    body = {**NEW, "client_id": sent}
    if sent == "absent":
        del body["client_id"]
    elif sent in ("globex", "missing"):
        body["client_id"] = number_of(cast, sent)
    before = everything()[:2]

    for name in ("New", ""):  # who may not is told so before what is wrong besides
        answer = bound.post("/users", {**body, "name": name})
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert everything()[:2] == before
    assert {event.action for event in Event.objects.all()} == {"change.refused"}


@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize("target", [None, "globex", "missing"])
def test_nobody_is_moved_out_or_made_an_administrator(cast, bound, verb, target):
    before = stored(cast.owner)

    answer = getattr(bound, verb)(
        f"/users/{cast.owner.pk}", {"name": "x", "client_id": target and number_of(cast, target)}
    )

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert stored(cast.owner) == before


@pytest.mark.parametrize("body", [{"name": "New"}, {"name": "Globex"}, {"name": ""}, {}], ids=str)
def test_no_client_is_made(bound, body):
    before = everything()[:2]

    answer = bound.post("/clients", body)

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert everything()[:2] == before


def test_a_refusal_comes_before_the_body_is_read(cast, bound):
    for method, path in [("POST", "/clients"), ("PATCH", "/users/current"), ("PUT", f"/users/{cast.administrator.pk}")]:
        answer = bound.generic(method, path, data="{not JSON", content_type="application/json")
        assert (answer.status_code, answer.json()) == (403, FORBIDDEN)


# What is one directory's can't be hidden: an address and a name are taken wherever they are (README, "Operation")


def test_of_others_no_more_is_told_than_that_an_address_or_name_is_taken(cast, bound):
    taken = bound.post("/users", {**NEW, "email": "otto@example.com", "client_id": cast.acme.pk})
    assert taken.json() == {"errors": {"email": ["has already been taken"]}}
    assert bound.patch(f"/clients/{cast.acme.pk}", {"name": "globex"}).json() == {
        "errors": {"name": ["has already been taken"]}
    }


# Its owner


def test_it_says_whose_it_is(cast, bound):
    answer = bound.get("/users/current")

    assert (answer.status_code, answer.json()["email"], answer.json()["client"]) == (200, "ada@example.com", None)


def test_its_owner_is_outside_like_any_other(cast, bound):
    answer = bound.get(f"/users/{cast.administrator.pk}")

    assert (answer.status_code, answer.json()) == (404, USER_NOT_FOUND)


@pytest.mark.parametrize("path", ["/users/current", "/users/{id}"])
@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize(
    "change",
    [
        {},
        {"name": "Mallory"},
        {"email": "mallory@example.com"},
        {"password": "securepassword", "password_confirmation": "securepassword"},
        {"client_id": 1},
        {"active": False},
        {"name": ""},
    ],
    ids=str,
)
def test_it_changes_nothing_of_its_owner(cast, path, verb, change):
    _, text = api_token_of(cast.administrator, client=cast.acme)
    before = stored(cast.administrator)
    if "client_id" in change:
        change = {"client_id": cast.acme.pk}

    answer = getattr(bearing(text), verb)(path.format(id=cast.administrator.pk), change)

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert stored(cast.administrator) == before


def test_it_neither_deletes_its_owner_nor_signs_them_out(cast, bound):
    before = stored(cast.administrator)

    answers = [bound.delete(f"/users/{before['id']}"), bound.post(f"/users/{before['id']}/sign_out")]

    assert [(answer.status_code, answer.json()) for answer in answers] == [(403, FORBIDDEN)] * 2
    assert stored(cast.administrator) == before


# The rule of the last administrator sees everybody


def test_the_last_administrator_is_kept_from_within_a_scope_too(cast, actor):
    cast.spare.delete()
    with pytest.raises(Forbidden):
        users.delete(actor=actor, user_id=cast.administrator.pk)
    # Inside there is no administrator, and deleting one who is inside asks for those outside.
    users.delete(actor=actor, user_id=cast.owner.pk)
    with pytest.raises(Invalid):
        users.delete(actor=None, user_id=cast.administrator.pk)


# A regular user's token


def test_a_regular_users_token_sees_what_they_see(cast, by_token):
    client = by_token(cast.owner, client=cast.acme)

    assert client.get("/users/current").json()["email"] == "olga@example.com"
    assert client.get(f"/users/{cast.owner.pk}").status_code == 200
    assert client.patch("/users/current", {"name": "Olga"}).status_code == 200
    assert client.get(f"/clients/{cast.acme.pk}").status_code == 200
    for path in ("/users", "/clients", f"/users/{cast.stranger.pk}", f"/users/{cast.outsider.pk}"):
        assert (client.get(path).status_code, client.get(path).json()) == (403, FORBIDDEN)
    assert client.get(f"/clients/{cast.globex.pk}").status_code == 403
    assert client.get("/users/987654321").status_code == 403


# The services hold it, whichever contract calls them


def test_the_services_of_users_keep_to_the_scope(cast, actor):
    outside = cast.outsider.pk
    for service in (users.update, users.delete, users.sign_out):
        with pytest.raises(NotFound):
            service(actor=actor, user_id=outside)
    for client_id in (None, cast.globex.pk):
        with pytest.raises(Forbidden):
            users.create(actor=actor, client_id=client_id, name="N", email="n@example.com")
        with pytest.raises(Forbidden):
            users.update(actor=actor, user_id=cast.owner.pk, client_id=client_id)
        draft = bulk.Draft(name="N", email="n@example.com", client_id=client_id)
        inside = bulk.Draft(name="M", email="m@example.com", client_id=cast.acme.pk)
        with pytest.raises(Forbidden):
            bulk.insert(actor=actor, drafts=[inside, draft])
    for service in (users.update, users.delete, users.sign_out):
        with pytest.raises(Forbidden):
            service(actor=actor, user_id=actor.pk)
    assert User.objects.count() == 6
    assert not Event.objects.exists()
    assert len(bulk.insert(actor=actor, drafts=[inside])) == 1


def test_the_services_of_clients_keep_to_the_scope(cast, actor):
    for service in (clients.update, clients.delete):
        with pytest.raises(NotFound):
            service(actor=actor, client_id=cast.globex.pk)
    with pytest.raises(Forbidden):
        clients.create(actor=actor, name="New")
    assert clients.update(actor=actor, client_id=cast.acme.pk, name="A").name == "A"


def test_who_was_moved_out_since_the_first_look_is_not_there_any_more(cast, actor, monkeypatch):
    meanwhile(monkeypatch, lambda: User.objects.filter(pk=cast.owner.pk).update(client=cast.globex))
    with pytest.raises(NotFound):
        users.update(actor=actor, user_id=cast.owner.pk, name="Renamed")
    assert stored(cast.owner)["name"] == "Olga Owner"


def test_a_manager_shows_a_scope_alone(cast, actor):
    assert set(User.objects.visible_to(actor)) == {cast.owner, cast.stranger, cast.disabled}
    assert set(User.objects.in_scope_of(actor)) == {cast.owner, cast.stranger, cast.disabled}
    assert User.objects.in_scope_of(None).count() == User.objects.visible_to(cast.administrator).count() == 6
    assert list(Client.objects.visible_to(actor)) == [cast.acme]


def test_the_outsider_is_untouched_by_all_of_this(cast, bound):
    assert caller(cast.outsider).get("/users/current").json()["client"]["name"] == "Globex"
    told = json.dumps([bound.get(path).json() for path in ("/users", "/clients", "/users/current")])
    assert "Globex" not in told and "otto" not in told and "sam@" not in told
