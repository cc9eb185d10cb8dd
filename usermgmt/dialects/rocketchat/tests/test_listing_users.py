"""users.list: pages, orders, queries, and what they tell nobody (contract 0 and 4)."""

import json
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Group

from accounts.grants import Grant
from accounts.models import User
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD, AdministratorFactory, UserFactory
from usermgmt.dialects.rocketchat.tests.callers import LOGGED_OUT, allow, logged_in, told

PATH = "/api/v1/users.list"


def listed(client, raw="", **query):
    status, body = told(client.get(f"{PATH}?{raw}" if raw else PATH, query or None))
    assert (status, body["success"]) == (200, True), body
    assert body.keys() == {"users", "count", "offset", "total", "success"}
    assert body["count"] == len(body["users"])
    return body


def names(client, **query):
    return [user["username"] for user in listed(client, **query)["users"]]


def asked(client, query, **more):
    """The user names that a query finds, in their order; `total` tells as many."""
    body = listed(client, query=json.dumps(query), **more)
    assert body["total"] == body["count"]
    return [user["username"] for user in body["users"]]


def invalid(name, text):
    return 400, {
        "success": False,
        "error": f'Invalid {name} parameter provided: "{text}" [error-invalid-{name}]',
        "errorType": f"error-invalid-{name}",
        "details": {"helperMethod": "parseJsonQuery"},
    }


ALL = ["ada", "dora", "olga", "otto", "sam", "stan"]


@pytest.fixture
def client(cast):
    return logged_in(cast.administrator)


# Who is listed


def test_administrators_see_everybody_by_user_name(client):
    body = listed(client)
    assert [user["username"] for user in body["users"]] == ALL
    assert (body["count"], body["offset"], body["total"]) == (6, 0, 6)
    first = body["users"][0]
    assert (first["name"], first["roles"], first["emails"]) == (
        "Ada Administrator",
        ["admin"],
        [{"address": "ada@example.com", "verified": False}],
    )
    assert "services" not in json.dumps(body)


def test_a_user_made_natively_is_listed(cast, client):
    body = {"name": "Nina", "email": "nina@example.com", "password": PASSWORD, "password_confirmation": PASSWORD}
    answer = caller(cast.administrator).post("/users", body | {"client_id": cast.acme.pk})
    assert answer.status_code == 201
    assert asked(client, {"emails.address": "nina@example.com"}) == ["nina"]


def test_roles_open_the_own_client_and_show_less_without_the_grant_for_all(cast):
    clerk = logged_in(allow(cast.owner, Grant.SET_ACTIVE))
    body = listed(clerk)
    assert [user["username"] for user in body["users"]] == ["dora", "olga", "stan"]
    assert body["total"] == 3
    assert [("emails" in user, "roles" in user) for user in body["users"]] == [
        (False, False),
        (True, True),
        (False, False),
    ]


def test_whoever_may_see_all_sees_all_of_the_own_client(cast):
    body = listed(logged_in(allow(cast.owner, Grant.VIEW)))
    assert [user["emails"][0]["address"] for user in body["users"]] == [
        "dora@example.com",
        "olga@example.com",
        "stan@example.com",
    ]


def test_without_any_grant_there_is_oneself(cast):
    assert names(logged_in(cast.owner)) == ["olga"]
    assert listed(logged_in(cast.owner))["total"] == 1


def test_by_a_token_that_is_bound_there_is_that_client(cast):
    assert names(logged_in(cast.administrator, kind="api", client=cast.globex)) == ["otto"]
    assert names(logged_in(cast.administrator, kind="api", read_only=True)) == ALL


def test_strangers_are_not_let_in(cast):
    assert told(caller().get(PATH)) == (401, LOGGED_OUT)
    assert told(logged_in(cast.disabled).get(PATH)) == (401, LOGGED_OUT)


# Pages


def test_a_page_is_where_the_offset_says(client):
    body = listed(client, offset="1", count="1", sort='{"username":-1}')
    assert (body["count"], body["offset"], body["total"]) == (1, 1, 6)
    assert [user["username"] for user in body["users"]] == ["sam"]


