"""Statements that PostgreSQL keeps are asked by name, and made anew wherever they are lost."""

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from accounts.models import User
from accounts.tests.factories import UserFactory
from usermgmt import prepared
from usermgmt.prepared import PreparedStatement
from usermgmt.statements import Statement

pytestmark = pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone")

KEPT = "SELECT count(*) FROM pg_prepared_statements WHERE name LIKE 'usermgmt%'"


@pytest.fixture
def user(transactional_db):
    made = UserFactory()
    connection.connection.execute("DEALLOCATE ALL")
    return made


@pytest.fixture
def by_number():
    return Statement(lambda pk: User.objects.select_related("client").filter(pk=pk), pk=int)


def kept():
    return connection.connection.execute(KEPT).fetchone()[0]


def test_it_is_prepared_once_on_a_connection_and_found_by_its_name(user, by_number):
    for _ in range(3):
        assert by_number.one(pk=user.pk).client == user.client
        assert by_number.one(pk=user.pk + 1) is None
    assert kept() == 1


def test_a_row_is_as_the_drivers_cursor_gives_it(user):
    sql = "SELECT *, NULL, %s, '%%', now() - now() FROM accounts_user WHERE id = %s AND name <> %s"
    values = ("ä'\n$1", user.pk, "nobody")
    driver = connection.connection
    assert PreparedStatement(driver, sql).first(values) == driver.execute(sql, values).fetchone()


def test_what_the_driver_had_forgotten_is_prepared_anew(user, by_number):
    assert by_number.one(pk=user.pk) == user
    connection.connection.execute("DEALLOCATE ALL")
    assert by_number.one(pk=user.pk) == user
    assert kept() == 1


def test_a_rollback_loses_nothing(user, by_number):
    for _ in range(10):  # the driver prepares its own, and then forgets all
        assert User.objects.filter(pk=user.pk).exists()
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            assert by_number.one(pk=user.pk) == user
            raise ZeroDivisionError
        assert by_number.one(pk=user.pk) == user


def test_within_a_transaction_it_is_the_drivers_from_its_first_query_on(user):
    locking = Statement(lambda pk: User.objects.select_for_update().filter(pk=pk), pk=int)
    mine = connection.connection.info.backend_pid
    for _ in range(2):
        with transaction.atomic():
            assert locking.one(pk=user.pk) == user
            held = "SELECT count(*) FROM pg_locks WHERE pid = %s AND relation = 'accounts_user'::regclass"
            assert connection.connection.execute(held, [mine]).fetchone()[0]
            assert kept() == 0


def test_a_table_that_changed_meanwhile_is_read_as_it_is(user):
    connection.connection.execute("CREATE TEMPORARY TABLE changing AS SELECT 1 AS a")
    statement = PreparedStatement(connection.connection, "SELECT * FROM changing WHERE a = %s")
    assert statement.first([1]) == (1,)
    connection.connection.execute("ALTER TABLE changing ADD b text DEFAULT 'new'")
    assert statement.first([1]) == (1, "new")


@pytest.mark.parametrize(
    ("sql", "values", "error"),
    [
        ("SELECT 1 / %s", [0], psycopg.errors.DivisionByZero),
        ("SELECT nothing WHERE 1 = %s", [1], psycopg.errors.UndefinedColumn),
        ("SELECT %s", ["\x00"], psycopg.DataError),
    ],
)
def test_what_the_database_refuses_is_the_drivers_error(user, sql, values, error):
    with pytest.raises(error):
        PreparedStatement(connection.connection, sql).first(values)
    assert connection.connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_connection_that_broke_is_an_outage_and_the_next_one_is_asked_afresh(user, by_number):
    assert by_number.one(pk=user.pk) == user
    with psycopg.connect(**connection.get_connection_params() | {"cursor_factory": psycopg.Cursor}) as other:
        other.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    with pytest.raises(OperationalError):
        by_number.one(pk=user.pk)
    connection.close_if_unusable_or_obsolete()
    assert by_number.one(pk=user.pk) == user


def test_behind_pgbouncer_nothing_is_prepared(user, by_number):
    driver = connection.connection
    before, driver.prepare_threshold = driver.prepare_threshold, None
    try:
        assert by_number.one(pk=user.pk) == user
        assert kept() == 0
    finally:
        driver.prepare_threshold = before


def test_of_statements_that_come_and_go_the_last_are_kept(user):
    driver = connection.connection
    for number in range(prepared.MAX_KEPT + 5):
        sql = f"SELECT {number} + %s"
        assert prepared.kept(driver, sql).first([1]) == (number + 1,)
        assert prepared.kept(driver, sql) is prepared.kept(driver, sql)
    assert kept() == prepared.MAX_KEPT
    assert prepared.kept(driver, "SELECT 0 + %s").first([5]) == (5,)  # anew
    assert kept() == prepared.MAX_KEPT


def test_each_connection_keeps_its_own(user):
    first = prepared.kept(connection.connection, "SELECT 1 + %s")
    connection.close()
    connection.ensure_connection()
    second = prepared.kept(connection.connection, "SELECT 1 + %s")
    assert second is not first
    assert second.first([1]) == (2,)
