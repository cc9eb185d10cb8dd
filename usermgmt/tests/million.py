"""A database of PostgreSQL with a million users, made in the time that a test may take."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection, connections
from psycopg import sql
from psycopg.types.json import Jsonb

from accounts import counts
from accounts.models import User
from clients.models import Client

USERS, CLIENTS = 1_000_000, 1_000
ADMINISTRATORS = 10  # the users of the first numbers
BIG_CLIENT = 2  # has a tenth of all users

# What is by chance is so by a hash, so that nothing of a user tells of anything else.
_BY_CHANCE = "(hashint4(n + {which} * 10000000) & 1023) < {share}"
_NAME = """
    (ARRAY['Ada', 'Chloe', 'Dmitri', 'Elif', 'Farid', 'Grace', 'Hana', 'John', 'Kofi', 'Maria'])[1 + n % 10] || ' '
    || initcap(translate((n::bigint * 2654435761 % 99991)::text, '0123456789', 'aeioubdlmn'))
"""
_CLIENT = (
    f"CASE WHEN n <= {ADMINISTRATORS} THEN NULL WHEN {_BY_CHANCE.format(which=1, share=100)} THEN {BIG_CLIENT}"
    f" ELSE 1 + n / 1000 % {CLIENTS} END"
)
_CREATED = "timestamptz '2020-01-01 00:00Z' + n * interval '1 minute'"
_USERS = {
    "id": "n",
    "name": "name",
    "email": "'user' || n || '@example.com'",
    "email_canonical": "'user' || n || '@example.com'",
    "username": "'user' || n",
    "username_canonical": "'user' || n",
    "name_sorted": "lower(name)",
    "first_name_shown": "split_part(name, ' ', 1)",
    "last_name_shown": "split_part(name, ' ', 2)",
    "search_text": r"lower(name) || E'\nuser' || n || E'@example.com\nuser' || n",
    "client_id": _CLIENT,
    "is_superuser": f"n <= {ADMINISTRATORS}",
    "is_active": f"n <= {ADMINISTRATORS} OR NOT {_BY_CHANCE.format(which=2, share=20)}",
    "created_at": _CREATED,
    "updated_at": _CREATED,
    "last_login": f"CASE WHEN {_BY_CHANCE.format(which=3, share=100)} THEN {_CREATED} END",
}
_CLIENTS = {"id": "n", "name": "'Client ' || n", "name_folded": "'client ' || n"}


@contextmanager
def million(template: str) -> Iterator[None]:
    """Makes the connection of the tests one to a copy of the database `template`, with the users; afterwards it is
    what it was, and the copy is gone."""
    name = f"{template}_million"
    settings = connection.settings_dict
    connections.close_all()
    try:
        _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        _leave(template)
        _administer("CREATE DATABASE {} TEMPLATE {}", name, template)
        settings["NAME"] = name
        _fill()
        yield
    finally:
        connections.close_all()
        settings["NAME"] = template
        _administer("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)


def _leave(template: str) -> None:
    """End the connections of threads that earlier tests have started: nobody may be in what is copied."""
    with _administration() as database:
        database.execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [template])


def _administer(statement: str, *names: str) -> None:
    with _administration() as database:
        database.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _administration() -> "psycopg.Connection[Any]":
    told = connection.settings_dict
    return psycopg.connect(
        host=told["HOST"] or None,
        port=told["PORT"] or None,
        user=told["USER"] or None,
        password=told["PASSWORD"] or None,
        dbname="postgres",
        autocommit=True,
    )


def _fill() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
        cursor.execute("SET maintenance_work_mem = '512MB'")
        cursor.execute("SET session_replication_role = replica")  # no triggers, and no look at each client
        made_later = _without_indexes(cursor)
        _insert(cursor, Client, _CLIENTS, f"generate_series(1, {CLIENTS}) AS n")
        _insert(cursor, User, _USERS, f"generate_series(1, {USERS}) AS n, LATERAL (VALUES ({_NAME})) AS named (name)")
        for statement in made_later:
            cursor.execute(statement)
        cursor.execute(
            "INSERT INTO accounts_user_groups (user_id, group_id) SELECT n * 500, id FROM"
            " generate_series(1, 1000) AS n, auth_group WHERE name = 'guest'"
        )
        cursor.execute(
            "INSERT INTO accounts_team (id, client_id, name, name_folded, join_by_default, version,"
            " created_at, updated_at) VALUES (1, 1, 'Team', 'team', false, 1, now(), now())"
        )
        cursor.execute(
            "INSERT INTO accounts_membership (user_id, team_id, created_at) SELECT n * 700, 1, now()"
            " FROM generate_series(1, 1000) AS n"
        )
        cursor.execute("SET session_replication_role = origin")
        counts.mend("default")
        cursor.execute("VACUUM ANALYZE")


def _without_indexes(cursor: Any) -> list[str]:
    """Drop what would be looked at or written for each row; gives what makes the indexes again. Those of a unique
    constraint come back without it, as they serve alike."""
    cursor.execute(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint WHERE contype IN ('c', 'u', 'f')"
        " AND 'accounts_user'::regclass IN (conrelid, confrelid)"
    )
    constraints = cursor.fetchall()
    cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'accounts_user'")
    indexes = {name: text for name, text in cursor.fetchall() if not name.endswith("_pkey")}
    for table, name in constraints:
        cursor.execute(f'ALTER TABLE {table} DROP CONSTRAINT "{name}"')
    cursor.execute("ALTER TABLE accounts_user SET UNLOGGED")
    for name in indexes:
        cursor.execute(f'DROP INDEX IF EXISTS "{name}"')
    return list(indexes.values())


def _insert(cursor: Any, model: Any, made: dict[str, str], source: str) -> None:
    """Insert a row for each of `source`: columns as `made` has them, else their default."""
    expressions, values = [], []
    for field in model._meta.concrete_fields:
        if field.column in made:
            expressions.append(made[field.column].replace("%", "%%"))
        else:
            value = field.get_default()
            expressions.append("%s")
            values.append(Jsonb(value) if isinstance(value, dict) else value)
    columns = ", ".join(f'"{field.column}"' for field in model._meta.concrete_fields)
    cursor.execute(
        f"INSERT INTO {model._meta.db_table} ({columns}) SELECT {', '.join(expressions)}"  # noqa: S608
        f" FROM {source.replace('%', '%%')}",
        values,
    )
