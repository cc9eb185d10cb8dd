"""How many users there are, in all and of each client, active and not: kept by the database itself, by triggers
(migration 0012), so that no list counts a million rows. It is exact whatever writes users, and after what is rolled
back."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connections, transaction
from django.db.models import BigIntegerField
from django.db.models.expressions import Col
from django.db.models.sql.query import Query
from django.db.models.sql.where import AND, WhereNode

MAX_CLIENTS = 100  # in one question; beyond, counting is no worse
_ADMINISTRATORS = 0  # the client of who has none; no client has this number

_TRUE = """
    SELECT 0 AS level, 0 AS client_id, is_active, count(*) AS number FROM accounts_user GROUP BY is_active
    UNION ALL
    SELECT 1, coalesce(client_id, 0), is_active, count(*) FROM accounts_user GROUP BY coalesce(client_id, 0), is_active
"""
# In one statement, so that nobody writes in between.
_DIFFERENCES = f"""
    SELECT level, client_id, is_active, sum(kept), sum(so) FROM (
        SELECT level, client_id, is_active, number AS kept, 0 AS so FROM accounts_kept_count
        UNION ALL
        SELECT level, client_id, is_active, 0, number FROM ({_TRUE}) AS counted
    ) AS both_of_them
    GROUP BY level, client_id, is_active HAVING sum(kept) <> sum(so) ORDER BY level, client_id, is_active
"""  # noqa: S608  # nothing here comes from anybody


@dataclass(frozen=True, slots=True)
class Difference:
    """A group whose number is kept wrongly. client_id: None: of the whole directory; 0: of administrators."""

    client_id: int | None
    active: bool
    kept: int
    so: int


@dataclass(frozen=True, slots=True)
class Group:
    """Users whose number is kept. clients: of these alone; None: of any. active: whether they are; None: any."""

    clients: frozenset[int] | None = None
    active: bool | None = None


def group_of(query: Query) -> Group | None:
    """The group that a query of users asks for; None where it asks for anything else than client and state."""
    if query.is_sliced or query.distinct or query.combinator or query.annotations or query.extra:
        return None
    return _narrowed(query.where)


def number_of(group: Group, using: str) -> int:
    """How many there are in a group."""
    wanted, values = ["level = %s"], [0 if group.clients is None else 1]
    if group.clients is not None:
        clients = [number for number in sorted(group.clients) if 0 <= number <= BigIntegerField.MAX_BIGINT]
        if not clients:
            return 0
        wanted.append(f"client_id IN ({', '.join(['%s'] * len(clients))})")
        values += clients
    if group.active is not None:
        wanted.append("is_active = %s")
        values.append(group.active)
    sql = f"SELECT coalesce(sum(number), 0) FROM accounts_kept_count WHERE {' AND '.join(wanted)}"  # noqa: S608
    with connections[using].cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.fetchone()[0])


def differences(using: str) -> list[Difference]:
    """Where what is kept is not so."""
    with connections[using].cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        return [
            Difference(client_id if level else None, bool(active), int(kept), int(so))
            for level, client_id, active, kept, so in cursor.fetchall()
        ]


def mend(using: str) -> None:
    """Count anew; whoever makes, moves or deletes users waits meanwhile."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM accounts_kept_count")
        cursor.execute(f"INSERT INTO accounts_kept_count (level, client_id, is_active, number) {_TRUE}")


def _narrowed(where: WhereNode) -> Group | None:
    if where.negated or (where.connector != AND and len(where.children) > 1):
        return None
    clients: frozenset[int] | None = None
    active: bool | None = None
    for child in where.children:
        told = _told(child)
        if told is None:
            return None
        if isinstance(told, bool):
            if active not in (None, told):
                return Group(clients=frozenset())
            active = told
        else:
            clients = told if clients is None else clients & told
    return None if clients is not None and len(clients) > MAX_CLIENTS else Group(clients, active)


def _told(lookup: Any) -> bool | frozenset[int] | None:
    """What a lookup says of the state, or of the client; None for any other one."""
    column = getattr(lookup, "lhs", None)
    if not isinstance(column, Col) or column.alias != "accounts_user":
        return None
    name, kind, value = column.target.name, lookup.lookup_name, lookup.rhs
    match name, kind, value:
        case "is_active", "exact", bool():
            return value
        case "client", "exact", int():
            return frozenset([value])
        case "client", "isnull", True:
            return frozenset([_ADMINISTRATORS])
        case "client", "in", _ if _are_numbers(value):
            return frozenset(value)
        case _:
            return None


def _are_numbers(values: Any) -> bool:
    """Whether it is a plain list of numbers, none of which stands for administrators."""
    plain = isinstance(values, Collection) and not isinstance(values, str)
    return plain and all(isinstance(value, int) and value != _ADMINISTRATORS for value in values)
