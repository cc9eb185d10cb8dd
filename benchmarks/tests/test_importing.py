"""Many users in and out again: the frame works, and what is wrong is told."""

import io
from types import SimpleNamespace

import pytest
from django.core.management import call_command

from accounts.models import User
from benchmarks import importing
from benchmarks.importing import Lines, Run, Wrong, arguments, hashing_alone, main, tabled, write


def test_a_million_is_the_default():
    read = arguments([])
    assert (read.users, read.rounds, read.write_readme) == (1_000_000, 5, False)


def test_the_file_is_imported_whole(db, tmp_path):
    write(tmp_path / "in.csv", 200)
    call_command("import_users", str(tmp_path / "in.csv"), create_clients=True, stdout=io.StringIO())
    users = User.objects.order_by("pk")
    assert (users.count(), users.values("client_id").distinct().count()) == (200, 1)
    assert users[0].password == f"bcrypt_rails${importing.HASH}"


def test_files_with_passwords_go_on_where_others_end(db, tmp_path):
    write(tmp_path / "one.csv", 2)
    write(tmp_path / "two.csv", 2, first=2, password=True)
    for name in ("one", "two"):
        call_command("import_users", str(tmp_path / f"{name}.csv"), create_clients=True, stdout=io.StringIO())
    kinds = [user.password.partition("$")[0] for user in User.objects.order_by("pk")]
    assert kinds == ["bcrypt_rails", "bcrypt_rails", "argon2", "argon2"]


def test_the_table_tells_medians_of_rounds_what_is_beside_and_memory():
    runs = [Run(50.0, 20.0, 90.4), Run(40.0, 60.0, 80.0), Run(100.0, 30.0, 80.0)]
    measured = {
        "in": (Lines(1_000_000, runs, [25.0, 30.0, 40.0]), "alone"),
        "out": (Lines(1_000_000, [Run(10.0, 5.0, 80.0)]), ""),
    }
    assert tabled(measured).splitlines()[2:] == [
        "| in | 1,000,000 | 20,000 | alone: 33,333 | 0.50 | 30 | 0.4 | 90 |",
        "| out | 1,000,000 | 100,000 |  |  | 5 | 0.5 | 80 |",
    ]


def test_the_hasher_alone_takes_time():
    assert hashing_alone(1) > 0


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
