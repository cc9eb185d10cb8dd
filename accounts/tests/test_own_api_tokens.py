"""GET and POST /tokens, DELETE /tokens/{id}: one's own API tokens (DESIGN 2, "Tokens")."""

from datetime import UTC, datetime

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import opaque_tokens
from accounts.models import ApiToken, Event
from accounts.services import api_tokens
from accounts.tests.callers import UNAUTHENTICATED, api_token_of, bearing
from accounts.tests.rows import everything, stored

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
FORBIDDEN = {"error": "You are not authorized to perform this action."}
KEYS = ["id", "name", "client", "read_only", "created_at", "expires_at", "last_used_at"]


@pytest.fixture
def make(cast, call):
    """`make(name="x")` posts that, as the owner, at `NOW`."""

    def post(**body):
        with time_machine.travel(NOW, tick=False):
            return call(cast.owner).post("/tokens", body)

    return post


# Making


@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_a_token_is_made_and_shown_this_once(cast, call, who):
    user = getattr(cast, who)
    started = timezone.now()

    answer = call(user).post("/tokens", {"name": " Nightly import "})

    made = answer.json()
    token = ApiToken.objects.get()
    assert (answer.status_code, answer.headers["Location"]) == (201, f"/tokens/{token.pk}")
    assert answer.headers["Cache-Control"] == "no-store"
    assert list(made) == [*KEYS, "token"]
    assert (made["id"], made["name"], made["client"], made["read_only"]) == (token.pk, "Nightly import", None, False)
    assert (made["expires_at"], made["last_used_at"]) == (None, None)
    assert datetime.fromisoformat(made["created_at"]) >= started
    assert made["created_at"].endswith("Z")
    assert bearing(made["token"]).get("/users/current").json()["id"] == user.pk
    shown = call(user).get("/tokens").content.decode()
    assert made["token"][-43:] not in shown and token.digest not in shown and token.lookup not in shown


def test_everything_can_be_said(cast, make):
    made = make(name="x", client_id=cast.acme.pk, read_only=True, expires_at="2030-02-01T00:00:00+02:00").json()

    assert made["client"] == {"id": cast.acme.pk, "name": "Acme"}
    assert (made["read_only"], made["expires_at"]) == (True, "2030-01-31T22:00:00Z")
    assert (made["created_at"], ApiToken.objects.get().user) == ("2030-01-02T03:04:05Z", cast.owner)


def test_nothing_can_be_said_as_null(make):
    made = make(name="x", client_id=None, expires_in=None, expires_at=None).json()

    assert (made["client"], made["expires_at"]) == (None, None)


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        ({"expires_in": 1}, "2030-01-02T03:04:06Z"),
        ({"expires_in": 90 * 24 * 3600}, "2030-04-02T03:04:05Z"),
        ({"expires_at": "2030-01-03"}, "2030-01-03T00:00:00Z"),
        ({"expires_at": "2030-01-02T03:04:05.000001Z"}, "2030-01-02T03:04:05.000001Z"),
        ({"expires_at": "2030-01-03T00:00:00Z", "expires_in": None}, "2030-01-03T00:00:00Z"),
    ],
    ids=str,
)
def test_an_end_is_a_lifetime_or_a_moment(make, sent, end):
    assert make(name="x", **sent).json()["expires_at"] == end