def test_the_pages_of_the_python_client_are_the_whole(client):
    UserFactory.create_batch(120, password="!")
    seen, offset = [], 0
    while True:
        page = names(client, offset=str(offset), count="50")
        seen += page
        offset += len(page)
        if len(page) < 50:
            break
    assert len(seen) == len(set(seen)) == 126
    assert seen == sorted(seen)


def test_there_are_fifty_on_a_page_and_a_hundred_at_most(client):
    UserFactory.create_batch(120, password="!")
    for query, count in [({}, 50), ({"count": "0"}, 50), ({"count": "1000"}, 100), ({"count": "7"}, 7)]:
        body = listed(client, **query)
        assert (body["count"], body["total"]) == (count, 126), query


@pytest.mark.parametrize("number", ["-1", "x", "1.5", "", " ", "\u0661", "\0", "9" * 5000, "1e3", "0x10", "null"])
def test_what_is_no_number_is_as_if_absent(client, number):
    body = listed(client, offset=number, count=number)
    assert (body["count"], body["offset"], body["total"]) == (6, 0, 6)


@pytest.mark.parametrize("offset", [6, 7, 2**31, 2**63 - 1, 2**63, 10**39])
def test_behind_the_end_there_is_nobody(client, offset):
    body = listed(client, offset=str(offset))
    assert (body["users"], body["offset"], body["total"]) == ([], offset, 6)


def test_unknown_parameters_are_ignored(client):
    assert names(client, foo="1", page="2") == ALL


@pytest.mark.parametrize("count", [1, 100])
def test_a_page_costs_the_same_however_long_it_is(client, count, django_assert_num_queries):
    UserFactory.create_batch(100, password="!")
    for user in User.objects.order_by("-id")[:50]:
        user.groups.add(*Group.objects.filter(name__in=["bot", "guest"]))
    listed(client)
    with django_assert_num_queries(4):  # the token and its owner, the total, the page, its roles
        listed(client, count=str(count), query='{"active":true}')


# Orders


def test_each_order_goes_both_ways(cast):
    User.objects.filter(pk=cast.outsider.pk).update(
        created_at=datetime(2020, 1, 1, tzinfo=UTC), updated_at=datetime(2020, 1, 1, tzinfo=UTC)
    )
    User.objects.filter(pk=cast.stranger.pk).update(last_login=datetime(2020, 1, 1, tzinfo=UTC))
    User.objects.filter(pk=cast.owner.pk).update(last_login=datetime(2021, 1, 1, tzinfo=UTC))
    client = logged_in(cast.administrator)
    first_and_last = {
        "username": ("ada", "stan"),
        "name": ("ada", "stan"),
        "_id": ("ada", "dora"),
        "emails.address": ("ada", "stan"),
        "createdAt": ("otto", "dora"),
        "_updatedAt": ("otto", "dora"),
        "active": ("dora", "otto"),
        "status": ("dora", "otto"),
    }
    for key, (first, last) in first_and_last.items():
        assert names(client, sort=json.dumps({key: 1}))[0] == first, key
        assert names(client, sort=json.dumps({key: 1}))[-1] == last, key
        assert names(client, sort=json.dumps({key: -1, "_id": -1})) == names(client, sort=json.dumps({key: 1}))[::-1]
    assert names(client, sort='{"lastLogin":1}') == ["ada", "sam", "otto", "dora", "stan", "olga"]
    assert names(client, sort='{"lastLogin":-1}') == ["olga", "stan", "ada", "sam", "otto", "dora"]


def test_names_are_sorted_without_regard_to_case(cast, client):
    for number, name in enumerate(["bert", "Anna", "CARL", "ärmel", "Berta"]):
        UserFactory(name=name, username=f"zz{number}", client=cast.globex)
    found = listed(client, sort='{"name":1}', query='{"username":{"$regex":"^zz"}}')
    assert [user["name"] for user in found["users"]] == ["Anna", "bert", "Berta", "CARL", "ärmel"]


def test_what_is_equal_is_in_the_order_of_the_ids(cast, client):
    for _ in range(5):
        UserFactory(name="Same", client=cast.globex)
    found = listed(client, sort='{"name":-1}', query='{"name":"Same"}')["users"]
    assert [int(user["_id"]) for user in found] == sorted(int(user["_id"]) for user in found)


