"""DELETE /users/{userId} (contract 6 and 8.14)."""

from accounts.models import Event, User
from accounts.tests.rows import unchanged
from usermgmt.dialects.resource.tests.shapes import LIMITS, NOT_FOUND, invalid, refusal_of, users_of


def test_a_user_is_gone_from_every_read(cast, call, staff):
    client, path = call(cast.administrator), f"/v1/users/{cast.owner.pk}"

    answer = client.delete(path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert "Content-Type" not in answer
    assert all(name in answer for name in LIMITS)
    assert refusal_of(client.get(path)) == (404, NOT_FOUND)
    assert refusal_of(client.delete(path)) == (404, NOT_FOUND)
    assert refusal_of(client.patch(path, {"firstName": "X"})) == (404, NOT_FOUND)
    assert cast.owner.pk not in [user["userId"] for user in users_of(client.get("/v1/users"))]
    assert client.get(f"/users/{cast.owner.pk}").status_code == 404
    assert b"olga@example.com" not in staff(cast.administrator).get("/admin/accounts/user/").content
    assert not User.objects.filter(pk=cast.owner.pk).exists()
    event = Event.objects.get(action="user.deleted")
    assert (event.contract, event.actor_id) == ("resource", cast.administrator.pk)


def test_a_token_of_whoever_is_deleted_dies(cast, call):
    olga = call(cast.owner)
    call(cast.administrator).delete(f"/v1/users/{cast.owner.pk}")
    assert olga.get(f"/v1/users/{cast.owner.pk}").status_code == 401


def test_the_last_administrator_stays(cast, call):
    client = call(cast.administrator)
    assert client.delete(f"/v1/users/{cast.spare.pk}").status_code == 204
    with unchanged():
        answer = client.delete(f"/v1/users/{cast.administrator.pk}")
    message = "The directory must leave at least one active administrator"
    assert refusal_of(answer) == invalid(message, ("userId", "Invalid value"), location="path")
