"""What a caller can try to set and must not: one matrix of caller, call, field and value (native contract 2 and 4)."""

from typing import Any

import pytest
from django.utils import timezone

from accounts import passwords
from accounts.models import Event, User
from accounts.tests.rows import stored
from clients.models import Client

UNKNOWN_FIELDS = [
    "id",
    "pk",
    "client",
    "is_superuser",
    "is_staff",
    "is_active",
    "role",
    "admin",
    "email_verified",
    "email_canonical",
    "username",
    "token_version",
    "password_version",
    "imported_cost",
    "version",
    "password_hash",
    "password_digest",
    "encrypted_password",
    "groups",
    "user_permissions",
    "created_at",
    "updated_at",
    "erased_at",
    "last_login",
    "last_sign_in",
    "name_sorted",
    "first_name_shown",
    "last_name_shown",
    "search_text",
    "given_name",
    "nickname",
    "bio",
    "status_text",
    "custom_fields",
    "external_id",
    "featured",
    "public_profile",
    "properties",
    "records",
    "profiles",
    "relationships",
    "relationship_users",
    "transactables",
    "roles",
    "teams",
    "grants",
    "permissions",
    "profile",
    "sign_ins",
    "foo",
]
LOOKALIKES = [None, "", "null", [], {}, 0, 1, "1", 1.0, True, False, "true", [None], {"id": None}, "administrator"]
"""What some reader, somewhere, takes for nothing, for true, or for a number."""

# Path of the call with the caller's own number, or that of the owner.
UPDATES = [
    (actor, verb, path)
    for verb in ("put", "patch")
    for actor, path in [("owner", "/users/{owner}"), ("owner", "/users/current"), ("administrator", "/users/{owner}")]
]
CREATION = {
    "name": "New Person",
    "password": "securepassword",
    "password_confirmation": "securepassword",
}
NOT_IDS = ["", "null", [], {}, "1", 1.0, True, False, [1], {"id": 1}, [None], "None"]
NO_CLIENTS = [0, -1, 987654321, 2**63, 10**400]
INVALID_CLIENT_ID = {"errors": {"client_id": ["is invalid"]}}
NO_SUCH_CLIENT = {"errors": {"client": ["must exist"]}}
NOT_ALLOWED = {"error": "You are not authorized to perform this action."}


# Every field at once: were one of them taken, its column would differ, or the answer would.
@pytest.mark.parametrize("value", [*LOOKALIKES, 2, {"id": 2, "name": "Globex"}], ids=repr)
@pytest.mark.parametrize("update", UPDATES, ids=" ".join)
def test_an_update_ignores_what_the_contract_does_not_know(cast, call, update, value):
    actor, verb, path = update
    before = stored(cast.owner)

    answer = getattr(call(getattr(cast, actor)), verb)(
        path.format(owner=cast.owner.pk), {"name": "Olga Owner", **dict.fromkeys(UNKNOWN_FIELDS, value)}
    )

    assert answer.json() == {
        "id": cast.owner.pk,
        "name": "Olga Owner",
        "email": "olga@example.com",
        "client": {"id": cast.acme.pk, "name": "Acme"},
    }
    assert stored(cast.owner) == before
    assert not Event.objects.exists()


@pytest.mark.parametrize("value", [*LOOKALIKES, 2], ids=repr)
def test_a_creation_ignores_what_the_contract_does_not_know(cast, call, value):
    started = timezone.now()

    answer = call(cast.administrator).post(
        "/users",
        {
            **CREATION,
            "email": "new@example.com",
            "client_id": cast.acme.pk,
            **dict.fromkeys(UNKNOWN_FIELDS, value),
        },
    )

    user = User.objects.latest("id")
    assert answer.json() == {
        "id": user.pk,
        "name": "New Person",
        "email": "new@example.com",
        "client": {"id": cast.acme.pk, "name": "Acme"},
    }
    made = stored(user)
    assert made.pop("created_at") >= started
    assert made.pop("updated_at") >= started
    assert passwords.verified("securepassword", made.pop("password"))
    assert user.pk > cast.disabled.pk
    assert (user.groups.count(), user.user_permissions.count(), user.sign_ins.count()) == (0, 0, 0)
    assert made == {
        "id": user.pk,
        "last_login": None,
        "erased_at": None,
        "is_superuser": False,
        "email": "new@example.com",
        "email_canonical": "new@example.com",
        "email_verified": False,
        "username": "new",
        "username_canonical": "new",
        "name": "New Person",
        "given_name": "",
        "family_name": "",
        "middle_name": "",
        "name_sorted": "new person",
        "first_name_shown": "New",
        "last_name_shown": "Person",
        "nickname": "",
        "bio": "",
        "status_text": "",
        "custom_fields": {},
        "external_id": "",
        "featured": False,
        "public_profile": False,
        "properties": {},
        "search_text": "new person\nnew@example.com\nnew",
        "client_id": cast.acme.pk,
        "is_active": True,
        "token_version": 1,
        "password_version": 1,
        "imported_cost": None,
        "must_change_password": False,
        "version": 1,
    }


