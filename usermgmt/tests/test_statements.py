"""Queries whose SQL is written once find what their querysets find; rows are written as Django writes them."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, connections, router, transaction
from django.db.transaction import TransactionManagementError
from django.test.utils import CaptureQueriesContext
from django.utils.connection import ConnectionDoesNotExist

from accounts.models import Event, SignIn, User
from accounts.tests.factories import AdministratorFactory, UserFactory
from clients.tests.factories import ClientFactory
from usermgmt import statements
from usermgmt.statements import Statement

LATER = timedelta(days=1)


def by_number():
    return Statement(lambda pk: User.objects.select_related("client").filter(pk=pk, is_active=True), pk=int)


def columns(user):
    return {field.attname: getattr(user, field.attname) for field in User._meta.concrete_fields}


def test_a_row_is_a_model_as_django_makes_it(db):
    made = [
        UserFactory(custom_fields={"a": [1, {"b": None}]}, featured=True, last_login=datetime(2026, 1, 2, tzinfo=UTC)),
        AdministratorFactory(),
    ]
    statement = by_number()
    for user in made:
        django = User.objects.select_related("client").get(pk=user.pk)
        found = statement.one(pk=user.pk)
        assert (type(found), columns(found)) == (User, columns(django))
        assert (found._state.db, found._state.adding, found == django) == ("default", False, True)
        with CaptureQueriesContext(connection) as captured:
            assert found.client == django.client
        assert not captured.captured_queries


def test_the_values_of_each_call_count_and_nobody_is_found_for_others(db):
    users, statement = UserFactory.create_batch(3), by_number()
    inactive = UserFactory(is_active=False)
    assert [statement.one(pk=user.pk) for user in users] == users
    for missing in (inactive.pk, 0, -1, 2**31, 2**63 - 1, 2**63, -(2**63) - 1, 10**100):
        assert statement.one(pk=missing) is None


def test_each_type_of_parameter(db):
    user = UserFactory(email="Anna.B@Example.com")
    statement = Statement(
        lambda email, now, client_id: User.objects.filter(
            email_canonical=email, created_at__lt=now, client_id=client_id, erased_at=None
        ),
        email=str,
        now=datetime,
        client_id=int,
    )
    told = {"email": user.email_canonical, "now": user.created_at + LATER, "client_id": user.client_id}
    assert statement.one(**told) == user
    for name, value in (
        ("email", "%s"),
        ("email", "' or 1=1 --"),
        ("now", user.created_at),
        ("client_id", user.client_id + 1),
    ):
        assert statement.one(**(told | {name: value})) is None


def test_the_sql_is_built_once(db):
    user, built = UserFactory(), []
    statement = Statement(lambda pk: built.append(pk) or User.objects.filter(pk=pk), pk=int)
    statement.one(pk=user.pk)
    before = len(built)
    with CaptureQueriesContext(connection) as captured:
        for _ in range(5):
            assert statement.one(pk=user.pk) == user
    assert (len(built), len({query["sql"] for query in captured.captured_queries})) == (before, 1)


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_its_own():
    user, statement = UserFactory(), by_number()

    def found(_):
        try:
            return statement.one(pk=user.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(found, range(20))) == {user}
    assert statement.one(pk=user.pk) == user


# Rows that are written


def stored_as(user):
    """The columns of a stored row as they are in the database."""
    return User.objects.filter(pk=user.pk).values().get()


def new_user(**values):
    user = UserFactory.build(client=None, is_superuser=True, password="!", **values)
    user.created_at = user.updated_at = datetime(2026, 1, 2, tzinfo=UTC)
    return user


TOLD = {
    "name": "Ada ÅNGSTRÖM",
    "email": "Ada@Example.COM",
    "username": "Ada.1",
    "custom_fields": {"a": [1, {"b": None}], "c": "ü"},
    "properties": {},
    "featured": True,
    "last_login": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
}


def test_a_new_row_is_stored_as_django_stores_it(db):
    ours, djangos = new_user(**TOLD), new_user(**TOLD)
    statements.insert(ours)
    there, shown = stored_as(ours), columns(ours)
    User.objects.filter(pk=ours.pk).delete()
    djangos.save(force_insert=True)

    assert there == stored_as(djangos) | {"id": ours.pk}
    assert shown == columns(djangos) | {"id": ours.pk}
    assert (ours._state.db, ours._state.adding) == (djangos._state.db, djangos._state.adding) == ("default", False)


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (["name"], {"name": "New Name"}),
        (["email", "username"], {"email": "New@Example.com", "username": "NEW"}),
        (
            ["last_login", "custom_fields", "featured"],
            {"last_login": None, "custom_fields": {"b": 1}, "featured": False},
        ),
        (["client_id", "is_superuser"], {"is_superuser": False}),
        (["password"], {"password": "pbkdf2_sha256$600000$salt$" + "A" * 43 + "="}),
    ],
    ids=" ".join,
)
def test_a_row_is_changed_as_django_changes_it(db, names, values):
    client = ClientFactory()
    there = []
    for change in (statements.update, lambda user, names: user.save(update_fields=names)):
        user = new_user(**TOLD)
        user.save()
        for name, value in values.items():
            setattr(user, name, value)
        if "client_id" in names:
            user.client = client
        change(user, names)
        there.append(stored_as(user) | {"id": None})
        assert columns(user) | {"id": None} == there[-1]
        user.delete()
    assert there[0] == there[1]


def test_nothing_but_what_is_named_is_written(db):
    user = UserFactory(name="Before", given_name="Before")
    user.name = user.given_name = "After"
    assert statements.update(user, ["given_name"]) is True
    assert User.objects.filter(pk=user.pk, name="Before", name_sorted="before", given_name="After").exists()


def test_who_is_gone_or_not_as_asked_is_not_written(db):
    user, erased = UserFactory(), UserFactory(erased_at=datetime(2026, 1, 2, tzinfo=UTC))
    for row in (user, erased):
        row.nickname = "New"
    assert statements.update(erased, ["nickname"], null=["erased_at"]) is False
    assert statements.update(user, ["nickname"], null=["erased_at"]) is True
    assert list(User.objects.filter(nickname="New")) == [user]
    user.delete()
    user.pk = 0
    assert statements.update(user, ["nickname"]) is False


def test_what_the_database_refuses_is_djangos_error(db):
    user = UserFactory()
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.insert(new_user(email=user.email))
    user.email = "none"
    with pytest.raises(IntegrityError), transaction.atomic():
        statements.update(user, ["email"])


def event_of(user, **values):
    return Event(**{"contract": "native", "action": "a.b", "target_kind": "user", "target_id": user.pk} | values)


@pytest.fixture(params=["within a transaction", "without one"])
def whichever(request):
    """A database within a transaction, and without one."""
    request.getfixturevalue("db" if request.param == "within a transaction" else "transactional_db")


def test_a_row_is_changed_and_others_stored_along_as_django_does_it(whichever):
    user = UserFactory(name="Before")
    user.name, user.last_login = "After", datetime(2026, 1, 2, tzinfo=UTC)
    told = {"changes": {"name": ["Before", "After"], "ü": None}, "address": "2001:db8::1", "actor_id": None}
    first, second = event_of(user, **told), event_of(user)
    opened = SignIn(user=user, jti="1", expires_at=user.last_login)
    assert statements.change(user, ["name", "last_login"], added=[first, opened, second]) is True
    assert stored_as(user) == columns(User.objects.get(pk=user.pk))
    assert (stored_as(user)["name_sorted"], stored_as(user)["last_login"]) == ("after", user.last_login)
    for row in (first, opened, second):
        assert (row._state.db, row._state.adding) == ("default", False)
        found = type(row).objects.get(pk=row.pk)
        assert {field.attname: getattr(found, field.attname) for field in row._meta.concrete_fields} == {
            field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields
        }
    assert first.pk != second.pk


def test_a_row_may_be_changed_alone_and_again(whichever):
    user = UserFactory(name="Before")
    for name in ("Once", "Twice"):
        user.name = name
        assert statements.change(user, ["name"]) is True
        assert stored_as(user)["name"] == name


def test_where_the_row_is_not_written_nothing_is(whichever):
    erased, gone = UserFactory(erased_at=datetime(2026, 1, 2, tzinfo=UTC)), UserFactory()
    User.objects.filter(pk=gone.pk).delete()
    for user in (erased, gone):
        user.nickname = "New"
        assert statements.change(user, ["nickname"], added=[event_of(user)], null=["erased_at"]) is False
    assert not Event.objects.exists()
    assert stored_as(erased)["nickname"] == ""


def test_where_a_row_along_is_refused_nothing_is_written_and_what_was_before_stays(whichever):
    user = UserFactory(nickname="Before")
    with statements.apart(User):
        User.objects.filter(pk=user.pk).update(bio="Before")
    user.nickname = "After"
    with pytest.raises(IntegrityError), statements.apart(User):
        statements.change(user, ["nickname"], added=[event_of(user), event_of(user, action=None)])
    assert (stored_as(user)["nickname"], stored_as(user)["bio"]) == ("Before", "Before")
    assert not Event.objects.exists()


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no marks of rows")
@pytest.mark.parametrize("change", [{"bio": "New"}, {"last_login": datetime(2026, 1, 2, tzinfo=UTC)}, {}])
def test_a_row_that_changed_since_it_was_read_is_not_written(whichever, change):
    pk = UserFactory(name="Before").pk
    marked = Statement(lambda pk: statements.marked(User.objects.select_related("client").filter(pk=pk)), pk=int)
    user = marked.one(pk=pk)
    assert columns(user) == columns(User.objects.get(pk=pk))
    assert user.client == User.objects.get(pk=pk).client
    User.objects.filter(pk=pk).update(**change)
    user.name = "After"
    written = not change
    assert statements.change(user, ["name"], added=[event_of(user)]) is written
    assert (stored_as(user)["name"], Event.objects.count()) == ("After" if written else "Before", int(written))
    if written:  # the mark was of the row as it was read: this one is known
        user.name = "Again"
        assert statements.change(user, ["name"]) is True


def test_a_row_is_locked_within_a_transaction_only(transactional_db):
    user = UserFactory()
    locked = Statement(lambda user_id: User.objects.select_for_update().filter(pk=user_id), user_id=int)
    with transaction.atomic():
        assert locked.one(user_id=user.pk) == user
    with pytest.raises(TransactionManagementError):  # the second time, too, when the SQL is there already
        locked.one(user_id=user.pk)


def test_what_is_locked_is_read_where_it_is_written_and_all_else_where_the_router_says(db, monkeypatch):
    class Replica:
        def db_for_read(self, model, **hints):
            return "replica"

    user = UserFactory()
    locked = Statement(lambda user_id: User.objects.select_for_update().filter(pk=user_id), user_id=int)
    monkeypatch.setattr(router, "routers", [Replica()])
    assert locked.one(user_id=user.pk) == user
    with pytest.raises(ConnectionDoesNotExist, match="replica"):
        by_number().one(pk=user.pk)


def test_nothing_is_asked_within_a_broken_transaction(db):
    user, statement = UserFactory(), by_number()
    assert statement.one(pk=user.pk) == user
    with transaction.atomic():
        transaction.set_rollback(True)
        with pytest.raises(TransactionManagementError):
            statement.one(pk=user.pk)
