"""The rows that are loaded are rows that the directory would have made."""

import pytest
import time_machine

from accounts import passwords
from accounts.models import User
from benchmarks.load import (
    ADMINISTRATOR_ID,
    FIRST_ID,
    columns_of,
    email_of,
    family_name_of,
    line_of,
    lines,
    people,
    row_of,
)
from benchmarks.sides import OPERATIONS, PEERS, middle_page
from clients.models import Client


@pytest.fixture
def loaded(db):
    """Ten users as the loader makes them, saved without the service."""
    for number in (1, 2):
        Client.objects.create(id=number, name=f"Client {number}")
    columns = columns_of(User)
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


@pytest.mark.parametrize("model", [User, Client])
def test_what_computed_columns_are_made_of_comes_before_them(model):
    seen = set()
    for column in columns_of(model):
        assert seen.issuperset(getattr(column, "sources", ()))
        seen.add(column.name)


@time_machine.travel("2026-11-21T12:00:00Z", tick=False)
def test_the_lines_that_are_filled_in_are_those_of_the_rows():
    columns = columns_of(User)
    plain = [line_of(row_of(columns, given)) for given in people(50, 2, "a$10%\\hash")]
    assert list(lines(columns, 50, 2, "a$10%\\hash")) == plain


def test_a_family_name_is_nobody_elses_nor_a_part_of_it():
    names = [family_name_of(user_id).lower() for user_id in range(1, 5001)]
    together = " ".join(names)
    assert all(together.count(name) == 1 for name in names[:500])


def test_the_page_in_the_middle_is_there_at_every_size():
    assert [middle_page(users) for users in (10, 50, 1000, 1_000_000)] == [1, 1, 20, 20_000]


def test_a_reference_is_asked_nothing_that_the_directory_is_not():
    for side in PEERS.values():
        assert side.operations.keys() <= OPERATIONS.keys()
