"""The index that finds any part of a name, an e-mail or a user name on PostgreSQL: every three letters in a row
(the extension pg_trgm, which comes with PostgreSQL). SQLite has no such index and reads all users."""

from typing import Any

from django.db import DatabaseError, connections, transaction
from django.db.models import BooleanField, F, Func

LETTERS = 3  # in a row, of which the index is made
INDEX = "user_search_trigrams"
# Changes wait in a list of at most 4 MB and go into the index together: at once, each user would cost a place in it
# for each three letters. A search reads the list, too.
_CREATE = f"CREATE INDEX IF NOT EXISTS {INDEX} ON accounts_user USING gin (search_text gin_trgm_ops)"


class Having(Func):
    """Whether `search_text` has a folded text, and has it by `part` of it, which the index finds (on PostgreSQL).

    text: None asks for the part alone, and finds some who have it not; for whoever looks more closely. part: of LETTERS
    at least. The index is asked for every other three letters of it, and for the last. Hardly anybody who has these
    has not those between, too, but to read the places of all of them takes PostgreSQL several times as long.
    """

    output_field = BooleanField()

    def __init__(self, text: str | None, part: str) -> None:
        super().__init__(F("search_text"))
        last = len(part) - LETTERS
        places = [0, *range(2, last, 2), *([last] if last > 0 else [])]
        self._pieces = [part] if last <= 1 else list(dict.fromkeys(part[at : at + LETTERS] for at in places))
        self._text = None if [text] == self._pieces else text

    def as_sql(self, compiler: Any, connection: Any, **_: Any) -> tuple[str, list[str]]:  # type: ignore[override]
        column, _values = compiler.compile(self.source_expressions[0])
        conditions = [f"{column} {connection.operators['contains']}"] * len(self._pieces)
        values = [f"%{connection.ops.prep_for_like_query(piece)}%" for piece in self._pieces]
        if self._text is not None:
            conditions.append(f"{'STRPOS' if connection.vendor == 'postgresql' else 'INSTR'}({column}, %s) > 0")
            values.append(self._text)
        return f"({' AND '.join(conditions)})", values


def exists(using: str) -> bool:
    """Whether the index is there, and finished."""
    with connections[using].cursor() as cursor:
        cursor.execute("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass(%s)", [INDEX])
        return bool(cursor.fetchone() == (True,))


def make(using: str) -> str | None:
    """Make the index where it is not there; gives the database's reason if it can't be made.

    The extension is made, too, which takes the right to create in the database; or somebody who has it made it before.
    """
    try:
        with transaction.atomic(using=using), connections[using].cursor() as cursor:
            cursor.execute("SELECT 1 FROM pg_extension WHERE extname = 'pg_trgm'")
            if cursor.fetchone() is None:
                cursor.execute("CREATE EXTENSION pg_trgm")
            cursor.execute(_CREATE)
    except DatabaseError as error:
        return str(error).strip().splitlines()[0]
    return None


def drop(using: str) -> None:
    """Drop the index. The extension stays: others may use it."""
    with connections[using].cursor() as cursor:
        cursor.execute(f"DROP INDEX IF EXISTS {INDEX}")
