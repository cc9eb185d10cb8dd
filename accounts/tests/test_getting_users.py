"""GET /users/{id} (native contract 3 and 4)."""

import pytest

from accounts.tests.rows import stored


def test_a_user_has_exactly_four_keys_in_this_order(cast, call):
    answer = call(cast.administrator).get(f"/users/{cast.owner.pk}")

    assert answer.status_code == 200
    assert answer.json() == {
        "id": cast.owner.pk,
        "name": "Olga Owner",
        "email": "olga@example.com",
        "client": {"id": cast.acme.pk, "name": "Acme"},
    }
    assert list(answer.json()) == ["id", "name", "email", "client"]
    assert list(answer.json()["client"]) == ["id", "name"]


def test_an_administrator_has_no_client(cast, call):
    answer = call(cast.administrator).get(f"/users/{cast.spare.pk}")

    assert answer.json() == {"id": cast.spare.pk, "name": "Sam Spare", "email": "sam@example.com", "client": None}


def test_the_answer_is_json_that_nobody_keeps_with_the_version_as_its_tag(cast, call):
    cast.owner.version = 7
    cast.owner.save()

    answer = call(cast.administrator).get(f"/users/{cast.owner.pk}")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["ETag"] == '"7"'


def test_a_user_gets_the_same_as_an_administrator_does(cast, call):
    path = f"/users/{cast.owner.pk}"

    assert call(cast.owner).get(path).json() == call(cast.administrator).get(path).json()


@pytest.mark.parametrize("whom", ["owner", "disabled", "spare", "administrator"])
def test_no_answer_shows_a_password(cast, call, whom):
    user = getattr(cast, whom)

    answer = call(cast.administrator).get(
        f"/users/{user.pk}",
        {"include": "active,username,email_verified,created_at,updated_at,last_sign_in,role,profile"},
    )

    assert answer.status_code == 200
    assert "password" not in answer.content.decode().replace("must_change_password", "")  # whether, not which
    assert user.password not in answer.content.decode()


def test_head_tells_what_get_does_without_a_body(cast, call):
    answer = call(cast.administrator).head(f"/users/{cast.owner.pk}")

    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["ETag"] == '"1"'


def test_reading_changes_nothing(cast, call):
    before = stored(cast.owner)

    call(cast.administrator).get(f"/users/{cast.owner.pk}")
    call(cast.owner).get("/users/current")

    assert stored(cast.owner) == before


@pytest.mark.parametrize(
    "id", ["987654321", "9223372036854775808", "abc", "0", "-1", "1.0", "1e3", "null", "%20", "1%00"]
)
def test_an_administrator_is_told_that_there_is_no_such_user(cast, call, id):
    answer = call(cast.administrator).get(f"/users/{id}")

    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})


def test_a_user_is_not_told_whether_there_is_another(cast, call):
    answers = [call(cast.owner).get(f"/users/{whom}") for whom in (cast.stranger.pk, "987654321", "abc")]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (403, b'{"error":"You are not authorized to perform this action."}')
    }


def test_a_deleted_user_is_gone(cast, call):
    client = call(cast.administrator)
    client.delete(f"/users/{cast.owner.pk}")

    assert client.get(f"/users/{cast.owner.pk}").json() == {"error": "User not found"}
