"""Who may do what to users, as a table (native contract 2)."""

from types import SimpleNamespace

import pytest

from accounts import policies

ADMINISTRATOR = SimpleNamespace(
    pk=1, is_superuser=True, client_id=None, scope_id=None, token_id=None, grants=frozenset()
)
REGULAR = SimpleNamespace(pk=2, is_superuser=False, client_id=7, scope_id=None, token_id=None, grants=frozenset())
THEMSELVES, ANOTHER = 2, 3


def by_token(actor, scope_id=None):
    """The same, by an API token, bound to a client or to none."""
    return SimpleNamespace(**{**vars(actor), "scope_id": scope_id, "token_id": 5})


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
    for policy in (policies.can_administer, lambda actor: policies.can_delete(actor, ANOTHER)):
        assert (policy(ADMINISTRATOR), policy(REGULAR)) == (True, False)
    assert (policies.can_create_in(ADMINISTRATOR, 7), policies.can_create_in(REGULAR, 7)) == (True, False)


@pytest.mark.parametrize("policy", [policies.can_update, policies.can_sign_out, policies.can_delete])
def test_from_outside_of_a_scope_nobody_touches_themselves(policy):
    bound = by_token(ADMINISTRATOR, scope_id=7)

    assert (policy(bound, ADMINISTRATOR.pk), policy(bound, ANOTHER)) == (False, True)
    assert policy(by_token(ADMINISTRATOR), ADMINISTRATOR.pk)


def test_within_a_scope_users_are_made_in_it_alone():
    bound = by_token(ADMINISTRATOR, scope_id=7)

    assert [policies.can_create_in(bound, client_id) for client_id in (7, 8, None)] == [True, False, False]


@pytest.mark.parametrize(
    ("actor", "user_id", "allowed"),
    [
        (ADMINISTRATOR, 1, True),
        (ADMINISTRATOR, ANOTHER, True),
        (REGULAR, THEMSELVES, True),
        (REGULAR, ANOTHER, False),
        (by_token(ADMINISTRATOR), 1, False),
        (by_token(ADMINISTRATOR), ANOTHER, True),
        (by_token(ADMINISTRATOR, 7), 1, False),
        (by_token(ADMINISTRATOR, 7), ANOTHER, True),
        (by_token(REGULAR), THEMSELVES, False),
        (by_token(REGULAR, 7), THEMSELVES, False),
    ],
)
def test_no_token_sets_the_credentials_of_its_owner(actor, user_id, allowed):
    assert policies.can_set_credentials(actor, user_id) is allowed


def test_tokens_are_managed_by_whoever_signed_in():
    assert policies.can_manage_tokens(ADMINISTRATOR, ANOTHER)
    assert policies.can_manage_tokens(REGULAR, THEMSELVES)
    assert not policies.can_manage_tokens(REGULAR, ANOTHER)
    assert not policies.can_manage_tokens(by_token(ADMINISTRATOR), ANOTHER)
    assert not policies.can_manage_tokens(by_token(REGULAR), THEMSELVES)
