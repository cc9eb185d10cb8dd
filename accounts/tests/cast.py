"""The rows of the cast. Nearly every test has them, so whatever is the same each time is worked out once."""

import json
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from django.db import connection, models
from django.utils import timezone

from accounts.tests.factories import AdministratorFactory, UserFactory
from clients.tests.factories import ClientFactory


class Drafts:
    """Rows that are written again and again by one statement. To make that, and the rows, takes `bulk_create` and
    factories far longer than it takes the database to run it. fresh: the columns whose values are told each time."""

    def __init__(self, rows: Iterable[models.Model], *fresh: str) -> None:
        rows = list(rows)
        self._model = type(rows[0])
        meta, quote = self._model._meta, connection.ops.quote_name
        fields = [field for field in meta.concrete_fields if not field.primary_key]
        self._open = [
            (number, field)
            for number in range(len(rows))
            for field in fields
            if field.column in fresh or field.default is timezone.now
        ]
        written = [
            ", ".join(
                "%s" if (number, field) in self._open else _literal(field.pre_save(row, add=True)) for field in fields
            )
            for number, row in enumerate(rows)
        ]
        self._statement = (
            f"INSERT INTO {quote(meta.db_table)} ({', '.join(quote(field.column) for field in fields)})"  # noqa: S608
            f" VALUES {', '.join(f'({row})' for row in written)} RETURNING *"
        )

    def written(self, **fresh: list[Any]) -> list[Any]:
        """The rows, in the database as of now; fresh: the values of a column, row by row."""
        values = [
            fresh[field.column][number] if field.column in fresh else field.get_db_prep_save(timezone.now(), connection)
            for number, field in self._open
        ]
        return list(self._model._default_manager.raw(self._statement, values))


def _literal(value: Any) -> str:
    """A value as SQL has it: of a few parameters a driver makes less than of two hundred."""
    if value is None or isinstance(value, bool | int):
        return "NULL" if value is None else str(value).upper()
    text = (value if isinstance(value, str) else json.dumps(value)).replace("'", "''").replace("%", "%%")
    return f"'{text}'"


class Cast:
    """Everyone, drafted; see the fixture `cast`."""

    def __init__(self) -> None:
        clients = {key: ClientFactory.build(name=name) for key, name in (("acme", "Acme"), ("globex", "Globex"))}
        acme, globex = clients.values()
        people = {
            "administrator": AdministratorFactory.build(name="Ada Administrator", email="ada@example.com"),
            "spare": AdministratorFactory.build(name="Sam Spare", email="sam@example.com"),
            "owner": UserFactory.build(name="Olga Owner", email="olga@example.com", client=acme),
            "stranger": UserFactory.build(name="Stan Stranger", email="stan@example.com", client=acme),
            "outsider": UserFactory.build(name="Otto Outsider", email="otto@example.com", client=globex),
            "disabled": UserFactory.build(name="Dora Disabled", email="dora@example.com", client=acme, is_active=False),
        }
        self._clients, self._people = list(clients), list(people)
        self._employers = [user.client and list(clients.values()).index(user.client) for user in people.values()]
        self._drafted_clients, self._drafted_people = Drafts(clients.values()), Drafts(people.values(), "client_id")

    def enters(self) -> SimpleNamespace:
        """Everyone, in the database."""
        clients = self._drafted_clients.written()
        employers = [None if number is None else clients[number] for number in self._employers]
        people = self._drafted_people.written(client_id=[client and client.pk for client in employers])
        for user, client in zip(people, employers, strict=True):
            user.client = client
        names = [*self._clients, *self._people]
        return SimpleNamespace(**dict(zip(names, [*clients, *people], strict=True)))
