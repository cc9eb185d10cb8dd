"""The rows that are loaded are rows that the directory would have made."""

import pytest

from accounts import passwords
from accounts.models import User
from benchmarks.load import ADMINISTRATOR_ID, FIRST_ID, email_of, people, row_of
from benchmarks.sides import OPERATIONS
from clients.models import Client


@pytest.fixture
def loaded(db):
    """Ten users as the loader makes them, saved without the service."""
    for number in (1, 2):
        Client.objects.create(id=number, name=f"Client {number}")
    columns = sorted(User._meta.concrete_fields, key=lambda column: hasattr(column, "compute"))
    rows = [row_of(columns, given) for given in people(10, 2, passwords.hashed("correct horse battery staple"))]
    return [dict(zip([column.attname for column in columns], row, strict=True)) for row in rows]


def test_a_loaded_row_is_the_row_that_a_save_would_write(loaded):
    for row in loaded:
        user = User(**row)
        user.full_clean()  # every constraint
        user.save(force_insert=True)
        written = User.objects.values(*row).get(pk=user.pk)
        assert written == row
    assert User.objects.count() == 10


def test_the_first_is_the_one_administrator(loaded):
    assert [row["id"] for row in loaded if row["is_superuser"]] == [ADMINISTRATOR_ID]
    assert loaded[0]["client_id"] is None
    assert all(row["client_id"] for row in loaded[1:])


def test_the_load_signs_in_as_users_that_are_loaded(loaded):
    template = OPERATIONS["sign in"].body["email"]
    assert [row["email"] for row in loaded[1:]] == [
        template.replace("{id}", str(user_id)) for user_id in range(FIRST_ID, 11)
    ]
    assert loaded[0]["email"] == email_of(ADMINISTRATOR_ID)
