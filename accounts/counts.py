"""How many users there are, in all, of each client and in each block of numbers, active and not: kept by the database
itself, by triggers (migrations 0012 and 0013), so that no list counts a million rows, nor passes over half of them to
show a page in the middle. It is exact whatever writes users, and after what is rolled back."""

from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from typing import Any

from django.db import connections, transaction
from django.db.models import BigIntegerField
from django.db.models.expressions import Col
from django.db.models.sql.query import Query
from django.db.models.sql.where import AND, WhereNode

from usermgmt import prepared

MAX_CLIENTS = 100  # in one question; beyond, counting is no worse
BLOCK_BITS, LARGE_BITS = 10, 15  # a block is of 1,024 numbers of users, a large one of 32 blocks
_ADMINISTRATORS = 0  # the client of who has none; no client has this number

_OF_ALL, _OF_CLIENT, _OF_BLOCK, _OF_LARGE_BLOCK = range(4)  # `level`; `client_id` is the client, or the block
_TRUE = """
    SELECT 0 AS level, 0 AS client_id, is_active, count(*) AS number FROM accounts_user GROUP BY is_active
    UNION ALL
    SELECT 1, coalesce(client_id, 0), is_active, count(*) FROM accounts_user GROUP BY coalesce(client_id, 0), is_active
    UNION ALL
    SELECT 2, id >> 10, is_active, count(*) FROM accounts_user GROUP BY id >> 10, is_active
    UNION ALL
    SELECT 3, id >> 15, is_active, count(*) FROM accounts_user GROUP BY id >> 15, is_active
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


# The large block that the place is in, then the block within it; in one statement, so of one moment. Numbers of 64 bits
# PostgreSQL would add up as `numeric`, which takes it twice as long; a block has no more users than numbers.
_BLOCK = """
    WITH large AS (
        SELECT block, before FROM (
            SELECT client_id AS block, number, sum(number) OVER {up_to} - number AS before FROM (
                SELECT client_id, CAST(sum(number) AS integer) AS number
                FROM accounts_kept_count WHERE level = 3 AND is_active IN ({states}) GROUP BY client_id
            ) AS blocks
        ) AS added WHERE before <= %s AND %s < before + number
    )
    SELECT block, before FROM (
        SELECT client_id AS block, number,
            (SELECT before FROM large) + sum(number) OVER {up_to} - number AS before
        FROM (
            SELECT client_id, CAST(sum(number) AS integer) AS number
            FROM accounts_kept_count
            WHERE level = 2 AND client_id >= (SELECT block * 32 FROM large)
                AND client_id <= (SELECT block * 32 + 31 FROM large) AND is_active IN ({states})
            GROUP BY client_id
        ) AS blocks
    ) AS added WHERE before <= %s AND %s < before + number
"""
_UP_TO = "(ORDER BY client_id {way} ROWS UNBOUNDED PRECEDING)"


@dataclass(frozen=True, slots=True)
class Difference:
    """A group whose number is kept wrongly. client_id: of its clients, 0: of administrators. first, last: of the
    numbers of a block. None: of any."""

    active: bool
    kept: int
    so: int
    client_id: int | None = None
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Users whose number is kept. clients: of these alone, 0 for none; None: of any. active: whether they are; None:
    any. regular: of whatever client, but of one."""

    clients: frozenset[int] | None = None
    active: bool | None = None
    regular: bool = False


def group_of(query: Query) -> Group | None:
    """The group that a query of users asks for; None where it asks for anything else than client and state."""
    if query.is_sliced or query.distinct or query.combinator or query.annotations or query.extra:
        return None
    return _narrowed(query.where)


def number_of(group: Group, using: str) -> int:
    """How many there are in a group."""
    if group.regular:
        administrators = Group(frozenset([_ADMINISTRATORS]), group.active)
        return number_of(Group(active=group.active), using) - number_of(administrators, using)
    wanted, values = ["level = %s"], [_OF_ALL if group.clients is None else _OF_CLIENT]
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
    ((number,),) = prepared.found(connections[using], sql, values)
    return int(number)