@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize(("values", "body"), [(NOT_IDS, INVALID_CLIENT_ID), (NO_CLIENTS, NO_SUCH_CLIENT)])
def test_nothing_but_a_number_or_null_is_a_client_to_an_administrator(cast, call, verb, values, body):
    before, client = stored(cast.owner), call(cast.administrator)

    for value in values:
        answer = getattr(client, verb)(f"/users/{cast.owner.pk}", {"name": "Renamed", "client_id": value})

        assert (answer.status_code, answer.json()) == (422, body), value
        assert stored(cast.owner) == before, value


@pytest.mark.parametrize(("values", "body"), [(NOT_IDS, INVALID_CLIENT_ID), (NO_CLIENTS, NO_SUCH_CLIENT)])
def test_nothing_but_a_number_or_null_is_a_client_in_a_creation(cast, call, values, body):
    client, count = call(cast.administrator), User.objects.count()

    for value in values:
        answer = client.post("/users", {**CREATION, "email": "new@example.com", "client_id": value})

        assert (answer.status_code, answer.json()) == (422, body), value
        assert User.objects.count() == count, value


@pytest.mark.parametrize("sent", [{"client_id": None}, {}])
def test_null_or_absence_makes_an_administrator_in_a_creation(cast, call, sent):
    answer = call(cast.administrator).post("/users", {**CREATION, "email": "new@example.com", **sent})

    made = User.objects.get(email="new@example.com")
    assert answer.status_code == 201
    assert answer.json() == {"id": made.pk, "name": "New Person", "email": "new@example.com", "client": None}
    assert (made.is_superuser, made.client_id) == (True, None)


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_null_makes_an_administrator_in_an_update(cast, call, verb):
    answer = getattr(call(cast.administrator), verb)(f"/users/{cast.owner.pk}", {"client_id": None})

    assert answer.json()["client"] is None
    assert stored(cast.owner).items() >= {"client_id": None, "is_superuser": True}.items()


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_absence_leaves_the_client_as_it_is_in_an_update(cast, call, verb):
    before = stored(cast.owner)

    getattr(call(cast.administrator), verb)(f"/users/{cast.owner.pk}", {"name": "Renamed"})

    after = stored(cast.owner)
    assert {name for name in after if after[name] != before[name]} == {
        "name",
        "name_sorted",
        "first_name_shown",
        "last_name_shown",
        "search_text",
        "version",
        "updated_at",
    }


@pytest.mark.parametrize("path", ["/users/{owner}", "/users/current"])
@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize("field", ["client_id", "active"])
def test_a_user_cannot_set_what_only_administrators_set_in_any_form(cast, call, field, verb, path):
    before, client = stored(cast.owner), call(cast.owner)
    values: list[Any] = {
        "client_id": [None, *NOT_IDS, *NO_CLIENTS, cast.globex.pk, str(cast.acme.pk), float(cast.acme.pk)],
        "active": [False, None, "", "null", [], {}, 0, 1, "1", 1.0, "true", "false", [True]],
    }[field]

    for value in values:
        answer = getattr(client, verb)(path.format(owner=cast.owner.pk), {"name": "Renamed", field: value})

        assert (answer.status_code, answer.json()) == (403, NOT_ALLOWED), value
        assert stored(cast.owner) == before, value


@pytest.mark.parametrize("path", ["/users/{owner}", "/users/current"])
@pytest.mark.parametrize("verb", ["put", "patch"])
def test_a_user_may_send_the_present_values_back(cast, call, verb, path):
    before = stored(cast.owner)

    answer = getattr(call(cast.owner), verb)(
        path.format(owner=cast.owner.pk), {"name": "Olga Owner", "client_id": cast.acme.pk, "active": True}
    )

    assert answer.status_code == 200
    assert stored(cast.owner) == before


@pytest.mark.parametrize("value", [None, "", "null", [], {}, 0, 1, "1", 1.0, "true", "false", [True]])
def test_nothing_but_true_or_false_is_a_state(cast, call, value):
    before, count, client = stored(cast.owner), User.objects.count(), call(cast.administrator)
    expected = (422, {"errors": {"active": ["is invalid"]}})

    for verb in ("put", "patch"):
        answer = getattr(client, verb)(f"/users/{cast.owner.pk}", {"name": "Renamed", "active": value})
        assert (answer.status_code, answer.json()) == expected
    answer = client.post("/users", {**CREATION, "email": "new@example.com", "active": value})
    assert (answer.status_code, answer.json()) == expected
    assert stored(cast.owner) == before
    assert User.objects.count() == count


@pytest.mark.parametrize("value", [*LOOKALIKES, 2, [2]], ids=repr)
def test_clients_ignore_what_the_contract_does_not_know(cast, call, value):
    before, client = stored(cast.acme), call(cast.administrator)
    extra = dict.fromkeys(["id", "pk", "version", "name_folded", "created_at", "updated_at", "users", "foo"], value)

    for verb in ("put", "patch"):
        answer = getattr(client, verb)(f"/clients/{cast.acme.pk}", {"name": "Acme", **extra})
        assert answer.json() == {"id": cast.acme.pk, "name": "Acme"}
        assert stored(cast.acme) == before
    answer = client.post("/clients", {"name": "New", **extra})

    made = Client.objects.latest("id")
    assert answer.json() == {"id": made.pk, "name": "New"}
    assert (made.version, made.name_folded, made.users.count()) == (1, "new", 0)
    assert made.pk > cast.globex.pk
