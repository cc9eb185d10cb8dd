"""Who may do what to clients, as a table (native contract 2)."""

from types import SimpleNamespace

import pytest

from clients import policies

ADMINISTRATOR = SimpleNamespace(pk=1, is_superuser=True, client_id=None, scope_id=None)
BOUND = SimpleNamespace(pk=1, is_superuser=True, client_id=None, scope_id=7)  # by a token bound to client 7
REGULAR = SimpleNamespace(pk=2, is_superuser=False, client_id=7, scope_id=None)


@pytest.mark.parametrize(
    ("actor", "client_id", "allowed"),
    [(ADMINISTRATOR, 7, True), (ADMINISTRATOR, 8, True), (REGULAR, 7, True), (REGULAR, 8, False), (REGULAR, 0, False)],
)
def test_administrators_view_any_client_and_regular_users_their_own(actor, client_id, allowed):
    assert policies.can_view(actor, client_id) is allowed


def test_only_administrators_list_make_change_and_delete():
    assert (policies.can_administer(ADMINISTRATOR), policies.can_administer(REGULAR)) == (True, False)
    assert (policies.can_create(ADMINISTRATOR), policies.can_create(REGULAR)) == (True, False)


def test_no_client_is_made_from_within_a_scope():
    assert not policies.can_create(BOUND)


@pytest.mark.parametrize(
    ("actor", "client_id", "there"),
    [(BOUND, 7, True), (BOUND, 8, False), (BOUND, None, False), (REGULAR, 8, True), (None, None, True)],
)
def test_nothing_but_its_client_is_there_for_a_scope(actor, client_id, there):
    assert policies.in_scope(actor, client_id) is there
