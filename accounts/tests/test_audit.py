"""What the audit trail has after each call (DESIGN 2, "Audit")."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts.models import Event, User
from accounts.tests.callers import tokens_of
from accounts.tests.factories import PASSWORD
from clients.models import Client

NEW = {
    "name": "New Person",
    "email": "new@example.com",
    "password": "securepassword",
    "password_confirmation": "securepassword",
}


def the_event():
    """The one row there is, without its number and moment, which are looked at here."""
    (event,) = Event.objects.values()
    assert event.pop("id")
    assert timezone.now() - event.pop("at") < timedelta(minutes=1)
    return event


def event(action, *, actor, target, changes=None, request_id="req-1"):
    return {
        "contract": "native",
        "action": action,
        "actor_id": getattr(actor, "pk", None),
        "target_kind": target[0],
        "target_id": target[1],
        "changes": changes or {},
        "request_id": request_id,
        "address": "127.0.0.1",
    }


@pytest.fixture
def send(cast, call):
    """Call `send(user, method, path, body)`; the request's id is "req-1"."""

    def sending(user, method, path, body=None):
        client = call(user)
        return getattr(client, method)(path, body, headers={"X-Request-ID": "req-1"})

    return sending


# Sign-ins


def test_a_sign_in_is_kept(cast, send):
    send(None, "post", "/auth/token", {"email": "olga@example.com", "password": PASSWORD})

    assert the_event() == event("sign_in.succeeded", actor=cast.owner, target=("user", cast.owner.pk))


@pytest.mark.parametrize(
    ("email", "password", "whom"),
    [
        ("olga@example.com", "wrong", "owner"),
        ("dora@example.com", PASSWORD, "disabled"),
        ("nobody@example.com", PASSWORD, None),
    ],
)
def test_a_failed_sign_in_is_kept_as_such(cast, send, email, password, whom):
    send(None, "post", "/auth/token", {"email": email, "password": password})

    target = getattr(cast, whom).pk if whom else None
    assert the_event() == event("sign_in.failed", actor=None, target=("user", target))


def test_a_refresh_is_not_news(cast, send):
    send(None, "post", "/auth/token/refresh", {"refresh": tokens_of(cast.owner).refresh})

    assert not Event.objects.exists()


def test_the_re_use_of_a_refresh_token_is_kept(cast, send):
    token = tokens_of(cast.owner).refresh
    for _ in range(2):
        send(None, "post", "/auth/token/refresh", {"refresh": token})

    assert the_event() == event("sign_in.token_reused", actor=None, target=("user", cast.owner.pk))


def test_a_revoked_sign_in_is_kept(cast, send):
    send(None, "post", "/auth/token/revoke", {"refresh": tokens_of(cast.owner).refresh})

    assert the_event() == event("sign_in.revoked", actor=cast.owner, target=("user", cast.owner.pk))


# Users


def test_a_creation_is_kept_with_what_there_was_not_and_is(cast, send):
    made = send(cast.administrator, "post", "/users", NEW | {"client_id": cast.acme.pk}).json()

    assert the_event() == event(
        "user.created",
        actor=cast.administrator,
        target=("user", made["id"]),
        changes={
            "name": [None, "New Person"],
            "email": [None, "new@example.com"],
            "username": [None, "new"],
            "client_id": [None, cast.acme.pk],
            "active": [None, True],
        },
    )


@pytest.mark.parametrize(
    "change",
    [
        ("administrator", "/users/{id}", {"name": "Renamed"}, {"name": ["Olga Owner", "Renamed"]}),
        ("owner", "/users/current", {"name": "Renamed"}, {"name": ["Olga Owner", "Renamed"]}),
        ("owner", "/users/{id}", {"email": "OLGA@example.com"}, {"email": ["olga@example.com", "OLGA@example.com"]}),
        ("administrator", "/users/{id}", {"active": False, "name": "Olga Owner"}, {"active": [True, False]}),
        (
            "owner",
            "/users/current",
            {"password": "securepassword", "password_confirmation": "securepassword"},
            {"password": [None, None]},
        ),
    ],
)
def test_a_change_is_kept_with_what_was_and_is(cast, send, change):
    actor, path, body, changes = change
    send(getattr(cast, actor), "patch", path.format(id=cast.owner.pk), body)

    assert the_event() == event(
        "user.updated", actor=getattr(cast, actor), target=("user", cast.owner.pk), changes=changes
    )


