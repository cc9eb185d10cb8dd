"""Moments are read from PostgreSQL as psycopg and Django read them."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from psycopg import DataError
from psycopg.types.datetime import TimestamptzLoader

from usermgmt.postgresql import MomentLoader

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21 21:15:00+00",
        "2026-11-21 21:15:00.5+00",
        "2026-11-21 21:15:00.000001+00",
        "2026-11-21 21:15:00.123456+05:30",
        "2026-02-28 23:59:59-08",
        "1890-01-01 00:00:00+00:19:32",
        "0001-01-01 00:00:00+00",
        "9999-12-31 23:59:59.999999+00",
    ],
)
def test_a_moment_is_the_same(text):
    moment = MomentLoader(0).load(text.encode())
    assert moment == TimestamptzLoader(0).load(text.encode())
    assert (moment.tzinfo, moment.utcoffset()) == (UTC, UTC.utcoffset(None))


@pytest.mark.parametrize("text", ["infinity", "-infinity", "0044-03-15 00:00:00+00 BC", "10000-01-01 00:00:00+00"])
def test_what_is_no_moment_of_python_s_is_refused_as_ever(text):
    with pytest.raises(DataError) as ours:
        MomentLoader(0).load(text.encode())
    with pytest.raises(DataError) as theirs:
        TimestamptzLoader(0).load(text.encode())
    assert str(ours.value) == str(theirs.value)


@on_postgresql
def test_connections_read_by_it(db):
    with connection.cursor() as cursor:
        cursor.execute("SELECT '2026-11-21 23:15:00.25+02'::timestamptz, NULL::timestamptz")
        assert cursor.fetchone() == (datetime(2026, 11, 21, 21, 15, 0, 250000, tzinfo=UTC), None)
        assert cursor.connection.adapters.get_loader(1184, 0) is MomentLoader