@pytest.mark.parametrize(
    "sort",
    [
        "{",
        "username",
        "[]",
        "1",
        "null",
        '{"username":0}',
        '{"username":2}',
        '{"username":true}',
        '{"username":"1"}',
        '{"username":{}}',
        '{"username":1,"username":-1}',
        '{"password":1}',
        '{"services.password":1}',
        '{"roles":1}',
        '{"token_version":1}',
        '{"client__name":1}',
        '{"-username":1}',
        '{"":1}',
        '{"username":NaN}',
        '{"a":' * 900 + "1" + "}" * 900,
    ],
)
def test_what_is_no_order_is_refused(client, sort):
    assert told(client.get(PATH, {"sort": sort})) == invalid("sort", sort)


def test_an_order_tells_nobody_what_is_not_shown(cast):
    clerk = logged_in(allow(cast.owner, Grant.EDIT))
    for key in ("emails.address", "createdAt", "_updatedAt", "lastLogin"):
        sort = json.dumps({key: 1})
        assert told(clerk.get(PATH, {"sort": sort})) == invalid("sort", sort)
    assert names(clerk, sort='{"name":-1}') == ["stan", "olga", "dora"]


# Fields


def test_fields_are_shown_or_left_out(client):
    assert listed(client, count="1", fields='{"username":1}')["users"][0].keys() == {"_id", "username"}
    assert "emails" not in listed(client, count="1", fields='{"emails":0}')["users"][0]
    for fields in ("{", "[]", '{"name":true}', '{"name":"1"}'):
        assert told(client.get(PATH, {"fields": fields})) == invalid("fields", fields)


# Queries


def test_json_parses_raw_and_percent_encoded(client):
    raw = 'sort={"username":-1}&fields={"username":1}&query={"username":"olga"}'
    half = 'sort={%22username%22:-1}&fields={"username":1}&query={"username":{"$ne":%22olga%22}}'
    whole = "sort=%7B%22username%22%3A-1%7D&query=%7B%22username%22%3A%22olga%22%7D"
    assert [user["username"] for user in listed(client, raw)["users"]] == ["olga"]
    assert [user["username"] for user in listed(client, half)["users"]] == ["stan", "sam", "otto", "dora", "ada"]
    assert [user["username"] for user in listed(client, whole)["users"]] == ["olga"]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ALL),
        ({"username": "olga"}, ["olga"]),
        ({"username": "Olga"}, []),
        ({"username": {"$ne": "olga"}}, ["ada", "dora", "otto", "sam", "stan"]),
        ({"name": "Olga Owner"}, ["olga"]),
        ({"name": {"$ne": "Olga Owner"}}, ["ada", "dora", "otto", "sam", "stan"]),
        ({"emails.address": "olga@example.com"}, ["olga"]),
        ({"emails.address": {"$ne": "olga@example.com"}}, ["ada", "dora", "otto", "sam", "stan"]),
        ({"active": True}, ["ada", "olga", "otto", "sam", "stan"]),
        ({"active": False}, ["dora"]),
        ({"active": {"$ne": True}}, ["dora"]),
        ({"status": "offline"}, ALL),
        ({"status": "online"}, []),
        ({"status": {"$ne": "offline"}}, []),
        ({"status": {"$ne": "online"}}, ALL),
        ({"status": {"$regex": "off"}}, ALL),
        ({"status": {"$regex": "^on"}}, []),
        ({"roles": "admin"}, ["ada", "sam"]),
        ({"roles": "user"}, ["dora", "olga", "otto", "stan"]),
        ({"roles": {"$ne": "admin"}}, ["dora", "olga", "otto", "stan"]),
        ({"roles": "nope"}, []),
        ({"roles": {"$regex": "^(admin"}}, None),
        ({"roles": {"$regex": "^ad"}}, ["ada", "sam"]),
        ({"username": {"$regex": "a"}}, ["ada", "dora", "olga", "sam", "stan"]),
        ({"username": {"$regex": "^o"}}, ["olga", "otto"]),
        ({"username": {"$regex": "a$"}}, ["ada", "dora", "olga"]),
        ({"username": {"$regex": "^olga$"}}, ["olga"]),
        ({"username": {"$regex": "^olg$"}}, []),
        ({"username": {"$regex": "A"}}, []),
        ({"username": {"$regex": "A", "$options": "i"}}, ["ada", "dora", "olga", "sam", "stan"]),
        ({"username": {"$regex": "^OLGA$", "$options": "i"}}, ["olga"]),
        ({"username": {"$regex": "A$", "$options": "i"}}, ["ada", "dora", "olga"]),
        ({"username": {"$regex": ""}}, ALL),
        ({"username": {"$regex": "^"}}, ALL),
        ({"username": {"$regex": "$"}}, ALL),
        ({"username": {"$regex": "^$"}}, []),
        ({"username": {"$regex": "%"}}, []),
        ({"username": {"$regex": "_"}}, []),
        ({"emails.address": {"$regex": "^olga@example\\.com$"}}, ["olga"]),
        ({"emails.address": {"$regex": "^OLGA@", "$options": "i"}}, ["olga"]),
        ({"emails.address": {"$regex": "/"}}, []),
        ({"name": {"$regex": "Owner"}}, ["olga"]),
        ({"name": {"$regex": "owner"}}, []),
        ({"name": {"$regex": "OWNER$", "$options": "i"}}, ["olga"]),
        ({"name": {"$regex": "a", "$ne": "Olga Owner"}}, ["ada", "dora", "sam", "stan"]),
        ({"username": "olga", "active": True}, ["olga"]),
        ({"username": "olga", "active": False}, []),
        ({"$or": [{"username": "olga"}, {"name": {"$regex": "Stan"}}]}, ["olga", "stan"]),
        ({"$or": [{"status": "offline"}, {"username": "olga"}]}, ALL),
        ({"$or": [{"status": "online"}, {"username": "olga"}]}, ["olga"]),
        ({"$or": [{}, {"username": "olga"}]}, ALL),
        ({"$and": [{"roles": "user"}, {"$or": [{"username": "ada"}, {"username": "stan"}]}]}, ["stan"]),
        ({"$and": [{"status": {"$ne": "offline"}}, {"username": "olga"}]}, []),
    ],
)
def test_a_query_finds_whom_it_means(client, query, found):
    if found is None:
        text = json.dumps(query)
        assert told(client.get(PATH, {"query": text})) == invalid("query", text)
    else:
        assert asked(client, query) == found