@pytest.mark.parametrize(
    ("sent", "errors"),
    [
        ({}, {"name": ["can't be blank"]}),
        ({"name": None}, {"name": ["can't be blank"]}),
        ({"name": "  "}, {"name": ["can't be blank"]}),
        ({"name": 7}, {"name": ["is invalid"]}),
        ({"name": "a\tb"}, {"name": ["is invalid"]}),
        ({"name": "x" * 256}, {"name": ["is too long (maximum is 255 characters)"]}),
        ({"name": "x", "client_id": 987654321}, {"client": ["must exist"]}),
        ({"name": "x", "client_id": 10**400}, {"client": ["must exist"]}),
        ({"name": "x", "client_id": 0}, {"client": ["must exist"]}),
        ({"name": "x", "client_id": "1"}, {"client_id": ["is invalid"]}),
        ({"name": "x", "client_id": ""}, {"client_id": ["is invalid"]}),
        ({"name": "x", "client_id": True}, {"client_id": ["is invalid"]}),
        ({"name": "x", "client_id": []}, {"client_id": ["is invalid"]}),
        ({"name": "x", "read_only": None}, {"read_only": ["is invalid"]}),
        ({"name": "x", "read_only": "true"}, {"read_only": ["is invalid"]}),
        ({"name": "x", "read_only": 1}, {"read_only": ["is invalid"]}),
        ({"name": "x", "expires_at": "2030-01-02T03:04:05Z"}, {"expires_at": ["must be in the future"]}),
        ({"name": "x", "expires_at": "1999-01-01"}, {"expires_at": ["must be in the future"]}),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59Z"}, {"expires_at": ["is too far in the future"]}),
        ({"name": "x", "expires_at": "9999-12-31T23:59:59-01:00"}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_at": "2030-13-01"}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_at": "2030-01-03 00:00:00Z"}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_at": "tomorrow"}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_at": ""}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_at": 1893553445}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_at": {}}, {"expires_at": ["is invalid"]}),
        ({"name": "x", "expires_in": 0}, {"expires_in": ["must be a positive integer"]}),
        ({"name": "x", "expires_in": -5}, {"expires_in": ["must be a positive integer"]}),
        ({"name": "x", "expires_in": 10**400}, {"expires_in": ["is too far in the future"]}),
        ({"name": "x", "expires_in": 1.5}, {"expires_in": ["is invalid"]}),
        ({"name": "x", "expires_in": "3600"}, {"expires_in": ["is invalid"]}),
        ({"name": "x", "expires_in": True}, {"expires_in": ["is invalid"]}),
        (
            {"name": "x", "expires_in": 60, "expires_at": "2031-01-01"},
            {"expires_in": ["can't be given along with expires_at"]},
        ),
        (
            {"name": "", "client_id": 5.5, "read_only": 0, "expires_at": "2001-01-01"},
            {
                "name": ["can't be blank"],
                "client_id": ["is invalid"],
                "read_only": ["is invalid"],
                "expires_at": ["must be in the future"],
            },
        ),
    ],
    ids=str,
)
def test_what_can_not_be_taken_is_told_all_at_once(cast, make, sent, errors):
    before = everything()

    answer = make(**sent)

    assert (answer.status_code, answer.json()) == (422, {"errors": errors})
    assert everything() == before
    assert not ApiToken.objects.exists()


def test_an_administrator_binds_to_any_client_a_user_to_the_own_one(cast, call, make):
    bound = call(cast.administrator).post("/tokens", {"name": "x", "client_id": cast.globex.pk})

    assert bound.json()["client"] == {"id": cast.globex.pk, "name": "Globex"}
    assert make(name="x", client_id=cast.acme.pk).status_code == 201
    assert make(name="x", client_id=cast.globex.pk).json() == {"errors": {"client": ["must exist"]}}


def test_the_hundred_and_first_is_refused(cast, make):
    for number in range(api_tokens.MAX_ALIVE):
        last, _ = api_token_of(cast.owner, name=f"Token {number}")

    refused = make(name="One more")
    assert (refused.status_code, refused.json()) == (
        422,
        {"errors": {"tokens": ["have reached their maximum of 100: revoke one first"]}},
    )
    api_tokens.revoke(actor=None, token_id=last.pk)
    assert make(name="One more").status_code == 201


@pytest.mark.parametrize("value", [None, "", 1, True, [], {}, "2030-01-01T00:00:00Z", "login"], ids=repr)
def test_what_the_contract_does_not_know_is_ignored(cast, make, value):
    unknown = ["id", "user", "user_id", "kind", "lookup", "digest", "token", "version", "client", "created_at"]
    unknown += ["last_used_at", "revoked_at", "scope_id", "foo"]

    made = make(name="x", **dict.fromkeys(unknown, value)).json()

    row = stored(ApiToken.objects.get())
    assert (row["user_id"], row["client_id"], row["kind"], row["version"]) == (cast.owner.pk, None, "api", 1)
    assert (row["last_used_at"], row["revoked_at"], row["expires_at"], row["read_only"]) == (None, None, None, False)
    assert row["digest"] == opaque_tokens.digest_of(made["token"])
    assert row["created_at"] == NOW


def test_making_and_revoking_are_kept_without_the_token(cast, call):
    client = call(cast.owner)
    made = client.post("/tokens", {"name": "x"}).json()
    client.delete(f"/tokens/{made['id']}")

    events = list(Event.objects.order_by("id"))
    assert [event.action for event in events] == ["api_token.created", "api_token.revoked"]
    assert all(
        (event.actor_id, event.target_id, event.contract) == (cast.owner.pk, cast.owner.pk, "native")
        for event in events
    )
    assert made["token"][-43:] not in str([vars(event) for event in events])


# Listing


