"""The rule `unique` (contract 4): whether somebody else of the client has a value already.

Addresses are nobody else's in the whole directory; of the records of a user, those of other users count.
"""

import json
from collections.abc import Sequence
from typing import Any

from django.db import connection
from django.db.models import Model, Q
from django.db.models.fields.json import KeyTransform

from accounts.models import Relationship, Transactable, User, UserProfile
from accounts.profile import is_same
from clients.models import Client
from usermgmt.dialects.forms.errors import told
from usermgmt.dialects.forms.mapping import ARGUMENTS
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.rules.form import Unique
from usermgmt.dialects.forms.rules.vocabulary import PROPERTIES
from usermgmt.errors import Fault, Invalid

_RECORDS: dict[str, type[UserProfile | Relationship | Transactable]] = {
    "profiles": UserProfile,
    "relationship_users": Relationship,
    "transactables": Transactable,
}


def faults_of(uniques: Sequence[Unique], *, client_id: int | None, user_id: int | None) -> list[Fault]:
    """Those of the values that somebody else has. user_id: whose they are to be; None: of a user to be made."""
    taken = [unique for unique in uniques if _is_taken(unique, client_id, user_id)]
    return told({unique.key: [unique.message] for unique in taken})


def check(uniques: Sequence[Unique], user: User) -> None:
    """Raise Invalid if somebody else has one of the values, in the transaction that writes them: no two such
    transactions of one client run at once."""
    if not uniques:
        return
    if user.client_id is not None:
        Client.objects.select_for_update(no_key=True).get(pk=user.client_id)
    else:  # administrators have no row of their own to stand in line for
        FormConfiguration.objects.select_for_update(no_key=True).first()
    faults = faults_of(uniques, client_id=user.client_id, user_id=user.pk)
    if faults:
        raise Invalid(faults)


def _is_taken(unique: Unique, client_id: int | None, user_id: int | None) -> bool:
    """Whether another user has the value, and that of each field in its scope."""
    if unique.path == ("email",):
        return bool(User.objects.with_email(str(unique.value)).exclude(pk=user_id).exists())
    record = _RECORDS.get(unique.path[0])
    if record is None:
        rows: Any = User.objects.filter(client_id=client_id).exclude(pk=user_id)
    else:
        records: Any = record._default_manager
        rows = records.filter(user__client_id=client_id, type__name=unique.path[1]).exclude(user_id=user_id)
    properties = []
    for number, (path, value) in enumerate({unique.path: unique.value, **unique.scope}.items()):
        whose = "user__" if record is not None and path[0] not in _RECORDS else ""
        name = path[2:] if path[0] in _RECORDS else path
        if name[0] == PROPERTIES:
            column = f"{whose}{PROPERTIES}"
            properties.append((column, name[1], value))
            rows = rows.alias(**{f"judged_{number}": _Property(name[1], column)}).filter(
                _has(f"judged_{number}", column, name[1], value)
            )
        else:
            model = User if whose or record is None else record
            rows = rows.filter(**{f"{whose}{_column(name[0])}__in": _kept(model, name[0], value)})
    if not properties:
        return bool(rows.exists())
    # SQLite takes true and "true" for one value.
    found = rows.values(*{column for column, _, _ in properties})
    return any(all(is_same(row[column].get(name), value) for column, name, value in properties) for row in found)


def _has(alias: str, column: str, name: str, value: Any) -> Q:
    """That a property has the value; one that is not there is null."""
    if isinstance(value, list | dict) and connection.vendor == "sqlite":
        # It compares texts, in which keys have an order, and 1 is not 1.0: whose are the same is seen afterwards.
        return Q(**{f"{column}__has_key": name})
    same = Q(**{alias: value})
    return same if value is not None else same | ~Q(**{f"{column}__has_key": name})


def _column(name: str) -> str:
    return "related_user_id" if name == "user_id" else ARGUMENTS.get(name, name)


def _kept(model: type[Model], name: str, value: Any) -> set[Any]:
    """What the services may keep of a value: most texts trimmed; where nothing was sent, what a column starts with."""
    if value is None:
        field: Any = model._meta.get_field(_column(name))
        return {field.get_default()}
    return {value, value.strip()} if isinstance(value, str) else {value}


class _Property(KeyTransform):
    """The value of a property, whatever it is called; to Django's own "0" is a place in a list."""

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, tuple[Any, ...]]:
        column, values = compiler.compile(self.lhs)
        path = f"$.{json.dumps(self.key_name)}"
        kinds = ", ".join(map(repr, connection.ops.jsonfield_datatype_values))
        text = f"CASE WHEN JSON_TYPE({column}, %s) IN ({kinds}) THEN JSON_TYPE({column}, %s)"
        return f"({text} ELSE JSON_EXTRACT({column}, %s) END)", (*values, path) * 3

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, tuple[Any, ...]]:
        column, values = compiler.compile(self.lhs)
        return f"({column} -> %s)", (*values, self.key_name)
