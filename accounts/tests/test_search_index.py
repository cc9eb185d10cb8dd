"""The index that searches go by on PostgreSQL, and a directory that may not make it."""

from importlib import import_module
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from accounts import trigrams
from accounts.models import User
from accounts.tests.factories import UserFactory
from usermgmt.columns import fold

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no such index")


def run(*arguments):
    out = StringIO()
    call_command("make_search_index", *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def without(cast):
    """A directory whose migrations could not make the index, nor can whoever asks now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # an index waits for what they are yet to look at
        cursor.execute("DROP EXTENSION pg_trgm CASCADE")
        cursor.execute("CREATE ROLE of_few_rights; GRANT SELECT ON ALL TABLES IN SCHEMA public TO of_few_rights")
        cursor.execute("SET ROLE of_few_rights")
        yield
        cursor.execute("RESET ROLE")


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL has the index")
def test_sqlite_has_none(db):
    assert run() == run("--check") == "SQLite has no such index.\n"


@on_postgresql
def test_it_is_there_after_the_migrations(db):
    assert run() == run("--check") == "The index is there.\n"


@on_postgresql
def test_whoever_may_not_make_it_is_told(without):
    with pytest.raises(CommandError, match="There is no index"):
        run("--check")
    with pytest.raises(CommandError, match="could not be made: permission denied to create extension"):
        run()
    assert User.objects.matching("olga").count() == 1


@on_postgresql
def test_a_migration_goes_on_without_it_and_says_so(without, capsys):
    import_module("accounts.migrations.0014_search_by_trigrams").make(None, SimpleNamespace(connection=connection))
    assert "permission denied" in capsys.readouterr().err


@on_postgresql
def test_it_is_made_later(without):
    with connection.cursor() as cursor:
        cursor.execute("RESET ROLE")
    assert run() == "The index was made.\n"
    assert run("--check") == "The index is there.\n"


LIKE_EACH_OTHER = (
    "Sibylle Bilesen", "bilebile", "ebileb ile", "100% of_all\\none", "a_b%c\\d", "%%%%%%", "______", "O'Neill-Östberg",
    "ÆÆÆ ßßß", "Łódź, Łódź", "aaaaaaaa", "aaabaaab", "....--....", "日本語の名前です", "x y z  w",
)  # fmt: skip


def test_a_search_finds_whoever_has_the_text_and_nobody_else(db):
    """Also those who have the pieces of it that the index is asked for, but elsewhere."""
    users = [UserFactory(name=name) for name in LIKE_EACH_OTHER]
    texts = {user: user.search_text.split("\n") for user in users}
    parts = {fold(name)[start:end] for name in LIKE_EACH_OTHER for start in range(12) for end in range(start + 1, 16)}
    parts |= {"bilenile", "aaaaaaaaa", "abaaaba", "%%%_%%", "example.com", "@example.com", "bile@", "ile@example"}
    for part in sorted(part for part in parts if part.strip() == part and part):
        expected = {user for user, columns in texts.items() if any(part in column for column in columns)}
        assert set(User.objects.matching(part)) == expected, part


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("abc", ["abc"]),
        ("abcd", ["abcd"]),
        ("abcde", ["abc", "cde"]),
        ("abcdef", ["abc", "cde", "def"]),
        ("abcdefg", ["abc", "cde", "efg"]),
        ("aaaaaaa", ["aaa"]),
        ("a%b_c", [r"a\%b", r"b\_c"]),
    ],
)
def test_the_index_is_asked_for_every_other_three_letters_and_the_last(text, pieces):
    alone, whole = (str(User.objects.filter(trigrams.Having(given, text)).query) for given in (None, text))
    for piece in pieces:
        assert f"%{piece}%" in alone
        assert f"%{piece}%" in whole
    assert alone.count("LIKE") == whole.count("LIKE") == len(pieces)
    assert "STR" not in alone
    assert ("STR" in whole) == ([text] != pieces)
