"""The migrations make the schema that the models say."""

from importlib import import_module
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from accounts import counts
from accounts.models import User
from accounts.tests.factories import AdministratorFactory, UserFactory
from usermgmt.columns import FoldedField

OURS = ("accounts", "clients", "forms", "usermgmt")
FOLDED = [
    (model._meta.db_table, column.column)
    for app in OURS
    for model in apps.get_app_config(app).get_models()
    for column in model._meta.concrete_fields
    if isinstance(column, FoldedField)
]


def test_no_migration_is_missing(db):
    said = StringIO()
    call_command("makemigrations", "--check", "--dry-run", stdout=said)
    assert said.getvalue() == "No changes detected\n"


@pytest.mark.parametrize("app", OURS)
def test_they_are_one_line_and_each_name_says_what_it_does(app):
    loader = MigrationLoader(None)
    assert len(loader.graph.leaf_nodes(app)) == 1
    names = sorted(name for label, name in loader.disk_migrations if label == app)
    assert [int(name[:4]) for name in names] == list(range(1, len(names) + 1))
    assert not [name for name in names if "auto" in name or "alter_" in name]


def test_every_folded_column_compares_bytes(db):
    assert len(FOLDED) == 8
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT table_name, column_name FROM information_schema.columns WHERE collation_name = 'C'")
            assert set(cursor.fetchall()) >= {*FOLDED, ("accounts_user", "email")}
        else:  # SQLite does unless a column says otherwise
            cursor.execute("SELECT count(*) FROM sqlite_master WHERE sql LIKE '%COLLATE%'")
            assert cursor.fetchone() == (0,)


def test_counters_wait_for_no_disk(db):
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SELECT relpersistence FROM pg_class WHERE relname = 'usermgmt_counter'")
            assert cursor.fetchone() == ("u",)
        else:
            cursor.execute("PRAGMA synchronous")
            assert cursor.fetchone() == (1,)  # NORMAL: a commit is not a wait for the disk (SQLite, WAL)


def migrate(*targets):
    executor = MigrationExecutor(connection)
    executor.migrate(list(targets) or executor.loader.graph.leaf_nodes())


@pytest.mark.django_db(transaction=True)
def test_the_names_of_users_who_are_there_already_are_filled_in(monkeypatch):
    migration = import_module("accounts.migrations.0010_names_in_two_parts")
    monkeypatch.setattr(migration, "BATCH", 2)
    users = [
        AdministratorFactory(name="Ada Administrator"),
        UserFactory(name="Olga"),
        UserFactory(name="x" * 255),
        UserFactory(name="Stan Stranger", given_name="Stanley", custom_fields={"a": 1}),
        UserFactory(name="Otto von Outsider"),
    ]
    columns = ("pk", "first_name_shown", "last_name_shown", "updated_at", "version")
    before = list(User.objects.order_by("pk").values_list(*columns))
    try:
        migrate(("accounts", "0009_roles_under_their_name"))
    finally:
        migrate()
    assert list(User.objects.order_by("pk").values_list(*columns)) == before
    assert [user.pk for user in users] == [row[0] for row in before]
    assert [row[1:3] for row in before[:2]] == [("Ada", "Administrator"), ("Olga", "Olga")]
    assert before[2][1:3] == ("x" * 100, "x" * 100)
    assert [row[1:3] for row in before[3:]] == [("Stanley", "Stranger"), ("Otto", "von Outsider")]


@pytest.mark.django_db(transaction=True)
def test_users_who_are_there_already_have_no_records_and_are_otherwise_as_they_were():
    users = [AdministratorFactory(), AdministratorFactory(), UserFactory(custom_fields={"a": 1}), UserFactory()]
    before = list(User.objects.order_by("pk").values())
    assert [user.pk for user in users] == [row["id"] for row in before]
    try:
        migrate(("accounts", "0010_names_in_two_parts"))
    finally:
        migrate()
    assert list(User.objects.order_by("pk").values()) == before
    new = ("external_id", "featured", "public_profile", "properties")
    assert set(User.objects.values_list(*new[:3])) == {("", False, False)}
    assert [user.properties for user in User.objects.all()] == [{}] * len(users)


@pytest.mark.django_db(transaction=True)
def test_users_who_are_there_already_are_counted():
    UserFactory.create_batch(3)
    UserFactory(is_active=False)
    AdministratorFactory()
    try:
        migrate(("accounts", "0011_records_of_users"))
        User.objects.filter(is_active=False).update(is_active=True)
    finally:
        migrate()
    assert (User.objects.filter(is_active=True).count(), counts.differences("default")) == (5, [])
    UserFactory()
    assert (User.objects.count(), counts.differences("default")) == (6, [])