def test_patterns_are_text_to_the_letter_on_either_database(cast, client):
    for number, name in enumerate(["a.b", "axb", "A.B", "a%b", "a_b", "a\\b", "a'b", "50% (off)", "ÄÖ", "äö"]):
        UserFactory(name=name, username=f"zz{number}", client=cast.globex)
    expected = {
        r"a\.b": ["a.b"],
        "a%b": ["a%b"],
        "a_b": ["a_b"],
        r"a\\b": ["a\\b"],
        "a'b": ["a'b"],
        r"50% \(off\)": ["50% (off)"],
        r"\(off\)$": ["50% (off)"],
        "äö": ["äö"],
        "^Ä": ["ÄÖ"],
        "Ö$": ["ÄÖ"],
    }
    for pattern, found in expected.items():
        users = listed(client, query=json.dumps({"name": {"$regex": pattern}}))["users"]
        assert [user["name"] for user in users] == found, pattern
    folded = listed(client, query=json.dumps({"name": {"$regex": "^äö$", "$options": "i"}}))["users"]
    assert [user["name"] for user in folded] == ["ÄÖ", "äö"]
    folded = listed(client, query=json.dumps({"name": {"$regex": r"A\.b", "$options": "i"}}))["users"]
    assert [user["name"] for user in folded] == ["a.b", "A.B"]


def test_roles_are_those_that_are_shown(cast, client):
    cast.owner.groups.add(Group.objects.get(name="guest"))
    cast.stranger.groups.add(*Group.objects.filter(name__in=["user", "bot"]))
    cast.spare.groups.add(Group.objects.get(name="user"))
    shown = {user["username"]: user["roles"] for user in listed(client)["users"]}
    for role in ("admin", "user", "guest", "bot", "nope"):
        having = [name for name in ALL if role in shown[name]]
        assert asked(client, {"roles": role}) == having, role
        assert asked(client, {"roles": {"$ne": role}}) == [name for name in ALL if name not in having], role
        assert asked(client, {"roles": {"$regex": f"^{role}$"}}) == having, role
    assert asked(client, {"roles": {"$regex": "U", "$options": "i"}}) == [
        name for name in ALL if any("u" in role for role in shown[name])
    ]