def test_the_list_has_ones_own_that_are_alive(cast, call):
    now = timezone.now()
    mine, _ = api_token_of(cast.owner, name="Mine", client=cast.acme, read_only=True, last_used_at=NOW)
    later, _ = api_token_of(cast.owner, name="Later")
    for columns in ({"revoked_at": now}, {"expires_at": now}, {"version": 0}, {"kind": ApiToken.Kind.LOGIN}):
        api_token_of(cast.owner, **columns)
    api_token_of(cast.stranger)
    api_token_of(cast.administrator)

    listed = call(cast.owner).get("/tokens").json()

    assert [token["id"] for token in listed["tokens"]] == [mine.pk, later.pk]
    assert listed["tokens"][0] == {
        "id": mine.pk,
        "name": "Mine",
        "client": {"id": cast.acme.pk, "name": "Acme"},
        "read_only": True,
        "created_at": mine.created_at.isoformat().replace("+00:00", "Z"),
        "expires_at": None,
        "last_used_at": "2030-01-02T03:04:05Z",
    }
    assert list(listed["tokens"][0]) == KEYS
    assert listed["meta"]["pagination"]["total_count"] == 2


def test_the_list_is_turned_by_page_and_walked_by_cursor(cast, call):
    numbers = [api_token_of(cast.owner)[0].pk for _ in range(5)]
    client = call(cast.owner)

    page = client.get("/tokens?page=2&per_page=2").json()
    assert [token["id"] for token in page["tokens"]] == numbers[2:4]
    assert page["meta"]["pagination"] == {
        "current_page": 2,
        "next_page": 3,
        "prev_page": 1,
        "total_pages": 3,
        "total_count": 5,
    }
    walked, cursor = [], ""
    while cursor is not None:
        step = client.get("/tokens", {"cursor": cursor, "per_page": 2, "ordering": "-created_at"}).json()
        walked += [token["id"] for token in step["tokens"]]
        cursor = step["meta"]["cursor"]["next"]
    assert walked == numbers[::-1]


@pytest.mark.parametrize("query", ["page=0", "per_page=x", "ordering=digest", "ordering=name", "cursor=x"])
def test_odd_parameters_are_named(cast, call, query):
    answer = call(cast.owner).get(f"/tokens?{query}")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_a_list_takes_the_same_number_of_queries_for_one_row_and_for_a_hundred(cast, call):
    for _ in range(100):
        api_token_of(cast.owner, client=cast.acme)
    client = call(cast.owner)
    counts = []
    for size in (1, 100):
        with CaptureQueriesContext(connection) as captured:
            client.get(f"/tokens?per_page={size}")
        counts.append(len(captured))

    assert counts == [3, 3]


# Revoking


def test_ones_own_is_revoked_and_gone(cast, call):
    token, text = api_token_of(cast.owner)
    client, program = call(cast.owner), bearing(text)
    assert program.get("/users/current").status_code == 200

    answer = client.delete(f"/tokens/{token.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert (program.get("/users/current").status_code, program.get("/users/current").json()) == (401, UNAUTHENTICATED)
    assert client.get("/tokens").json()["tokens"] == []
    again = client.delete(f"/tokens/{token.pk}")
    assert (again.status_code, again.json()) == (404, {"error": "Not found"})


@pytest.mark.parametrize("who", ["stranger", "administrator"])
def test_any_other_is_not_there_for_administrators_either(cast, call, who):
    token, text = api_token_of(cast.owner)

    answer = call(getattr(cast, who)).delete(f"/tokens/{token.pk}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert bearing(text).get("/users/current").status_code == 200


@pytest.mark.parametrize("number", ["0", "-1", "01", "abc", "987654321", "99999999999999999999", "1%00"])
def test_what_is_no_number_of_a_token_is_not_found(cast, call, number):
    answer = call(cast.owner).delete(f"/tokens/{number}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})


# Not for API tokens


@pytest.mark.parametrize(("method", "path"), [("get", "/tokens"), ("post", "/tokens"), ("delete", "/tokens/{own}")])
@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_a_token_neither_lists_nor_breeds_nor_revokes_tokens(cast, who, method, path):
    token, text = api_token_of(getattr(cast, who))

    answer = getattr(bearing(text), method)(path.format(own=token.pk), {"name": "x"})

    assert (answer.status_code, answer.json()) == (403, FORBIDDEN)
    assert ApiToken.objects.get() == token
    assert bearing(text).get("/users/current").status_code == 200


@pytest.mark.parametrize(("method", "path"), [("get", "/tokens"), ("post", "/tokens"), ("delete", "/tokens/1")])
def test_nobody_has_tokens(cast, call, method, path):
    answer = getattr(call(), method)(path)

    assert (answer.status_code, answer.json()) == (401, UNAUTHENTICATED)