def test_a_change_of_client_is_kept_by_number(cast, send):
    send(cast.administrator, "put", f"/users/{cast.owner.pk}", {"client_id": None})

    assert the_event() == event(
        "user.updated",
        actor=cast.administrator,
        target=("user", cast.owner.pk),
        changes={"client_id": [cast.acme.pk, None]},
    )


def test_a_changed_email_that_was_verified_is_kept_as_unverified_again(cast, send):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)

    send(cast.owner, "patch", "/users/current", {"email": "new@example.com"})

    assert the_event()["changes"] == {
        "email": ["olga@example.com", "new@example.com"],
        "email_verified": [True, False],
    }


@pytest.mark.parametrize("body", [{}, {"name": "Olga Owner"}, {"password": ""}, {"foo": 1}])
def test_what_changes_nothing_is_not_kept(cast, send, body):
    assert send(cast.administrator, "patch", f"/users/{cast.owner.pk}", body).status_code == 200

    assert not Event.objects.exists()


def test_a_deletion_is_kept_and_outlives_the_user(cast, send):
    send(cast.administrator, "delete", f"/users/{cast.owner.pk}")

    assert the_event() == event(
        "user.deleted",
        actor=cast.administrator,
        target=("user", cast.owner.pk),
        changes={
            "name": ["Olga Owner", None],
            "email": ["olga@example.com", None],
            "username": ["olga", None],
            "client_id": [cast.acme.pk, None],
            "active": [True, None],
        },
    )


def test_a_sign_out_is_kept(cast, send):
    send(cast.administrator, "post", f"/users/{cast.owner.pk}/sign_out")

    assert the_event() == event("user.signed_out", actor=cast.administrator, target=("user", cast.owner.pk))


# Clients


def test_changes_of_clients_are_kept(cast, send):
    made = send(cast.administrator, "post", "/clients", {"name": "Initech"}).json()["id"]
    send(cast.administrator, "patch", f"/clients/{made}", {"name": "Initrode"})
    send(cast.administrator, "patch", f"/clients/{made}", {"name": "Initrode"})
    send(cast.administrator, "delete", f"/clients/{made}")

    kept = list(Event.objects.order_by("id").values("action", "actor_id", "target_kind", "target_id", "changes"))
    assert kept == [
        {
            "action": f"client.{action}",
            "actor_id": cast.administrator.pk,
            "target_kind": "client",
            "target_id": made,
            "changes": {"name": changes},
        }
        for action, changes in [
            ("created", [None, "Initech"]),
            ("updated", ["Initech", "Initrode"]),
            ("deleted", ["Initrode", None]),
        ]
    ]


# Refusals


FORBIDDEN = [
    ("post", "/users", NEW, ("user", None)),
    ("patch", "/users/{stranger}", {"name": "x"}, ("user", "stranger")),
    ("put", "/users/{administrator}", {"name": "x"}, ("user", "administrator")),
    ("delete", "/users/{owner}", None, ("user", "owner")),
    ("delete", "/users/987654321", None, ("user", 987654321)),
    ("delete", "/users/abc", None, ("user", None)),
    ("post", "/users/{stranger}/sign_out", None, ("user", "stranger")),
    ("patch", "/users/{owner}", {"active": False}, ("user", "owner")),
    ("patch", "/users/current", {"client_id": None}, ("user", "owner")),
    ("put", "/users/current", {"client_id": "null"}, ("user", "owner")),
    ("post", "/clients", {"name": "x"}, ("client", None)),
    ("patch", "/clients/{acme}", {"name": "x"}, ("client", "acme")),
    ("delete", "/clients/{globex}", None, ("client", "globex")),
]


@pytest.mark.parametrize("refusal", FORBIDDEN, ids=str)
def test_a_forbidden_change_is_kept_as_refused_and_as_nothing_else(cast, send, refusal):
    method, path, body, (kind, whom) = refusal
    numbers = {name: getattr(row, "pk", None) for name, row in vars(cast).items()}

    assert send(cast.owner, method, path.format(**numbers), body).status_code == 403

    target = (kind, numbers.get(whom, whom))
    assert the_event() == event("change.refused", actor=cast.owner, target=target)


