"""A read-only token opens GET and HEAD, and nothing else, on every call there is (DESIGN 2, "Tokens")."""

import re

import pytest
from django.test import RequestFactory

from accounts.models import Event
from accounts.tests.callers import api_token_of, bearing, caller
from accounts.tests.rows import everything
from usermgmt.http.contracts import Problem, contract_of
from usermgmt.origin import Origin, coming_from
from usermgmt.urls import CONTRACTS

FORBIDDEN = {"error": "You are not authorized to perform this action."}
READING = {"get", "head"}
# Of every contract, from its table: a new call is in here by itself. Open calls ask for no token.
CALLS = [
    (method, "/" + contract.prefix + re.sub(r"<str:\w+>", "{id}", str(route.pattern)))
    for contract in CONTRACTS
    for route in contract.urls
    if route.callback.cls.authentication_classes
    for method, action in sorted(route.callback.actions.items())
    if action not in route.callback.cls.signs_out  # whoever came in may leave
]
WRITING = [(method, path) for method, path in CALLS if method not in READING]
LOOKING = [(method, path) for method, path in CALLS if method == "get"]


SCHEMES = {"forms": "Token token="}  # of Authorization; of every other contract that has one, Bearer


def by_every_header(user, path, **columns):
    """A client that shows one token in all the ways in which the contract of a path asks for it."""
    client, text = caller(), api_token_of(user, **columns)[1]
    scheme = SCHEMES.get(contract_of(RequestFactory().get(path)).name, "Bearer ")
    client.credentials(HTTP_AUTHORIZATION=f"{scheme}{text}", HTTP_X_AUTH_TOKEN=text, HTTP_X_USER_ID=str(user.pk))
    return client


def test_the_table_has_calls_of_both_kinds():
    assert len(WRITING) >= 13
    assert len(LOOKING) >= 6


@pytest.mark.parametrize("written", WRITING, ids=" ".join)
@pytest.mark.parametrize("number", ["owner", "987654321", "abc"])
@pytest.mark.parametrize("body", ["{}", "{not JSON"])
def test_whatever_writes_is_forbidden_before_anything_is_read_or_found(cast, written, number, body):
    (method, path), before = written, everything()[:2]
    path = path.format(id=cast.owner.pk if number == "owner" else number)
    reader = by_every_header(cast.administrator, path, read_only=True)

    answer = reader.generic(method.upper(), path, data=body, content_type="application/json")

    contract = contract_of(answer.wsgi_request)
    with coming_from(Origin(contract.name, answer["X-Request-ID"])):  # which the bodies of some contracts tell
        forbidden = contract.render(Problem(403, "forbidden"))
    assert (answer.status_code, answer.content) == (403, forbidden.content)
    assert everything()[:2] == before
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.contract) == ("change.refused", cast.administrator.pk, contract.name)


@pytest.mark.parametrize(("method", "path"), LOOKING, ids=" ".join)
def test_whatever_reads_is_open_as_it_is_to_a_token_that_writes(cast, method, path):
    path = path.format(id=cast.owner.pk)
    reader = by_every_header(cast.administrator, path, read_only=True)
    writer = by_every_header(cast.administrator, path)

    read, head = reader.get(path), reader.head(path)

    assert (read.status_code, read.content) == (writer.get(path).status_code, writer.get(path).content)
    assert read.status_code != 401  # which anybody gets
    assert head.status_code == read.status_code


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"])
def test_a_method_that_a_path_does_not_have_is_none_of_a_readers_either(cast, method):
    reader = by_every_header(cast.administrator, "/users/current", read_only=True)
    answer = reader.generic(method, "/users/current")

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)


def test_a_read_only_token_of_a_scope_reads_that_scope(cast):
    client = bearing(api_token_of(cast.administrator, read_only=True, client=cast.globex)[1])

    assert [user["email"] for user in client.get("/users").json()["users"]] == ["otto@example.com"]
    assert client.patch(f"/users/{cast.outsider.pk}", {"name": "x"}).status_code == 403
    assert client.patch(f"/users/{cast.owner.pk}", {"name": "x"}).status_code == 403
