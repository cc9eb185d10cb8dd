"""Many users in and out again: the frame works, and what is wrong is told."""

import io
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from accounts.models import User
from benchmarks import importing
from benchmarks.importing import Run, Wrong, arguments, main, tabled, write


def test_a_million_is_the_default():
    read = arguments([])
    assert (read.users, read.write_readme) == (1_000_000, False)


def test_the_file_is_imported_whole(db, tmp_path):
    write(tmp_path / "in.csv", 200)
    call_command("import_users", str(tmp_path / "in.csv"), create_clients=True, stdout=io.StringIO())
    users = User.objects.order_by("pk")
    assert (users.count(), users.values("client_id").distinct().count()) == (200, 1)
    assert users[0].password == f"bcrypt_rails${importing.HASH}"


def test_the_table_tells_rates_and_memory():
    runs = {"in": Run(50.0, 20.0, 90.4), "out": Run(10.0, 5.0, 80.0)}
    assert tabled(1_000_000, runs, 25.0).splitlines()[2:] == [
        "| in | 1,000,000 | 20,000 | 20 | 90 |",
        "| out | 1,000,000 | 100,000 | 5 | 80 |",
        "| PostgreSQL alone: COPY of the same users and events | 1,000,000 | 40,000 |  |  |",
    ]


def test_a_command_that_fails_is_told(monkeypatch):
    monkeypatch.setattr(importing, "OURS", SimpleNamespace(environment=lambda url: {"DEVELOPMENT": "on"}))
    with pytest.raises(Wrong, match="no_such_command ended with 1"):
        importing.run("", "no_such_command")


def test_a_wrong_result_ends_with_1(monkeypatch, capsys):
    def measure(options):
        raise Wrong("3 users and not 4")

    monkeypatch.setattr(importing, "measure", measure)
    assert main([]) == 1
    assert "3 users and not 4" in capsys.readouterr().err
