"""Whether the process lives, and whether it can serve (DESIGN 4)."""

import pytest
from django.db import InterfaceError, OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder

from usermgmt.http import health


def failing(error):
    def execute(run, sql, params, many, context):
        raise error

    return execute


def test_livez_asks_nothing_of_the_database(client):
    # Without the `db` mark pytest-django refuses any query.
    answer = client.get("/livez")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_is_fine_with_every_migration(db, client):
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


def test_readyz_waits_for_pending_migrations_while_livez_is_fine(db, client):
    MigrationRecorder.Migration.objects.filter(app="accounts").delete()
    answer = client.get("/readyz")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json() == {"status": "unavailable", "error": "migrations are pending: run manage.py migrate"}
    assert client.get("/livez").status_code == 200


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("connection already closed")])
def test_readyz_says_that_the_database_is_away_while_livez_is_fine(db, client, error):
    with connection.execute_wrapper(failing(error)):
        answer = client.get("/readyz")
        lives = client.get("/livez")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json() == {"status": "unavailable", "error": "the database does not answer"}
    assert lives.status_code == 200


def test_readyz_does_not_hide_a_mistake_of_ours(db, rf):
    with connection.execute_wrapper(failing(KeyError("x"))), pytest.raises(KeyError):
        health.readyz(rf.get("/readyz"))
