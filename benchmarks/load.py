"""Fills a fresh database with users: `python -m benchmarks.load USERS`.

The same code for every side, by DJANGO_SETTINGS_MODULE: it asks the models for their columns, so that every row has
what its own side computes and satisfies what its own side demands. A row is computed once for each given name, with
stand-ins for what differs; the others are that line filled in. Then COPY, into a table whose indexes, foreign keys and
triggers come afterwards: ten million rows take minutes so, and hours otherwise.
"""

import io
import json
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
from django.core.management import call_command, get_commands
from django.db import connection, models, transaction

PASSWORD = "correct horse battery staple"
ADMINISTRATOR_ID = 1
FIRST_ID = 2
USERS_PER_CLIENT = 1000
START = datetime(2020, 1, 1, tzinfo=UTC)  # users were made from here on, one a second

SYLLABLES = [consonant + vowel for consonant in "bcdfghklmnprstvz" for vowel in "aeio"]
# A prime below 64 to the fourth, and a number of about its size: no two users have one family name, neighbours have
# quite different ones, and none is a part of another.
SCATTER, BELOW = 10_368_889, 16_777_213
_GIVEN = ("Ada", "Björn", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hana", "Íris", "John", "Kofi", "Łucja")

# Stand-ins in a computed line; nothing else in it reads like one of them.
_ID, _CLIENT, _FAMILY, _CREATED = 9_876_543_210, 8_765_432_109, "Xqzxfamily", datetime(1999, 9, 9, 9, 9, 9, tzinfo=UTC)
_BLOCK = 2000  # lines that go to the database at once


def email_of(user_id: int) -> str:
    """The address of a loaded user; the load generator makes the same."""
    return "admin@example.com" if user_id == ADMINISTRATOR_ID else f"user{user_id}@example.com"


def family_name_of(user_id: int) -> str:
    """The family name of a loaded user, nobody else's; the load generator makes the same."""
    number = user_id * SCATTER % BELOW
    base = len(SYLLABLES)
    return "".join(SYLLABLES[number // base**place % base] for place in range(4)).capitalize()


def person(user_id: int, given: str, family: str, *, client: int | None, created: Any, password: str) -> dict[str, Any]:
    """What the columns of a user hold, whichever side has them. client: None makes an administrator."""
    email = email_of(user_id)
    return {
        "id": user_id,
        "name": f"{given} {family}",
        "email": email,
        "username": email.partition("@")[0],
        "password": password,
        "is_superuser": client is None,
        "is_staff": client is None,
        "client": client,
        "created_at": created,
        "date_joined": created,
    }


def people(users: int, clients: int, password: str) -> Iterator[dict[str, Any]]:
    """One user after another, the plain way."""
    for user_id in range(1, users + 1):
        yield person(
            user_id,
            _given_name_of(user_id),
            family_name_of(user_id),
            client=None if user_id == ADMINISTRATOR_ID else 1 + user_id % clients,
            created=START + timedelta(seconds=user_id),
            password=password,
        )


def row_of(columns: list[Any], given: dict[str, Any]) -> list[Any]:
    """The values of `columns` in their order: given, or computed of others (folded columns), or the default."""
    row: dict[str, Any] = {}
    for column in columns:
        if column.name in given:
            row[column.name] = given[column.name]
        elif hasattr(column, "compute"):
            row[column.name] = column.compute(*(row[source] for source in column.sources))
        else:
            row[column.name] = column.get_default()
    return list(row.values())


def line_of(row: Iterable[Any]) -> str:
    """A row in COPY's text format."""
    return "\t".join(map(_cell, row)) + "\n"


def lines(columns: list[Any], users: int, clients: int, password: str) -> Iterator[str]:
    """The lines of `people`, many times faster."""
    yield line_of(row_of(columns, next(people(1, clients, password))))
    templates = [_template(columns, given, password) for given in _GIVEN]
    for user_id in range(FIRST_ID, users + 1):
        family = family_name_of(user_id)
        yield templates[user_id % len(_GIVEN)] % {
            "id": user_id,
            "client": 1 + user_id % clients,
            "family": family,
            "folded": family.lower(),
            "created": START + timedelta(seconds=user_id),
        }


def _given_name_of(user_id: int) -> str:
    return _GIVEN[user_id % len(_GIVEN)]


def _template(columns: list[Any], given: str, password: str) -> str:
    row = row_of(columns, person(_ID, given, _FAMILY, client=_CLIENT, created=_CREATED, password=password))
    line = line_of(row).replace("%", "%%")
    for stand_in, name in (
        (str(_ID), "id"),
        (str(_CLIENT), "client"),
        (_FAMILY, "family"),
        (_FAMILY.lower(), "folded"),
        (str(_CREATED), "created"),
    ):
        line = line.replace(stand_in, f"%({name})s")
    return line


def _cell(value: Any) -> str:
    if value is None:
        return r"\N"
    text = json.dumps(value) if isinstance(value, dict | list) else str(value)
    return text.replace("\\", r"\\").replace("\n", r"\n").replace("\t", r"\t").replace("\r", r"\r")


def columns_of(model: type[models.Model]) -> list[Any]:
    """The columns of a model; computed ones come after what they are made of."""
    return sorted(model._meta.concrete_fields, key=lambda column: hasattr(column, "compute"))


def copy(model: type[models.Model], rows: Iterator[str]) -> None:
    """COPY lines into the empty table of `model`, and set its sequence behind them."""
    table = connection.ops.quote_name(model._meta.db_table)
    names = ", ".join(connection.ops.quote_name(column.column) for column in columns_of(model))
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
        # In the transaction that emptied it, rows are written as VACUUM would leave them (FREEZE).
        cursor.execute(f"TRUNCATE {table} CASCADE")
        afterwards = list(_taken_away(cursor, model._meta.db_table))
        with cursor.copy(f"COPY {table} ({names}) FROM STDIN (FREEZE)") as sink:
            block: list[str] = []
            for line in rows:
                block.append(line)
                if len(block) == _BLOCK:
                    sink.write("".join(block))
                    block.clear()
            sink.write("".join(block))
        for statement in afterwards:
            cursor.execute(statement)
        cursor.execute(
            f"SELECT setval(pg_get_serial_sequence(%s, 'id'), (SELECT max(id) FROM {table}))",  # noqa: S608
            [table],
        )


def _taken_away(cursor: Any, table: str) -> Iterator[str]:
    """Take from a table what makes each row dear, save its primary key; gives the statements that put it back."""
    quoted = connection.ops.quote_name
    cursor.execute(f"ALTER TABLE {quoted(table)} DISABLE TRIGGER USER")
    cursor.execute(
        "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = %s::regclass"
        " AND contype IN ('u', 'f')",
        [quoted(table)],
    )
    for name, definition in cursor.fetchall():
        cursor.execute(f"ALTER TABLE {quoted(table)} DROP CONSTRAINT {quoted(name)}")
        yield f"ALTER TABLE {quoted(table)} ADD CONSTRAINT {quoted(name)} {definition}"
    cursor.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index"
        " WHERE indrelid = %s::regclass AND NOT indisprimary",
        [quoted(table)],
    )
    for name, definition in cursor.fetchall():
        cursor.execute(f"DROP INDEX {name}")
        yield definition
    yield f"ALTER TABLE {quoted(table)} ENABLE TRIGGER USER"


def main() -> None:
    """Migrate, load, and do what autovacuum would do a minute later, in the middle of the measuring."""
    users = int(sys.argv[1])
    django.setup()
    from django.contrib.auth import get_user_model
    from django.contrib.auth.hashers import make_password

    call_command("migrate", verbosity=0)
    user_model = get_user_model()
    client_model: Any = user_model._meta.get_field("client").related_model
    clients = max(1, users // USERS_PER_CLIENT)
    columns = columns_of(client_model)
    copy(
        client_model,
        (line_of(row_of(columns, {"id": number, "name": f"Client {number}"})) for number in range(1, clients + 1)),
    )
    copy(user_model, lines(columns_of(user_model), users, clients, make_password(PASSWORD)))
    if "check_counts" in get_commands():  # the directory's: what its triggers would have counted
        call_command("check_counts", mend=True, stdout=io.StringIO())
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


if __name__ == "__main__":
    main()
