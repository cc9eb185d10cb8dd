"""Who may do what to clients, as a table (native contract 2)."""

from types import SimpleNamespace

import pytest

from clients import policies

ADMINISTRATOR = SimpleNamespace(pk=1, is_superuser=True, client_id=None)
REGULAR = SimpleNamespace(pk=2, is_superuser=False, client_id=7)


@pytest.mark.parametrize(
    ("actor", "client_id", "allowed"),
    [(ADMINISTRATOR, 7, True), (ADMINISTRATOR, 8, True), (REGULAR, 7, True), (REGULAR, 8, False), (REGULAR, 0, False)],
)
def test_administrators_view_any_client_and_regular_users_their_own(actor, client_id, allowed):
    assert policies.can_view(actor, client_id) is allowed


def test_only_administrators_list_make_change_and_delete():
    assert (policies.can_administer(ADMINISTRATOR), policies.can_administer(REGULAR)) == (True, False)
