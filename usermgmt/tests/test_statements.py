"""Queries whose SQL is written once find what their querysets find."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.tests.factories import AdministratorFactory, UserFactory
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
