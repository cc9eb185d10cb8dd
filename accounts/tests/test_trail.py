"""The database itself keeps the audit trail: no door changes or deletes a row (DESIGN 2, "Audit")."""

import io
import sqlite3

import pytest
from django.core import serializers
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import IntegrityError, connection, models, transaction

from accounts import trail
from accounts.models import Event, User
from accounts.models.event import AppendOnly
from accounts.services import users
from usermgmt import audit

REFUSED = (AppendOnly, IntegrityError)


@pytest.fixture
def event(cast):
    audit.record(actor=cast.administrator, action="user.updated", target=("user", 7), changes={"name": ("A", "B")})
    return Event.objects.get()


def sql(statement):
    with connection.cursor() as cursor:
        cursor.execute(statement)


def rows():
    return list(Event.objects.order_by("pk").values())


DOORS = {
    "SQL update": lambda event: sql("UPDATE accounts_event SET action = 'x'"),
    "SQL delete": lambda event: sql("DELETE FROM accounts_event"),
    "a query set of none of ours": lambda event: models.QuerySet(Event).update(action="x"),
    "its delete": lambda event: models.QuerySet(Event).delete(),
    "the base manager": lambda event: Event._base_manager.update(action="x"),
    "the base manager's delete": lambda event: Event._base_manager.all().delete(),
    "the default manager": lambda event: Event._default_manager.update(action="x"),
    "below the query set": lambda event: Event.objects.all()._raw_delete(connection.alias),
    "in bulk": lambda event: models.QuerySet(Event).bulk_update([event], ["action"]),
    "by conflict": lambda event: models.QuerySet(Event).bulk_create(
        [event], update_conflicts=True, update_fields=["action"], unique_fields=["id"]
    ),
    "below save": lambda event: event.save_base(force_update=True),
    "a fixture": lambda event: next(serializers.deserialize("json", serializers.serialize("json", [event]))).save(),
    "another number for it": lambda event: sql("UPDATE accounts_event SET id = id + 1"),
}


@pytest.mark.parametrize("door", DOORS)
def test_no_door_changes_or_deletes_a_row(event, door):
    before = rows()
    event.action = "user.created"
    with pytest.raises(REFUSED, match="append-only"), transaction.atomic():
        DOORS[door](event)
    assert rows() == before


@pytest.mark.parametrize(
    "change",
    [
        "action = 'x'", "at = '2020-01-01 00:00:00'", "contract = 'x'", "actor_id = NULL", "actor_id = 1234567",
        "target_kind = 'x'", "target_id = NULL", "target_id = 8", "request_id = 'x'", "id = id + 1",
    ],
)  # fmt: skip
def test_an_erasure_changes_what_is_personal_and_nothing_else(event, change):
    before = rows()
    with pytest.raises(IntegrityError, match="append-only"), trail.opened(trail.ERASING):
        sql(f"UPDATE accounts_event SET {change}")  # noqa: S608
    assert rows() == before
    with trail.opened(trail.ERASING):
        models.QuerySet(Event).update(changes={}, address=None)
    assert rows() == [{**before[0], "changes": {}, "address": None}]


def test_an_erasure_deletes_nothing(event):
    with pytest.raises(IntegrityError, match="append-only"), trail.opened(trail.ERASING):
        sql("DELETE FROM accounts_event")
    assert Event.objects.count() == 1


def test_the_lock_closes_with_the_purpose_in_the_midst_of_a_transaction(event):
    with transaction.atomic():
        with trail.opened(trail.ERASING):
            models.QuerySet(Event).update(address="192.0.2.1")
        with pytest.raises(IntegrityError), transaction.atomic():
            models.QuerySet(Event).update(address="192.0.2.2")
    with pytest.raises(KeyError), trail.opened(trail.ERASING):
        raise KeyError
    with pytest.raises(IntegrityError), transaction.atomic():
        models.QuerySet(Event).update(address="192.0.2.2")
    assert Event.objects.get().address == "192.0.2.1"


def test_the_rows_of_a_deleted_user_stay(cast):
    users.update(actor=cast.administrator, user_id=cast.owner.pk, name="Olga New")
    before = rows()
    users.delete(actor=cast.administrator, user_id=cast.owner.pk)
    assert rows()[:-1] == before
    assert not User.objects.filter(pk=cast.owner.pk).exists()


def test_no_foreign_key_can_take_a_row_along():
    assert not [field for field in Event._meta.get_fields() if field.is_relation]


@pytest.mark.django_db(transaction=True)
def test_what_connects_without_the_directory_changes_nothing_either(django_db_setup):
    audit.record(actor=None, action="user.updated", target=("user", 7))
    if connection.vendor == "sqlite":
        with sqlite3.connect(connection.settings_dict["NAME"]) as stranger:
            for statement in ("UPDATE accounts_event SET action = 'x'", "DELETE FROM accounts_event"):
                with pytest.raises(sqlite3.OperationalError, match="no such function"):
                    stranger.execute(statement)
        stranger.close()
    else:
        connection.close()  # the next one was told nothing
        with pytest.raises(IntegrityError):
            sql("DELETE FROM accounts_event")
    assert [row["action"] for row in rows()] == ["user.updated"]


def test_in_service_no_command_empties_the_trail(event, settings):
    settings.DEVELOPMENT = settings.DEBUG = False
    with pytest.raises(CommandError, match="nothing empties the audit trail"):
        call_command("flush", interactive=False, stdout=io.StringIO())
    assert Event.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_in_a_development_run_the_whole_database_can_be_emptied():
    audit.record(actor=None, action="user.updated", target=("user", 7))
    call_command("flush", interactive=False, stdout=io.StringIO())
    assert not Event.objects.exists()
