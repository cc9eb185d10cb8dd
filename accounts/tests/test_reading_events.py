"""`GET /users/{id}/events` and `GET /events`: the audit trail by the native contract (native contract 7)."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
import time_machine

from accounts.api.mapping import to_event
from accounts.models import Event
from accounts.services import events as service
from accounts.services import users
from clients.services import clients
from usermgmt import audit
from usermgmt.errors import NotFound
from usermgmt.origin import Origin, coming_from

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
KEYS = ["id", "at", "contract", "action", "actor", "target", "changes", "request_id", "address"]


@pytest.fixture
def trail(cast):
    """Eight rows, a minute each from noon on."""
    origins = [Origin("native", "req-1", "192.0.2.1"), Origin("admin", "req-2", "192.0.2.2"), Origin()]
    steps = [
        (cast.administrator, "user.updated", ("user", cast.owner.pk), {"name": ("Olga", "Olga Owner")}, 0),
        (cast.owner, "user.updated", ("user", cast.owner.pk), {"password": (None, None)}, 0),
        (None, "sign_in.failed", ("user", cast.owner.pk), {}, 0),
        (cast.spare, "user.updated", ("user", cast.outsider.pk), {"active": (False, True)}, 1),
        (cast.spare, "client.updated", ("client", cast.acme.pk), {"name": ("Acme Inc", "Acme")}, 1),
        (cast.spare, "client.updated", ("client", cast.globex.pk), {"name": ("G", "Globex")}, 1),
        (None, "key.made", ("key", None), {"kid": (None, "abc")}, 2),
        (cast.administrator, "user.deleted", ("user", 987654), {"name": ("Gone", None)}, 0),
    ]
    with time_machine.travel(NOON, tick=False) as clock:
        for actor, action, target, changes, origin in steps:
            with coming_from(origins[origin]):
                audit.record(actor=actor, action=action, target=target, changes=changes)
            clock.shift(timedelta(minutes=1))
    return list(Event.objects.order_by("pk"))


@pytest.fixture
def ask(cast, call, trail):
    """`ask("/events", ...)` gives the places of the rows in the order they came, asked by an administrator."""
    places = {event.pk: place for place, event in enumerate(trail)}
    client = call(cast.administrator)

    def places_of(path="/events", **query):
        answer = client.get(path, query)
        assert answer.status_code == 200, answer.json()
        return [places[event["id"]] for event in answer.json()["events"]]

    return places_of


# What is shown


def test_a_row_tells_who_what_to_whom_by_which_door_and_from_where(cast, call, trail):
    answer = call(cast.administrator).get(f"/users/{cast.owner.pk}/events")
    assert list(answer.json()) == ["events", "meta"]
    event = answer.json()["events"][-1]
    assert list(event) == KEYS
    assert event == {
        "id": trail[0].pk,
        "at": "2026-11-21T12:00:00Z",
        "contract": "native",
        "action": "user.updated",
        "actor": {"id": cast.administrator.pk, "email": "ada@example.com"},
        "target": {"kind": "user", "id": cast.owner.pk, "name": "olga@example.com"},
        "changes": {"name": ["Olga", "Olga Owner"]},
        "request_id": "req-1",
        "address": "192.0.2.1",
    }


def test_what_nobody_did_to_nobody_known_has_null_for_them(ask, call, cast):
    (event,) = call(cast.administrator).get("/events", {"target": "key"}).json()["events"]
    assert event["actor"] is None
    assert event["target"] == {"kind": "key", "id": None, "name": None}
    assert (event["contract"], event["request_id"], event["address"]) == ("command", "", None)


def test_clients_are_named_and_what_is_gone_is_a_number(call, cast, trail):
    users.delete(actor=None, user_id=cast.spare.pk)
    shown = {event["id"]: event for event in call(cast.administrator).get("/events").json()["events"]}
    assert shown[trail[4].pk]["target"] == {"kind": "client", "id": cast.acme.pk, "name": "Acme"}
    assert shown[trail[4].pk]["actor"] == {"id": cast.spare.pk, "email": None}
    assert shown[trail[7].pk]["target"] == {"kind": "user", "id": 987654, "name": None}


def test_what_the_calls_do_is_there_to_be_read(cast, call):
    client = call(cast.administrator)
    client.patch(f"/users/{cast.owner.pk}", {"name": "Olga New"}, headers={"X-Request-ID": "my-request"})
    (event,) = client.get(f"/users/{cast.owner.pk}/events").json()["events"]
    assert (event["request_id"], event["changes"]) == ("my-request", {"name": ["Olga Owner", "Olga New"]})


# A user's trail


def test_it_is_what_happened_to_the_user_newest_first(ask, cast):
    assert ask(f"/users/{cast.owner.pk}/events") == [2, 1, 0]
    assert ask(f"/users/{cast.owner.pk}/events", ordering="id") == [0, 1, 2]
    assert ask(f"/users/{cast.owner.pk}/events", ordering="-id", per_page=2) == [2, 1]
    assert ask(f"/users/{cast.stranger.pk}/events") == []


def test_a_user_reads_the_own_trail_and_no_addresses_of_staff(cast, call, trail):
    answer = call(cast.owner).get(f"/users/{cast.owner.pk}/events")
    failed, own, staff = answer.json()["events"]
    assert staff["actor"] == {"id": cast.administrator.pk, "email": None}
    assert staff["address"] is None
    assert staff["changes"] == {"name": ["Olga", "Olga Owner"]}
    assert own["actor"] == {"id": cast.owner.pk, "email": "olga@example.com"}
    assert own["address"] == "192.0.2.1"
    assert (failed["actor"], failed["address"]) == (None, None)
    assert "ada@example.com" not in answer.content.decode()


def test_a_user_reads_nobody_elses_trail_whether_there_is_one_or_not(cast, call, trail):
    for pk in (cast.stranger.pk, cast.administrator.pk, 987654, 123456789):
        answer = call(cast.owner).get(f"/users/{pk}/events")
        assert (answer.status_code, answer.json()) == (
            403,
            {"error": "You are not authorized to perform this action."},
        )


def test_the_trail_of_a_deleted_user_stays_for_administrators(ask, cast, call):
    users.delete(actor=cast.administrator, user_id=cast.outsider.pk)
    client = call(cast.administrator)
    told = client.get(f"/users/{cast.outsider.pk}/events").json()["events"]
    assert [event["action"] for event in told] == ["user.deleted", "user.updated"]
    assert ask("/users/987654/events") == [7]


def test_there_is_no_trail_of_whom_there_never_was(cast, call, trail):
    for path in ("/users/123456789/events", "/users/abc/events?page=0", "/users/123456789/events?page=0"):
        answer = call(cast.administrator).get(path)
        assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


def test_a_disabled_user_or_nobody_reads_nothing(cast, call, trail):
    for client in (call(), call(cast.disabled)):
        for path in ("/events", f"/users/{cast.disabled.pk}/events"):
            assert client.get(path).status_code == 401


# The whole trail


def test_everything_comes_newest_first(ask):
    assert ask() == [7, 6, 5, 4, 3, 2, 1, 0]
    assert ask(ordering="id") == [0, 1, 2, 3, 4, 5, 6, 7]


FILTERS = {
    "actor": [("spare", [5, 4, 3]), ("administrator", [7, 0]), ("null", [6, 2]), ("31415", [])],
    "target": [("user", [7, 3, 2, 1, 0]), ("client", [5, 4]), ("key", [6]), ("user:987654", [7]), ("nothing", [])],
    "action": [("user.updated", [3, 1, 0]), ("user.deleted", [7]), ("user.upd", None), ("no.such", [])],
    "contract": [("native", [7, 2, 1, 0]), ("admin", [5, 4, 3]), ("command", [6])],
    "since": [
        ("2026-11-21T12:06:00Z", [7, 6]), ("2026-11-21T14:06:00+02:00", [7, 6]), ("2026-11-22", []),
        ("2026-11-21", [7, 6, 5, 4, 3, 2, 1, 0]),
    ],
    "until": [("2026-11-21T12:02:00Z", [1, 0]), ("2026-11-21T12:00:00Z", []), ("2026-11-21", [])],
}  # fmt: skip


@pytest.mark.parametrize(("name", "value", "found"), [(name, *row) for name, rows in FILTERS.items() for row in rows])
def test_a_filter_leaves_what_it_names(ask, cast, name, value, found):
    named = getattr(cast, value, None)
    assert ask(**{name: named.pk if named is not None else value}) == (found or [])


def test_filters_narrow_together_and_actions_widen(ask, cast):
    assert ask(action=["user.deleted", "client.updated"]) == [7, 5, 4]
    assert ask(actor=cast.spare.pk, target=f"client:{cast.acme.pk}") == [4]
    assert ask(since="2026-11-21T12:01:00Z", until="2026-11-21T12:04:00Z", contract="native") == [2, 1]


def test_the_trail_of_a_user_is_narrowed_alike(ask, cast):
    path = f"/users/{cast.owner.pk}/events"
    assert ask(path, action="user.updated") == [1, 0]
    assert ask(path, actor=cast.owner.pk) == [1]
    assert ask(path, actor="null", contract="native", since="2026-11-21T12:02:00Z") == [2]


def test_a_value_that_makes_no_sense_is_refused_there_too(cast, call, trail):
    answer = call(cast.owner).get(f"/users/{cast.owner.pk}/events?action=z&page=0&until=!")
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"action", "until", "page"}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("actor", ["", "abc", "0", "-1", "01", "99999999999999999999", "1\0", "None", "\u0663"]),
        ("target", ["", ":", "user:", "user:abc", "user:0", ":12", "User:1", "user:99999999999999999999", "user:1:2",
                    "user 1", "user\0", "x" * 33, "user:\u0663"]),
        ("action", ["", "updated", "user.", ".updated", "user.updated ", "USER.UPDATED", "a.b\0", "a." + "b" * 70]),
        ("contract", ["", "Native", "nope", "native\0"]),
        ("since", ["", "yesterday", "2026-13-01", "12", "2026-11-21T25:00:00Z"]),
        ("until", ["", "tomorrow", "9999-99-99"]),
        ("ordering", ["at", "--id", "", "-"]),
        ("cursor", ["abc", "\0"]),
        ("page", ["0", "x"]),
    ],
)  # fmt: skip
def test_a_value_that_makes_no_sense_is_refused_by_name(cast, call, trail, name, values):
    client = call(cast.administrator)
    for value in values:
        answer = client.get("/events", {name: value})
        assert answer.status_code == 422, (value, answer.json())
        assert list(answer.json()["errors"]) == [name]


def test_all_faults_are_told_at_once(cast, call, trail):
    answer = call(cast.administrator).get("/events?actor=x&since=y&page=0&action=z&contract=q&target=!&until=?")
    assert set(answer.json()["errors"]) == {"actor", "since", "page", "action", "contract", "target", "until"}


def test_pages_are_counted_as_in_every_list(cast, call, trail):
    meta = call(cast.administrator).get("/events?per_page=3&page=2").json()["meta"]
    assert meta == {
        "pagination": {"current_page": 2, "next_page": 3, "prev_page": 1, "total_pages": 3, "total_count": 8}
    }


def test_a_cursor_walks_back_in_time_and_is_not_moved_by_what_happens_meanwhile(cast, call, trail):
    client = call(cast.administrator)
    found, cursor = [], ""
    while cursor is not None:
        answer = client.get("/events", {"cursor": cursor, "per_page": 3}).json()
        found += [event["id"] for event in answer["events"]]
        cursor = answer["meta"]["cursor"]["next"]
        audit.record(actor=None, action="user.updated", target=("user", 1))
    assert found == [event.pk for event in reversed(trail)]


def test_a_cursor_of_one_order_is_none_of_the_other(cast, call, trail):
    client = call(cast.administrator)
    cursor = client.get("/events", {"cursor": "", "per_page": 3}).json()["meta"]["cursor"]["next"]
    answer = client.get("/events", {"cursor": cursor, "ordering": "id"})
    assert (answer.status_code, answer.json()) == (422, {"errors": {"cursor": ["is invalid"]}})


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nothing_is_written_here(cast, call, trail, method):
    before = list(Event.objects.values())
    for client in (call(cast.administrator), call(cast.owner)):
        for path in ("/events", f"/users/{cast.spare.pk}/events"):
            assert getattr(client, method)(path).status_code == 405
        assert getattr(client, method)(f"/events/{trail[0].pk}").status_code == 404
    assert list(Event.objects.values()) == before


# A token that is bound to a client


def scoped(user, client):
    """The user as authentication hands them on for a token that is bound to `client`."""
    user.scope_id = client.pk
    return user


def test_a_bound_token_reads_what_is_about_its_client_and_that_clients_users(cast, trail):
    reader = scoped(cast.administrator, cast.acme)
    found = Event.objects.visible_to(reader).order_by("pk")
    assert list(found) == [trail[0], trail[1], trail[2], trail[4]]
    by = {event.pk: to_event(event, reader)["actor"] for event in found.with_names(reader)}
    # Whoever is outside of the client is a number.
    assert by[trail[0].pk] == {"id": cast.administrator.pk, "email": None}
    assert by[trail[1].pk] == {"id": cast.owner.pk, "email": "olga@example.com"}


def test_a_bound_token_of_a_user_still_reads_what_is_about_that_user_only(cast, trail):
    assert list(Event.objects.visible_to(scoped(cast.owner, cast.acme)).order_by("pk")) == trail[:3]
    assert list(Event.objects.visible_to(scoped(cast.stranger, cast.acme))) == []


def test_to_a_bound_token_nobody_outside_has_a_trail(cast, trail):
    reader = scoped(cast.administrator, cast.acme)
    assert service.of_user(actor=reader, user_id=cast.owner.pk).count() == 3
    for pk in (987654, 123456789):
        with pytest.raises(NotFound):
            service.of_user(actor=reader, user_id=pk)


def test_a_deleted_client_leaves_its_trail_to_administrators(cast, call):
    made = clients.create(actor=cast.administrator, name="Short-lived")
    clients.delete(actor=cast.administrator, client_id=made.pk)
    told = call(cast.administrator).get("/events", {"target": f"client:{made.pk}"}).json()["events"]
    assert [(event["action"], event["target"]["name"]) for event in told] == [
        ("client.deleted", None),
        ("client.created", None),
    ]


def test_the_shape_is_a_pure_function_of_the_row_and_the_reader(cast):
    row = Event(pk=1, action="a.b", contract="native", target_kind="user", target_id=2, actor_id=3, at=NOON)
    row.actor_email, row.target_name, row.address = "a@example.com", None, "192.0.2.1"
    reader = SimpleNamespace(pk=9, is_superuser=False, client_id=1, scope_id=None)
    assert list(to_event(row, reader)) == KEYS
    assert to_event(row, reader)["address"] is None
