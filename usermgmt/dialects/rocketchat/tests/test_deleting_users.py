"""users.delete (contract 4)."""

import pytest

from accounts.grants import Grant
from accounts.models import Event, User
from accounts.services import roles, users
from accounts.tests.callers import caller
from accounts.tests.rows import unchanged
from usermgmt.dialects.rocketchat.tests.callers import LOGGED_OUT, NOT_PERMITTED, acting, allow, logged_in, told

PATH = "/api/v1/users.delete"
DONE = (200, {"success": True})
FORBIDDEN = (403, NOT_PERMITTED)


def refusal(error, code, details=None):
    body = {"success": False, "error": f"{error} [{code}]", "errorType": code}
    return 400, body if details is None else {**body, "details": details}


NOT_FOUND = refusal('The required "userId" or "username" param provided does not match any users', "error-invalid-user")
NOT_PROVIDED = refusal('The required "userId" or "username" param was not provided', "error-user-param-not-provided")


def delete(client, **body):
    return told(client.post(PATH, body))


def is_there(user):
    return User.objects.filter(pk=user.pk).exists()


@pytest.fixture
def client(cast):
    return logged_in(cast.administrator)


def test_users_are_deleted_by_id_and_by_user_name(cast, client):
    assert delete(client, userId=str(cast.owner.pk)) == DONE
    assert delete(client, userId=cast.outsider.pk, confirmRelinquish=True) == DONE
    assert delete(client, username="STAN") == DONE
    assert delete(client, user="dora") == DONE
    assert list(User.objects.order_by("pk")) == [cast.administrator, cast.spare]
    assert Event.objects.filter(action="user.deleted", actor_id=cast.administrator.pk).count() == 4
    assert caller(cast.administrator).get(f"/users/{cast.owner.pk}").status_code == 404


def test_the_id_goes_before_the_user_name(cast, client):
    assert delete(client, userId=str(cast.owner.pk), username="stan") == DONE
    assert (is_there(cast.owner), is_there(cast.stranger)) == (False, True)
    assert delete(client, userId=" ", username="stan") == DONE
    assert not is_there(cast.stranger)


def test_the_last_administrator_is_not_deleted(cast, client):
    assert delete(client, userId=str(cast.spare.pk)) == DONE
    with unchanged():
        assert delete(client, userId=str(cast.administrator.pk)) == refusal(
            "Leaving the app without admins is not allowed",
            "error-action-not-allowed",
            {"method": "deleteUser", "action": "Remove_last_admin"},
        )


def test_administrators_may_delete_themselves_while_another_one_stays(cast, client):
    assert delete(client, username="ada") == DONE
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)


@pytest.mark.parametrize("body", [{}, {"userId": ""}, {"userId": " ", "username": " "}, {"username": None}, {"foo": 1}])
def test_somebody_is_to_be_named(cast, client, body):
    with unchanged():
        assert delete(client, **body) == NOT_PROVIDED


@pytest.mark.parametrize(
    "body",
    [
        {"userId": "0"},
        {"userId": "olga"},
        {"userId": "9" * 500},
        {"userId": "-1", "username": "olga"},
        {"username": "nobody"},
        {"username": "no body"},
        {"username": "n" * 100_000},
        {"username": "olga@example.com"},
    ],
)
def test_who_is_not_there_is_not_found(cast, client, body):
    with unchanged():
        assert delete(client, **body) == NOT_FOUND


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"userId": []}, "must be string"),
        ({"username": {}}, "must be string"),
        ({"userId": "1", "confirmRelinquish": "yes"}, "must be boolean"),
    ],
)
def test_values_that_are_not_of_the_schema(cast, client, body, message):
    with unchanged():
        assert delete(client, **body) == refusal(message, "invalid-params")


def test_whoever_may_do_more_is_not_deleted(cast):
    clerk = logged_in(allow(cast.owner, Grant.DELETE))
    cast.stranger.groups.add(roles.create(actor=None, name="boss", grants=[Grant.EDIT.value]))
    assert delete(clerk, username="stan") == FORBIDDEN
    assert is_there(cast.stranger)


def test_who_was_deleted_natively_is_not_there(cast, client):
    users.delete(actor=None, user_id=cast.owner.pk)
    assert delete(client, userId=str(cast.owner.pk)) == NOT_FOUND


BOUND = {"kind": "api", "client": "acme"}
READING = {"kind": "api", "read_only": True}


@pytest.mark.parametrize(
    ("actor", "whom", "answer"),
    [
        (("administrator",), "owner", DONE),
        (("administrator",), "spare", DONE),
        (("administrator", BOUND), "owner", DONE),
        (("administrator", BOUND), "outsider", NOT_FOUND),
        (("administrator", BOUND), "spare", NOT_FOUND),
        (("administrator", BOUND), "administrator", FORBIDDEN),
        (("administrator", READING), "owner", FORBIDDEN),
        (("owner",), "stranger", FORBIDDEN),
        (("owner",), "owner", FORBIDDEN),
        (("outsider",), "owner", FORBIDDEN),
        (("owner", Grant.DELETE), "stranger", DONE),
        (("owner", Grant.DELETE), "disabled", DONE),
        (("owner", Grant.DELETE), "outsider", NOT_FOUND),
        (("owner", Grant.DELETE), "administrator", NOT_FOUND),
        (("owner", Grant.DELETE, READING), "stranger", FORBIDDEN),
        *[(("owner", grant), "stranger", FORBIDDEN) for grant in Grant if grant != Grant.DELETE],
        (("disabled", Grant.DELETE), "owner", (401, LOGGED_OUT)),
    ],
)
def test_who_deletes_whom(cast, actor, whom, answer):
    user = getattr(cast, whom)
    client = acting(cast, *actor)
    assert delete(client, username=user.username) == answer
    assert is_there(user) is (answer != DONE)
    if answer != DONE:
        assert delete(client, userId=str(user.pk)) == answer
        assert is_there(user)


def test_strangers_are_not_let_in(cast):
    assert delete(caller(), username="olga") == (401, LOGGED_OUT)
    assert is_there(cast.owner)


def test_a_refused_deletion_is_in_the_trail(cast):
    assert delete(logged_in(cast.owner), userId=str(cast.stranger.pk)) == FORBIDDEN
    event = Event.objects.filter(action="change.refused").latest("id")
    assert (event.actor_id, event.target_id) == (cast.owner.pk, cast.stranger.pk)
