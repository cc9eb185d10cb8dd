"""The index that finds any part of a name, an e-mail or a user name on PostgreSQL: every three letters in a row
(the extension pg_trgm, which comes with PostgreSQL). SQLite has no such index and reads all users."""

from django.db import DatabaseError, connections, transaction
from django.db.models import Q

LETTERS = 3  # in a row, of which the index is made
INDEX = "user_search_trigrams"
# Changes wait in a list of at most 4 MB and go into the index together: at once, each user would cost a place in it
# for each three letters. A search reads the list, too.
_CREATE = f"CREATE INDEX IF NOT EXISTS {INDEX} ON accounts_user USING gin (search_text gin_trgm_ops)"


def having(text: str) -> Q:
    """Whom the index finds for a folded text of LETTERS at least: whoever has it, and hardly anybody else.

    It is asked for every other three letters of the text, and for the last. Whoever has these has those between, too,
    or nearly so; but to read the places of all of them takes PostgreSQL several times as long.
    """
    last = len(text) - LETTERS
    if last <= 1:
        return Q(search_text__contains=text)
    pieces = [text[place : place + LETTERS] for place in (*range(0, last, 2), last)]
    return Q(*(Q(search_text__contains=piece) for piece in dict.fromkeys(pieces)))


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
