"""GET, PUT and PATCH /users/current (native contract 4)."""

import pytest

from accounts import passwords
from accounts.tests.rows import stored


@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_everyone_gets_oneself(cast, call, who):
    user = getattr(cast, who)

    answer = call(user).get("/users/current")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": user.pk,
        "name": user.name,
        "email": user.email,
        "client": {"id": cast.acme.pk, "name": "Acme"} if who == "owner" else None,
    }
    assert list(answer.json()) == ["id", "name", "email", "client"]
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("verb", ["put", "patch"])
@pytest.mark.parametrize("who", ["owner", "administrator"])
def test_everyone_changes_oneself(cast, call, who, verb):
    user = getattr(cast, who)

    answer = getattr(call(user), verb)("/users/current", {"name": "Renamed", "email": "renamed@example.com"})

    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["name"]) == (user.pk, "Renamed")
    assert answer.headers["ETag"] == '"2"'
    after = stored(user)
    assert (after["name"], after["email"]) == ("Renamed", "renamed@example.com")


@pytest.mark.parametrize("verb", ["put", "patch"])
def test_everyone_sets_a_password_of_ones_own(cast, call, verb):
    getattr(call(cast.owner), verb)(
        "/users/current", {"password": "securepassword", "password_confirmation": "securepassword"}
    )

    assert passwords.verified("securepassword", stored(cast.owner)["password"])


def test_a_change_of_oneself_is_judged_as_any_other(cast, call):
    before = stored(cast.owner)

    answer = call(cast.owner).patch(
        "/users/current", {"name": "", "email": "stan@example.com", "password": "short", "password_confirmation": "x"}
    )

    assert (answer.status_code, answer.json()) == (
        422,
        {
            "errors": {
                "name": ["can't be blank"],
                "email": ["has already been taken"],
                "password": ["is too short (minimum is 8 characters)"],
                "password_confirmation": ["doesn't match Password"],
            }
        },
    )
    assert stored(cast.owner) == before


def test_the_tag_is_honoured(cast, call):
    client = call(cast.owner)

    stale = client.patch("/users/current", {"name": "A"}, headers={"If-Match": '"9"'})
    fresh = client.patch("/users/current", {"name": "A"}, headers={"If-Match": '"1"'})

    assert (stale.status_code, stale.headers["ETag"], fresh.status_code, fresh.headers["ETag"]) == (
        412,
        '"1"',
        200,
        '"2"',
    )


@pytest.mark.parametrize("method", ["POST", "DELETE"])
def test_nothing_else_is_done_to_oneself(cast, call, method):
    answer = call(cast.administrator).generic(method, "/users/current")

    assert (answer.status_code, answer.json()) == (405, {"error": f'Method "{method}" not allowed.'})
    assert answer.headers["Allow"] == "GET, HEAD, PUT, PATCH"


def test_what_is_included_is_added(cast, call):
    answer = call(cast.owner).get("/users/current?include=role")

    assert list(answer.json().items())[4:] == [("role", "user")]
