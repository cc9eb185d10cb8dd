"""How PostgreSQL finds what the lists of users show, of a million: by indexes, and reading few rows.

One row of the tables below for each list, filter, order and search that a contract offers; what is offered and stands in
none fails. Each is asked through its contract, and every statement about users that this takes is run and judged.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client as Browser
from django.test.utils import CaptureQueriesContext

from accounts.api.filters import UserFilterSet
from accounts.api.views import UserViewSet
from accounts.models import User
from accounts.tests.callers import api_token_of, bearing, caller
from clients.models import Client
from usermgmt.dialects.resource.parameters import ORDERS
from usermgmt.dialects.rocketchat.query import FULL_FIELDS
from usermgmt.dialects.rocketchat.sorting import FULL_COLUMNS
from usermgmt.dialects.rocketchat.tests.callers import logged_in
from usermgmt.tests.million import BIG_CLIENT, million


@dataclass(frozen=True, slots=True)
class Bound:
    """read: how many rows of users, or entries of their indexes, a statement may look at. scan: whether it may do so
    from one end of the table."""

    read: int
    scan: bool = False


FEW = Bound(25_000)
HALF = Bound(510_000)  # to the middle of a list in an order of which no numbers are kept
ALL = Bound(1_010_000)
START = Bound(25_000, scan=True)
WHOLE = Bound(2_020_000, scan=True)

ADMIN = "/admin/accounts/user/"
COMPLETION = "/admin/autocomplete/?app_label=accounts&model_name=userprofile&field_name=user&term="


def _rocket(**query: Any) -> str:
    return "/api/v1/users.list?" + "&".join(
        f"{name}={quote(value if isinstance(value, str) else json.dumps(value))}" for name, value in query.items()
    )


NATIVE = [
    "/users",
    "/users?page=2&per_page=100",
    "/users?page=20000",
    "/users?page=39990",
    "/users?page=20000&ordering=-id",
    "/users?page=10000&active=true",
    "/users?page=400&active=false",
    *(
        f"/users?{walk}ordering={sign}{name}"
        for name in map(str, ("id", "name", "email", "created_at", "last_sign_in"))
        for sign in ("", "-")
        for walk in ("", "cursor=&")
    ),
    *(
        f"/users?{narrowed}{order}"
        for narrowed in (
            "active=true",
            "active=false",
            "client_id=500",
            "client_id=2",
            "client_id=null",
            "client_id=3&client_id=900",
            "client_id=500&client_id=null&active=true",
            "created_after=2021-11-20",
            "created_before=2020-01-02",
            "email=user5000@example.com",
            "search=user99999",
            "search=odnla",
            "search=nobody%20at%20all",
            "search=user777777%40example.com",
        )
        for order in ("", "&ordering=name", "&cursor=&ordering=-last_sign_in")
    ),
]
RESOURCE = [
    "/v1/users",
    "/v1/users?_page=25000",
    *(f"/v1/users?_sort={sign}{name}" for name in ORDERS for sign in ("", "-")),
]
ROCKET_CHAT = [
    _rocket(),
    _rocket(offset="500000", sort={"_id": 1}),
    _rocket(sort={"active": 1, "name": 1}),
    _rocket(sort={"status": -1, "lastLogin": -1}),
    _rocket(sort={"name": 1, "username": -1}),
    *(_rocket(sort={name: way}) for name in FULL_COLUMNS for way in (1, -1)),
    _rocket(query={"username": "user5000"}),
    _rocket(query={"username": {"$regex": "^user77777", "$options": "i"}}),
    _rocket(query={"name": "Ada Odnla"}),
    _rocket(query={"name": {"$regex": "Odnl"}}),
    _rocket(query={"emails.address": "user5000@example.com"}),
    _rocket(query={"emails.address": {"$regex": "user5000@"}}),
    _rocket(query={"$or": [{"username": {"$regex": "user98765"}}, {"name": {"$regex": "odnla", "$options": "i"}}]}),
    _rocket(query={"active": False}),
    _rocket(query={"active": True}),
    _rocket(query={"status": {"$ne": "offline"}}),
    _rocket(query={"status": "offline"}),
    _rocket(query={"roles": "guest"}),
    _rocket(query={"roles": "admin"}),
]
STAFF = [
    ADMIN,
    f"{ADMIN}?p=10000",
    *(f"{ADMIN}?o={sign}{number}" for number in (1, 2, 3, 6, 7, 8) for sign in ("", "-")),
    f"{ADMIN}?q=user99999",
    f"{ADMIN}?q=odnla+ada",
    f"{ADMIN}?q=4711",
    f"{ADMIN}?role=administrator",
    f"{ADMIN}?role=user",
    f"{ADMIN}?state=active",
    f"{ADMIN}?state=inactive",
    f"{ADMIN}?client=500&o=1",
    f"{ADMIN}?client=2",
    f"{ADMIN}?team=1",
    f"{ADMIN}?given_role=2",
    *(f"{ADMIN}?created={span}" for span in ("day", "week", "month", "year")),
    *(f"{ADMIN}?last_sign_in={span}" for span in ("day", "week", "month", "year")),
    f"{COMPLETION}user4711",
    f"{COMPLETION}odnla&of_client=500",
    COMPLETION,
]


STATED: dict[str, dict[str, Bound]] = {
    "native": {
        # Whom a filter finds is counted: by an index, but each.
        "/users?created_after=2020-06-01": ALL,
        "/users?created_before=2021-06-01&ordering=-id": ALL,
        # In the middle of an order of which no numbers are kept, entries of its index are passed over.
        **{f"/users?page=20000&ordering={name}": HALF for name in ("name", "-email", "created_at", "-last_sign_in")},
        f"/users?page=2000&client_id={BIG_CLIENT}": HALF,
        # What nearly everybody has, and fewer than three letters, of which there is no index, are counted one by one;
        # a walk by cursor looks whether there are many.
        "/users?search=example.com": WHOLE,
        "/users?search=zq": WHOLE,
        "/users?search=example.com&cursor=&ordering=-name": START,
        "/users?search=user7&cursor=": WHOLE,  # a tenth of all, and all of them far from the start
    },
    "resource": {"/v1/users?_page=25000&_sort=lastName": HALF},
    "rocketchat": {
        _rocket(offset="500000"): HALF,
        _rocket(query={"roles": "user"}): WHOLE,
        _rocket(query={"username": {"$ne": "user5000"}}): WHOLE,
    },
    "admin": {
        f"{ADMIN}?created=before-quarter": ALL,
        f"{ADMIN}?last_sign_in=before-quarter": ALL,
        f"{ADMIN}?last_sign_in=never": ALL,
        f"{ADMIN}?o=1&p=10000": HALF,
    },
}
"""What grows with the directory."""

FLAT = {"native": NATIVE, "resource": RESOURCE, "rocketchat": ROCKET_CHAT, "admin": STAFF}


@pytest.fixture
def crowd(transactional_db: None) -> Iterator[None]:
    with million(connection.settings_dict["NAME"]):
        yield


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite tells no numbers of rows; see test_cursor")
@pytest.mark.timeout(900)
def test_no_list_of_users_reads_or_sorts_them_all(crowd: None) -> None:
    administrator, regular = User.objects.get(pk=1), User.objects.get(pk=5003)
    bound = {"client": Client.objects.get(pk=500)}
    staff = Browser()
    staff.force_login(administrator)
    callers: dict[str, list[Any]] = {
        "native": [caller(administrator), bearing(api_token_of(administrator, **bound)[1]), caller(regular)],
        "resource": [caller(administrator), bearing(api_token_of(administrator, **bound)[1]), caller(regular)],
        "rocketchat": [logged_in(administrator), logged_in(administrator, **bound), logged_in(regular)],
        "admin": [staff],
    }

    faults = [
        f"{path}, asked by the {ordinal}. caller: {fault}"
        for contract, asking in callers.items()
        for ordinal, client in enumerate(asking, start=1)
        for path, allowed in [*((path, FEW) for path in FLAT[contract]), *STATED[contract].items()]
        for fault in faults_of(client, path, allowed, refused=(400, 403) if ordinal == 3 else ())
    ]

    assert not faults, "\n\n".join(faults)


def faults_of(client: Any, path: str, allowed: Bound, refused: tuple[int, ...]) -> list[str]:
    """What is wrong with the plans of a request, which may be refused with some statuses."""
    with CaptureQueriesContext(connection) as captured:
        answer = client.get(path)
    if answer.status_code != 200:
        return [] if answer.status_code in refused else [f"{answer.status_code} {answer.content[:300]!r}"]
    told = [query["sql"] for query in captured.captured_queries if query["sql"].startswith(("SELECT", "WITH"))]
    return [f"{fault}: {sql}" for sql in told if "accounts_user" in sql for fault in judged(sql, allowed)]


def judged(sql: str, allowed: Bound) -> list[str]:
    """The faults of a statement's plan, which is followed through: who sorts all users has to read them, too."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}")
        (found,) = cursor.fetchone()
    nodes = list(_nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"]))
    scans = [node for node in nodes if node.get("Relation Name") == "accounts_user" and "Scan" in node["Node Type"]]
    read = sum(sum(node.get(name, 0) for name in _READ) * node["Actual Loops"] for node in scans)
    faults = [f"{read:,} users are read"] if read > allowed.read else []
    if not allowed.scan and any(node["Node Type"] == "Seq Scan" for node in scans):
        faults.append("users are scanned from one end")
    return faults


_READ = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for below in plan.get("Plans", []):
        yield from _nodes(below)


# What is offered


def values(contract: str, parameter: str) -> set[str]:
    """What the tables' requests to a contract say for a parameter."""
    return {
        value
        for path in [*FLAT[contract], *STATED[contract]]
        for value in parse_qs(urlsplit(path).query, keep_blank_values=True).get(parameter, [])
    }


def both_ways(names: Any) -> set[str]:
    return {f"{sign}{name}" for name in names for sign in ("", "-")}


def test_every_order_that_is_offered_is_in_the_tables() -> None:
    assert values("native", "ordering") == both_ways(UserViewSet.orderings)
    assert values("resource", "_sort") == both_ways(ORDERS)
    sorts = [json.loads(text) for text in values("rocketchat", "sort")]
    assert {(key, way) for sort in sorts for key, way in sort.items() if len(sort) == 1} == {
        (key, way) for key in FULL_COLUMNS for way in (1, -1)
    }
    page = admin.site.get_model_admin(User)
    sortable = [
        number
        for number, name in enumerate(page.list_display, start=1)
        if getattr(getattr(page, name), "admin_order_field", None) is not None
    ]
    assert values("admin", "o") == both_ways(sortable)


def test_every_filter_that_is_offered_is_in_the_tables() -> None:
    for name in UserFilterSet.base_filters:
        assert values("native", name), name
    asked = " ".join(values("rocketchat", "query"))
    for name in (*FULL_FIELDS, "$or", "$ne", "$regex"):
        assert json.dumps(name) in asked, name
    page = admin.site.get_model_admin(User)
    for chosen in page.list_filter:
        offered: Any = getattr(chosen, "lookups", None)
        said = values("admin", chosen.parameter_name)
        if offered is None:
            assert said, chosen
        else:
            assert said == {value for value, _ in _choices(chosen, page)}, chosen


def _choices(chosen: Any, page: Any) -> Any:
    return chosen.lookups(chosen.__new__(chosen), None, page)