@pytest.mark.parametrize("path", ["/users", "/users/{stranger}", "/clients", "/clients/{globex}"])
def test_a_forbidden_look_is_not_kept(cast, send, path):
    path = path.format(stranger=cast.stranger.pk, globex=cast.globex.pk)

    assert send(cast.owner, "get", path).status_code == 403
    assert not Event.objects.exists()


REFUSED = [
    ("post", "/users", NEW | {"email": "olga@example.com"}, 422),
    ("post", "/users", NEW | {"client_id": 987654321}, 422),
    ("patch", "/users/{owner}", {"name": "x", "email": "stan@example.com"}, 422),
    ("patch", "/users/987654321", {"name": "x"}, 404),
    ("delete", "/users/987654321", None, 404),
    ("post", "/users/987654321/sign_out", None, 404),
    ("post", "/clients", {"name": "ACME"}, 422),
    ("patch", "/clients/{acme}", {"name": "globex"}, 422),
    ("delete", "/clients/{acme}", None, 422),
    ("delete", "/clients/987654321", None, 404),
]


@pytest.mark.parametrize("refusal", REFUSED, ids=str)
def test_a_refused_change_leaves_no_row_of_its_success(cast, send, refusal):
    method, path, body, status = refusal

    answer = send(cast.administrator, method, path.format(owner=cast.owner.pk, acme=cast.acme.pk), body)

    assert answer.status_code == status
    assert not Event.objects.exists()


def test_a_refused_loss_of_the_last_administrator_leaves_no_row_of_its_success(cast, send):
    cast.spare.delete()

    for method, body in [("patch", {"active": False}), ("put", {"client_id": cast.acme.pk}), ("delete", None)]:
        assert send(cast.administrator, method, f"/users/{cast.administrator.pk}", body).status_code == 422
    assert not Event.objects.exists()


def test_strangers_who_are_told_to_sign_in_leave_no_row(cast, send):
    for method, path in [("post", "/users"), ("delete", f"/users/{cast.owner.pk}"), ("post", "/clients")]:
        assert send(None, method, path, {}).status_code == 401

    assert not Event.objects.exists()


# Every row


def test_no_row_has_a_secret(cast, send):
    secrets = [PASSWORD, "securepassword", "argon2", "another-secret-9", cast.owner.password]
    tokens = send(None, "post", "/auth/token", {"email": "olga@example.com", "password": PASSWORD}).json()
    send(None, "post", "/auth/token", {"email": "olga@example.com", "password": "another-secret-9"})
    send(None, "post", "/auth/token", {"email": "another-secret-9", "password": "another-secret-9"})
    fresh = send(None, "post", "/auth/token/refresh", {"refresh": tokens["refresh"]}).json()
    send(None, "post", "/auth/token/refresh", {"refresh": tokens["refresh"]})
    made = send(cast.administrator, "post", "/users", NEW).json()
    password = {"password": "another-secret-9", "password_confirmation": "another-secret-9"}
    send(cast.administrator, "patch", f"/users/{made['id']}", password)
    send(cast.administrator, "delete", f"/users/{made['id']}")
    secrets += [tokens["access"], tokens["refresh"], fresh["access"], fresh["refresh"]]

    rows = json.dumps(list(Event.objects.values()), default=str)

    assert Event.objects.count() == 7
    assert [secret for secret in secrets if secret in rows] == []


def test_a_row_tells_the_moment_the_request_and_the_address(cast, call, settings):
    from ipaddress import ip_network

    settings.TRUSTED_PROXIES = [ip_network("127.0.0.1/32")]
    client = call(cast.administrator)
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        client = call(cast.administrator)
        client.post("/clients", {"name": "New"}, headers={"X-Forwarded-For": "6.6.6.6, 203.0.113.9"})

        kept = Event.objects.get()
        assert kept.at == timezone.now()
    assert kept.address == "203.0.113.9"
    assert len(kept.request_id) == 36


def test_an_address_that_nobody_vouches_for_is_not_believed(cast, call):
    call(cast.administrator).post("/clients", {"name": "New"}, headers={"X-Forwarded-For": "203.0.113.9"})

    assert Event.objects.get().address == "127.0.0.1"
    assert Client.objects.filter(name="New").exists()
