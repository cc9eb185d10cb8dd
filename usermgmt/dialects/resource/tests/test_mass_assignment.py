"""What a caller can try to set and must not (contract 2: three properties, and no more)."""

import pytest

from accounts.models import User
from accounts.tests.rows import stored
from accounts.tests.test_mass_assignment import LOOKALIKES, UNKNOWN_FIELDS
from usermgmt.dialects.resource.tests.shapes import JOHN, user_of

CAMELS = [
    "userId",
    "isAdmin",
    "clientId",
    "isActive",
    "password",
    "username",
    "name",
    "email",
    "firstname",
    "client_id",
]
UNKNOWN = [*UNKNOWN_FIELDS, *CAMELS, "active", "is_admin", "family_name", "must_change_password"]


@pytest.mark.parametrize("value", [*LOOKALIKES, 2, {"id": 2}], ids=repr)
@pytest.mark.parametrize("actor", ["owner", "administrator"])
def test_an_update_ignores_what_the_contract_does_not_know(cast, call, actor, value):
    before = stored(cast.owner)
    body = {"contactEmail": "olga@example.com", **dict.fromkeys(UNKNOWN, value)}

    told = user_of(call(getattr(cast, actor)).patch(f"/v1/users/{cast.owner.pk}", body))

    assert told["firstName"] == "Olga"
    assert stored(cast.owner) == before


@pytest.mark.parametrize("value", [*LOOKALIKES, 2, {"id": 2}], ids=repr)
def test_a_creation_ignores_what_the_contract_does_not_know(cast, call, value):
    body = {**dict.fromkeys(UNKNOWN, value), **JOHN}

    made = user_of(call(cast.administrator).post("/v1/users", body), 201)

    user = User.objects.get(pk=made["userId"])
    assert (user.is_superuser, user.is_active, user.has_usable_password(), user.email_verified, user.username) == (
        False,
        True,
        False,
        False,
        "john.doe",
    )
    assert user.client.name == "Default"
    assert (user.groups.count(), user.user_permissions.count(), user.version) == (0, 0, 1)
