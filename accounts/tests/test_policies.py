"""Who may do what to users, as a table (native contract 2)."""

from types import SimpleNamespace

import pytest

from accounts import policies

ADMINISTRATOR = SimpleNamespace(pk=1, is_superuser=True, client_id=None)
REGULAR = SimpleNamespace(pk=2, is_superuser=False, client_id=7)
THEMSELVES, ANOTHER = 2, 3


@pytest.mark.parametrize("policy", [policies.can_view, policies.can_update, policies.can_sign_out])
@pytest.mark.parametrize(
    ("actor", "user_id", "allowed"),
    [
        (ADMINISTRATOR, 1, True),
        (ADMINISTRATOR, ANOTHER, True),
        (ADMINISTRATOR, 0, True),
        (REGULAR, THEMSELVES, True),
        (REGULAR, ANOTHER, False),
        (REGULAR, 0, False),
    ],
)
def test_administrators_anyone_and_regular_users_themselves(policy, actor, user_id, allowed):
    assert policy(actor, user_id) is allowed


def test_only_administrators_list_make_and_delete():
    assert (policies.can_administer(ADMINISTRATOR), policies.can_administer(REGULAR)) == (True, False)
