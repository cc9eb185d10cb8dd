"""Fills a fresh database with users: `python -m benchmarks.load USERS`.

The same code for both sides, by DJANGO_SETTINGS_MODULE: it asks the models for their columns, so that every
row has what its own side computes and satisfies what its own side demands; then COPY.
"""

import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import django
from django.core.management import call_command
from django.db import connection, models
from psycopg.types.json import Jsonb

PASSWORD = "correct horse battery staple"
ADMINISTRATOR_ID = 1
FIRST_ID = 2
USERS_PER_CLIENT = 1000

_GIVEN = ("Ada", "Björn", "Chloé", "Dmitri", "Elif", "Farid", "Grace", "Hana", "Íris", "John", "Kofi", "Łucja")
_FAMILY = ("Lovelace", "Ångström", "Doe", "García", "Hopper", "İnönü", "Nguyễn", "O'Brien", "Šimić", "Zhang")


def email_of(user_id: int) -> str:
    """The address of a loaded user; the load generator makes the same."""
    return "admin@example.com" if user_id == ADMINISTRATOR_ID else f"user{user_id}@example.com"


def people(users: int, clients: int, password: str) -> Iterator[dict[str, Any]]:
    """What the columns of one user after another hold, whichever side has them."""
    chance = random.Random(users)
    start = datetime(2020, 1, 1, tzinfo=UTC)
    for user_id in range(1, users + 1):
        administers = user_id == ADMINISTRATOR_ID
        email = email_of(user_id)
        yield {
            "id": user_id,
            "name": f"{chance.choice(_GIVEN)} {chance.choice(_FAMILY)}",
            "email": email,
            "username": email.partition("@")[0],
            "password": password,
            "is_superuser": administers,
            "is_staff": administers,
            "client": None if administers else 1 + user_id % clients,
            "created_at": start + timedelta(seconds=user_id),
            "date_joined": start + timedelta(seconds=user_id),
        }


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


def copy(model: type[models.Model], rows: Iterator[dict[str, Any]]) -> None:
    """COPY `rows` into the table of `model`, and set its sequence behind them."""
    # Computed columns come after what they are made of.
    columns = sorted(model._meta.concrete_fields, key=lambda column: hasattr(column, "compute"))
    table = model._meta.db_table
    names = ", ".join(f'"{column.column}"' for column in columns)
    with connection.cursor() as cursor:
        with cursor.cursor.copy(f'COPY "{table}" ({names}) FROM STDIN') as sink:  # type: ignore[attr-defined]
            for given in rows:
                values = row_of(columns, given)
                sink.write_row([Jsonb(value) if isinstance(value, dict) else value for value in values])
        last = model._default_manager.aggregate(last=models.Max("id"))["last"]
        cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [f'"{table}"', last])


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
    copy(client_model, ({"id": number, "name": f"Client {number}"} for number in range(1, clients + 1)))
    copy(user_model, people(users, clients, make_password(PASSWORD)))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")


if __name__ == "__main__":
    main()