def block_at(place: int, active: bool | None, descending: bool, using: str) -> tuple[int, int] | None:
    """The number of the block of the user who stands at a place, from 0, of all users in the order of their numbers,
    and how many stand before that block; None where nobody stands. active: of those alone; None: of all."""
    states = [True, False] if active is None else [active]
    up_to = _UP_TO.format(way="DESC" if descending else "ASC")
    sql = _BLOCK.format(up_to=up_to, states=", ".join(["%s"] * len(states)))
    blocks = prepared.found(connections[using], sql, [*states, place, place, *states, place, place])
    return (int(blocks[0][0]), int(blocks[0][1])) if blocks else None


def differences(using: str) -> list[Difference]:
    """Where what is kept is not so."""
    with connections[using].cursor() as cursor:
        cursor.execute(_DIFFERENCES)
        return [
            Difference(bool(active), int(kept), int(so), **_place(int(level), int(number)))
            for level, number, active, kept, so in cursor.fetchall()
        ]


def _place(level: int, number: int) -> dict[str, int]:
    if level < _OF_BLOCK:
        return {"client_id": number} if level == _OF_CLIENT else {}
    size = 1 << (BLOCK_BITS if level == _OF_BLOCK else LARGE_BITS)
    return {"first": number * size, "last": (number + 1) * size - 1}


def mend(using: str) -> None:
    """Count anew; whoever makes, moves or deletes users waits meanwhile."""
    connection = connections[using]
    with transaction.atomic(using=using), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("LOCK TABLE accounts_user IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("DELETE FROM accounts_kept_count")
        cursor.execute(f"INSERT INTO accounts_kept_count (level, client_id, is_active, number) {_TRUE}")


def _narrowed(where: Any) -> Group | None:
    """The group of a lookup, or of a tree of them."""
    if not isinstance(where, WhereNode):
        return _told(where)
    groups = [group for child in where.children if (group := _narrowed(child)) is not None]
    if where.negated or len(groups) < len(where.children):
        return None
    if where.connector == AND or len(groups) == 1:
        together = reduce(_both, groups, Group())
    else:
        clients = [group.clients for group in groups if group.clients is not None and group.active is None]
        if len(clients) < len(groups):
            return None
        together = Group(frozenset().union(*clients))
    return None if together.clients is not None and len(together.clients) > MAX_CLIENTS else together


def _both(one: Group, other: Group) -> Group:
    """Whoever is in both."""
    if one.active is not None and other.active is not None and one.active != other.active:
        return Group(clients=frozenset())
    if one.clients is not None and other.clients is not None:
        clients: frozenset[int] | None = one.clients & other.clients
    else:
        clients = other.clients if one.clients is None else one.clients
    active = other.active if one.active is None else one.active
    regular = one.regular or other.regular
    if regular and clients is not None:
        return Group(clients - {_ADMINISTRATORS}, active)
    return Group(clients, active, regular)


def _told(lookup: Any) -> Group | None:
    """What a lookup says of the state, or of the client; None for any other one."""
    column = getattr(lookup, "lhs", None)
    if not isinstance(column, Col) or column.alias != "accounts_user":
        return None
    name, kind, value = column.target.name, lookup.lookup_name, lookup.rhs
    match name, kind, value:
        case "id", "isnull", False:  # which none is
            return Group()
        case "is_active", "exact", bool():
            return Group(active=value)
        case "client", "exact", int() if value != _ADMINISTRATORS:
            return Group(frozenset([value]))
        case "client", "isnull", bool():
            return Group(frozenset([_ADMINISTRATORS])) if value else Group(regular=True)
        case "client", "in", _ if _are_numbers(value):
            return Group(frozenset(value))
        case _:
            return None


def _are_numbers(values: Any) -> bool:
    """Whether it is a plain list of numbers, none of which stands for administrators."""
    plain = isinstance(values, Collection) and not isinstance(values, str)
    return plain and all(isinstance(value, int) and value != _ADMINISTRATORS for value in values)
