"""DELETE /users/{id} (native contract 2 and 4)."""

import pytest

from accounts.models import SignIn, User
from accounts.tests.callers import tokens_of
from accounts.tests.rows import stored
from clients.models import Client


def test_a_deleted_user_is_gone_for_good(cast, call):
    tokens_of(cast.owner)

    answer = call(cast.administrator).delete(f"/users/{cast.owner.pk}")

    assert (answer.status_code, answer.content) == (204, b"")
    assert not User.objects.filter(pk=cast.owner.pk).exists()
    assert not SignIn.objects.filter(user_id=cast.owner.pk).exists()
    assert User.objects.count() == 5


def test_its_client_and_its_colleagues_stay(cast, call):
    before = [stored(cast.acme), stored(cast.stranger)]

    call(cast.administrator).delete(f"/users/{cast.owner.pk}")

    assert [stored(cast.acme), stored(cast.stranger)] == before
    assert Client.objects.count() == 2


def test_a_second_deletion_finds_nobody(cast, call):
    client = call(cast.administrator)
    client.delete(f"/users/{cast.owner.pk}")

    answer = client.delete(f"/users/{cast.owner.pk}")

    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


def test_the_email_is_free_again(cast, call):
    client = call(cast.administrator)
    client.delete(f"/users/{cast.owner.pk}")

    answer = client.post(
        "/users",
        {
            "name": "Olga Again",
            "email": "olga@example.com",
            "password": "securepassword",
            "password_confirmation": "securepassword",
        },
    )

    assert answer.status_code == 201
    assert answer.json()["id"] != cast.owner.pk


def test_an_administrator_may_delete_oneself_while_another_is_there(cast, call):
    client = call(cast.administrator)

    assert client.delete(f"/users/{cast.administrator.pk}").status_code == 204

    assert client.get("/users/current").status_code == 401
    assert list(User.objects.active_administrators()) == [cast.spare]


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', "garbage"])
def test_a_stale_tag_deletes_nobody(cast, call, tag):
    answer = call(cast.administrator).delete(f"/users/{cast.owner.pk}", headers={"If-Match": tag})

    assert (answer.status_code, answer.json()) == (412, {"error": "The object has changed since you read it."})
    assert answer.headers["ETag"] == '"1"'
    assert User.objects.filter(pk=cast.owner.pk).exists()


@pytest.mark.parametrize("tag", ['"1"', "*"])
def test_a_present_tag_deletes(cast, call, tag):
    answer = call(cast.administrator).delete(f"/users/{cast.owner.pk}", headers={"If-Match": tag})

    assert answer.status_code == 204
