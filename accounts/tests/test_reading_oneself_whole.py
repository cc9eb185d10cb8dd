"""`?include=` of oneself reads what the caller's token did not."""

import pytest
from django.db import connection

from accounts.models import User
from accounts.services import sign_ins, users

ON_POSTGRESQL = pytest.mark.skipif(connection.vendor != "postgresql", reason="of PostgreSQL alone")
PATHS = ("/users/current", "/users/{id}")


@ON_POSTGRESQL
@pytest.mark.parametrize("path", PATHS)
def test_a_column_whose_type_changed_since_breaks_nothing(transactional_db, cast, call, path):
    asked = f"{path.format(id=cast.owner.pk)}?include=profile"
    client = call(cast.owner)
    for _ in range(10):  # the driver prepares what was asked five times
        assert client.get(asked).status_code == 200
    elsewhere = connection.copy()  # of what it alters itself, the driver knows
    try:
        with elsewhere.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_user ALTER COLUMN bio TYPE varchar(5000)")
        assert client.get(asked).status_code == 200
    finally:
        with elsewhere.cursor() as cursor:
            cursor.execute("ALTER TABLE accounts_user ALTER COLUMN bio TYPE text")
        elsewhere.close()


@pytest.mark.parametrize("path", PATHS)
def test_nobody_is_told_half_of_a_change(cast, call, monkeypatch, path):
    authenticated = sign_ins.user_of

    def changed_meanwhile(token, named=None):
        user = authenticated(token, named=named)
        User.objects.filter(pk=user.pk).update(name="New Name", given_name="New", version=2)
        return user

    client = call(cast.owner)
    monkeypatch.setattr(sign_ins, "user_of", changed_meanwhile)
    answer = client.get(f"{path.format(id=cast.owner.pk)}?include=profile")
    told = (answer.json()["name"], answer.json()["profile"]["given_name"], answer.headers["ETag"])
    assert told in [("Olga Owner", "", '"1"'), ("New Name", "New", '"2"')]


@pytest.mark.parametrize("path", PATHS)
def test_whose_token_dies_meanwhile_is_told_nothing(cast, call, monkeypatch, path):
    authenticated = sign_ins.user_of

    def signed_out_meanwhile(token, named=None):
        user = authenticated(token, named=named)
        users.sign_out(actor=None, user_id=user.pk)
        return user

    client = call(cast.owner)
    monkeypatch.setattr(sign_ins, "user_of", signed_out_meanwhile)
    answer = client.get(f"{path.format(id=cast.owner.pk)}?include=profile")
    assert (answer.status_code, "WWW-Authenticate" in answer.headers) == (401, True)
    assert "olga" not in answer.content.decode()
