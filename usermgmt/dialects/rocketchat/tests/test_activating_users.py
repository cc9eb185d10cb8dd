"""users.setActiveStatus (contract 4)."""

import pytest

from accounts.grants import Grant
from accounts.models import Event, User
from accounts.services import roles, users
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import stored, unchanged
from usermgmt.dialects.rocketchat.tests.callers import (
    LOGGED_OUT,
    MUST_CHANGE,
    NOT_PERMITTED,
    acting,
    allow,
    logged_in,
    told,
)

PATH = "/api/v1/users.setActiveStatus"
NOT_FOUND = (400, {"success": False, "error": "User not found"})
FORBIDDEN = (403, NOT_PERMITTED)


def set_active(client, user, active, **more):
    return told(client.post(PATH, {"userId": str(user.pk), "activeStatus": active, **more}))


def done(user, active):
    return 200, {"user": {"_id": str(user.pk), "active": active}, "success": True}


def log_in(user):
    return told(caller().post("/api/v1/login", {"user": user.username, "password": PASSWORD}))


@pytest.fixture
def client(cast):
    return logged_in(cast.administrator)


def test_a_user_is_deactivated_and_activated_and_keeps_the_roles(cast, client):
    allow(cast.owner, Grant.VIEW)
    assert set_active(client, cast.owner, False) == done(cast.owner, False)
    assert stored(cast.owner)["is_active"] is False
    assert Event.objects.filter(action="user.updated").latest("id").changes == {"active": [True, False]}
    assert set_active(client, cast.owner, True, confirmRelinquish=True) == done(cast.owner, True)
    assert stored(cast.owner)["is_active"] is True
    assert cast.owner.groups.get().name == "clerk"


def test_twice_is_once(cast, client):
    assert set_active(client, cast.disabled, False) == done(cast.disabled, False)
    assert set_active(client, cast.owner, "true") == done(cast.owner, True)
    assert not Event.objects.filter(action="user.updated").exists()


def test_deactivation_ends_every_token_for_good_and_lets_nobody_log_in(cast, client):
    first, second = logged_in(cast.owner), logged_in(cast.owner, kind="api")
    assert log_in(cast.owner)[0] == 200
    set_active(client, cast.owner, False)
    for token in (first, second):
        assert told(token.get("/api/v1/me")) == (401, LOGGED_OUT)
    status, body = log_in(cast.owner)
    assert (status, body["error"]) == (401, "error-user-is-not-activated")
    set_active(client, cast.owner, True)
    assert told(first.get("/api/v1/me")) == (401, LOGGED_OUT)
    assert log_in(cast.owner)[0] == 200


def test_the_last_active_administrator_stays_active(cast, client):
    assert set_active(client, cast.spare, False) == done(cast.spare, False)
    with unchanged():
        assert set_active(client, cast.administrator, False) == (
            400,
            {
                "success": False,
                "error": "Leaving the app without an active admin is not allowed [error-action-not-allowed]",
                "errorType": "error-action-not-allowed",
                "details": {"method": "removeUserFromRole", "action": "Remove_last_admin"},
            },
        )
    assert set_active(client, cast.administrator, True) == done(cast.administrator, True)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({}, "must have required property 'userId'"),
        ({"userId": "1"}, "must have required property 'activeStatus'"),
        ({"activeStatus": True}, "must have required property 'userId'"),
        ({"userId": "1", "activeStatus": "yes"}, "must be boolean"),
        ({"userId": "1", "activeStatus": []}, "must be boolean"),
        ({"userId": [], "activeStatus": True}, "must be string"),
        ({"userId": "1", "activeStatus": True, "is_superuser": True}, "must NOT have additional properties"),
        ([], "must be object"),
    ],
)
def test_bodies_that_are_not_of_the_schema(client, body, message):
    told_of = {"success": False, "error": f"{message} [invalid-params]", "errorType": "invalid-params"}
    assert told(client.post(PATH, body)) == (400, told_of)


@pytest.mark.parametrize("named", ["", "0", "x", "olga", "9" * 19, "9" * 500])
def test_who_is_not_there_is_not_found(client, named):
    assert told(client.post(PATH, {"userId": named, "activeStatus": True})) == NOT_FOUND


def test_whoever_may_do_more_is_not_deactivated(cast):
    clerk = logged_in(allow(cast.owner, Grant.SET_ACTIVE))
    cast.stranger.groups.add(roles.create(actor=None, name="boss", grants=[Grant.DELETE.value]))
    row = stored(cast.stranger)
    assert set_active(clerk, cast.stranger, False) == FORBIDDEN
    assert stored(cast.stranger) == row


def test_whoever_must_change_the_password_does_that_first(cast):
    User.objects.filter(pk=cast.administrator.pk).update(must_change_password=True)
    assert set_active(logged_in(cast.administrator), cast.owner, False) == (403, MUST_CHANGE)
    assert stored(cast.owner)["is_active"]


def test_what_was_deactivated_here_is_so_natively(cast, client):
    set_active(client, cast.owner, False)
    assert caller().post("/auth/token", {"email": "olga@example.com", "password": PASSWORD}).status_code == 401
    inactive = caller(cast.administrator).get("/users?active=false").json()["users"]
    assert sorted(user["email"] for user in inactive) == ["dora@example.com", "olga@example.com"]
    users.update(actor=None, user_id=cast.owner.pk, active=True)
    info = told(client.get("/api/v1/users.info", {"userId": str(cast.owner.pk)}))[1]
    assert info["user"]["active"] is True


BOUND = {"kind": "api", "client": "acme"}
READING = {"kind": "api", "read_only": True}
DONE = 200


@pytest.mark.parametrize(
    ("actor", "whom", "answer"),
    [
        (("administrator",), "owner", DONE),
        (("administrator",), "spare", DONE),
        (("administrator", BOUND), "owner", DONE),
        (("administrator", BOUND), "outsider", NOT_FOUND),
        (("administrator", BOUND), "spare", NOT_FOUND),
        (("administrator", READING), "owner", FORBIDDEN),
        (("owner",), "stranger", FORBIDDEN),
        (("owner",), "owner", FORBIDDEN),
        (("owner",), "outsider", FORBIDDEN),
        (("outsider",), "owner", FORBIDDEN),
        (("owner", Grant.SET_ACTIVE), "stranger", DONE),
        (("owner", Grant.SET_ACTIVE), "owner", FORBIDDEN),
        (("owner", Grant.SET_ACTIVE), "outsider", NOT_FOUND),
        (("owner", Grant.SET_ACTIVE), "administrator", NOT_FOUND),
        (("owner", Grant.SET_ACTIVE, READING), "stranger", FORBIDDEN),
        *[(("owner", grant), "stranger", FORBIDDEN) for grant in Grant if grant != Grant.SET_ACTIVE],
        (("disabled", Grant.SET_ACTIVE), "owner", (401, LOGGED_OUT)),
    ],
)
def test_who_deactivates_whom(cast, actor, whom, answer):
    user = getattr(cast, whom)
    status, body = set_active(acting(cast, *actor), user, False)
    assert (status, body) == (done(user, False) if answer == DONE else answer)
    assert stored(user)["is_active"] is (answer != DONE)


def test_strangers_are_not_let_in(cast):
    assert set_active(caller(), cast.owner, False) == (401, LOGGED_OUT)
    assert stored(cast.owner)["is_active"]