def nested(levels):
    query: dict[str, object] = {"username": "olga"}
    for _ in range(levels):
        query = {"$or": [query]}
    return query


@pytest.mark.parametrize(
    "query",
    [
        "{",
        "[]",
        "null",
        '"olga"',
        '{"username":"olga","username":"stan"}',
        '{"username":"\\u0000"}',
        '{"username":"\\ud800"}',
        '{"username":NaN}',
        "[" * 3000,
        '{"password":"x"}',
        '{"services.password.bcrypt":{"$regex":"^\\\\$2"}}',
        '{"client__name":"Acme"}',
        '{"emails":"olga@example.com"}',
        '{"_id":"1"}',
        '{"username":null}',
        '{"username":1}',
        '{"username":true}',
        '{"username":["olga"]}',
        '{"username":{}}',
        '{"username":{"$gt":""}}',
        '{"username":{"$in":["olga"]}}',
        '{"username":{"$where":"1"}}',
        '{"username":{"$ne":null}}',
        '{"username":{"$options":"i"}}',
        '{"username":{"$regex":"a","$options":"x"}}',
        '{"username":{"$regex":"a","$options":"ii"}}',
        '{"username":{"$regex":"a","$options":1}}',
        '{"username":{"$regex":1}}',
        '{"username":{"$regex":null}}',
        '{"active":"true"}',
        '{"active":1}',
        '{"active":{"$regex":"true"}}',
        '{"status":1}',
        '{"$or":[]}',
        '{"$or":{}}',
        '{"$or":"x"}',
        '{"$or":[1]}',
        '{"$nor":[{"username":"olga"}]}',
        '{"$where":"sleep(1000)"}',
        '{"$expr":{}}',
        '{"":1}',
    ],
)
def test_what_is_no_query_is_refused(client, query):
    assert told(client.get(PATH, {"query": query})) == invalid("query", query)


@pytest.mark.parametrize(
    "pattern",
    ["a.b", "a*", "a+", "a?", "(a)", "(a", "[a]", "a|b", "a{2}", "a^b", "a$b", "^^a", "a$$", "\\", "a\\", "\\d", "\\1"],
)
def test_what_is_more_than_a_text_is_no_pattern(client, pattern):
    query = json.dumps({"username": {"$regex": pattern}})
    assert told(client.get(PATH, {"query": query})) == invalid("query", query)


def test_a_query_is_bounded_in_size_and_depth(client):
    assert asked(client, nested(10)) == ["olga"]
    crowd = {"$or": [{"username": "olga"}] * 99}
    assert asked(client, crowd) == ["olga"]
    long = json.dumps({"username": "o" * 256})
    for text in (json.dumps(nested(40)), json.dumps({"$or": [{"username": "olga"}] * 101}), long):
        assert told(client.get(PATH, {"query": text})) == invalid("query", text)


def test_an_evil_pattern_is_refused_at_once(client):
    query = json.dumps({"username": {"$regex": "(" * 100 + "a+" + ")+" * 100 + "$"}})
    assert told(client.get(PATH, {"query": query})) == invalid("query", query)


def test_a_query_tells_nobody_what_is_not_shown(cast):
    clerk = logged_in(allow(cast.owner, Grant.EDIT))
    for query in (
        {"emails.address": "stan@example.com"},
        {"emails.address": {"$regex": "^s"}},
        {"roles": "user"},
        {"$or": [{"username": "stan"}, {"emails.address": {"$regex": "^s"}}]},
    ):
        text = json.dumps(query)
        assert told(clerk.get(PATH, {"query": text})) == invalid("query", text)
    assert asked(clerk, {"username": {"$regex": "a"}}) == ["dora", "olga", "stan"]
    # Others are as little there in a query as they are without one.
    assert asked(clerk, {"username": "otto"}) == asked(clerk, {"username": "ada"}) == []


def test_a_query_keeps_to_the_client_that_the_token_is_bound_to(cast):
    AdministratorFactory(email="amy@example.com")
    bound = logged_in(cast.administrator, kind="api", client=cast.globex)
    assert asked(bound, {"$or": [{"status": "offline"}, {"roles": "admin"}]}) == ["otto"]
