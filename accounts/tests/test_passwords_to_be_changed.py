"""Whoever must change the password does that, and nothing before it (native contract 7; the setting
CHOSEN_PASSWORDS_MUST_CHANGE)."""

import re

import pytest

from accounts import passwords
from accounts.models import Event, User
from accounts.services import sign_ins, users
from accounts.tests.callers import caller, tokens_of
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import everything, stored
from usermgmt.errors import Fault, Invalid, MustChangePassword
from usermgmt.urls import NATIVE

NEW = "a quite different passphrase"
CHOSEN = {"password": NEW, "password_confirmation": NEW}
REFUSED = (403, {"error": "You must change your password."})
OPEN = {
    "auth/token",
    "auth/token/refresh",
    "auth/token/revoke",
    "auth/token/verify",
    "auth/password/reset",
    "auth/password/reset/confirm",
    "auth/email/verify",
    ".well-known/jwks.json",
}
"""Routes that ask nobody who they are."""
ROUTES = sorted(
    (method, str(pattern.pattern))
    for pattern in NATIVE.urls
    for method in pattern.callback.actions
    if pattern.callback.cls.authentication_classes
)


def told(answer):
    return answer.status_code, answer.json()


@pytest.fixture(params=["owner", "administrator"])
def bound(cast, request):
    """Somebody who must change the password."""
    user = getattr(cast, request.param)
    User.objects.filter(pk=user.pk).update(must_change_password=True)
    user.refresh_from_db()
    return user


# What is refused


def test_the_open_routes_are_those_named_here():
    assert {str(pattern.pattern) for pattern in NATIVE.urls} - {route for _, route in ROUTES} == OPEN


@pytest.mark.parametrize(("method", "route"), ROUTES, ids=" ".join)
@pytest.mark.parametrize("number", ["own", "other", "missing"])
def test_every_other_call_is_refused(bound, cast, method, route, number):
    target = {"own": bound.pk, "other": cast.stranger.pk, "missing": 987654321}[number]
    path = "/" + re.sub(r"<\w+:\w+>", str(target), route)
    before = everything()[:2]

    answer = getattr(caller(bound), method)(path, {"name": "Renamed"} if method in ("post", "put", "patch") else None)

    assert answer.status_code == 403
    if method != "head":
        # Regular users are refused at other people's doors before anything else is looked at, or after: both say no.
        assert answer.json() == REFUSED[1]
    assert everything()[:2] == before


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("body", [{}, {"name": "Renamed"}, {"password": ""}, {"password": None}, {"password": " "}])
@pytest.mark.parametrize("path", ["/users/current", "/users/{own}"])
def test_a_change_without_a_new_password_is_refused(bound, path, body, method):
    before = stored(bound)
    answer = getattr(caller(bound), method)(path.format(own=bound.pk), body)
    if body.get("password") == " ":  # sent, and told what is wrong with it
        assert answer.json()["errors"]["password"] == ["can't be blank"]
    else:
        assert told(answer) == REFUSED
    assert stored(bound) == before


def test_the_password_of_somebody_else_is_no_way_out(cast):
    User.objects.filter(pk=cast.administrator.pk).update(must_change_password=True)
    answer = caller(cast.administrator).patch(f"/users/{cast.owner.pk}", CHOSEN)
    assert told(answer) == REFUSED
    assert passwords.verified(PASSWORD, stored(cast.owner)["password"])


def test_a_duty_can_not_be_lifted_by_whom_it_binds(bound):
    assert told(caller(bound).patch("/users/current", {"must_change_password": False})) == REFUSED
    assert stored(bound)["must_change_password"] is True


def test_the_refused_change_is_in_the_audit_trail(bound):
    caller(bound).patch("/users/current", {"name": "Renamed"})
    event = Event.objects.get()
    assert (event.action, event.actor_id, event.target_id) == ("change.refused", bound.pk, bound.pk)


def test_the_service_refuses_too_for_doors_that_have_no_calls(cast, bound):
    for user, changes in (
        (bound, {"name": "Renamed"}),
        (bound, {"password": None}),
        (cast.outsider, {"password": NEW}),
    ):
        with pytest.raises(MustChangePassword):
            users.update(actor=bound, user_id=user.pk, **changes)
    assert not Event.objects.exists()


# What is open


def test_signing_in_staying_and_leaving_are_open(bound, call):
    answer = call().post("/auth/token", {"email": bound.email, "password": PASSWORD})
    assert answer.status_code == 200
    assert list(answer.json()["user"]) == ["id", "name", "email", "client"]
    pair = call().post("/auth/token/refresh", {"refresh": answer.json()["refresh"]})
    assert pair.status_code == 200
    assert call().post("/auth/token/verify", {"token": pair.json()["access"]}).json() == {}
    assert call().post("/auth/token/revoke", {"refresh": pair.json()["refresh"]}).status_code == 204


@pytest.mark.parametrize("method", ["put", "patch"])
@pytest.mark.parametrize("path", ["/users/current", "/users/{own}"])
def test_a_new_password_is_the_end_of_it(bound, call, path, method):
    client, refresh = caller(bound), tokens_of(bound).refresh

    answer = getattr(client, method)(path.format(own=bound.pk), {**CHOSEN, "name": "Renamed"})

    assert answer.status_code == 200
    assert answer.json()["name"] == "Renamed"
    assert stored(bound)["must_change_password"] is False
    changes = Event.objects.get(action="user.updated").changes
    assert changes["must_change_password"] == [True, False]
    assert client.get("/users/current").status_code == 401  # every token is dead
    assert call().post("/auth/token/refresh", {"refresh": refresh}).status_code == 401
    again = call().post("/auth/token", {"email": bound.email, "password": NEW}).json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {again['access']}")
    assert client.get("/users/current").json()["name"] == "Renamed"


def test_a_duty_that_is_sent_back_along_with_the_new_password_ends_too(bound):
    answer = caller(bound).patch("/users/current", {**CHOSEN, "must_change_password": True})
    assert answer.status_code == 200
    assert stored(bound)["must_change_password"] is False


def test_the_usual_rules_hold_for_what_is_sent_along(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    answer = caller(cast.owner).patch("/users/current", {**CHOSEN, "client_id": cast.globex.pk})
    assert told(answer) == (403, {"error": "You are not authorized to perform this action."})
    answer = caller(cast.owner).patch("/users/current", {**CHOSEN, "email": "ada@example.com"})
    assert told(answer) == (422, {"errors": {"email": ["has already been taken"]}})
    assert stored(cast.owner)["must_change_password"] is True


def test_the_present_password_is_no_new_one(bound):
    before = stored(bound)
    answer = caller(bound).patch("/users/current", {"password": PASSWORD, "password_confirmation": PASSWORD})
    assert told(answer) == (422, {"errors": {"password": ["must differ from the present one"]}})
    assert stored(bound) == before


def test_the_policy_is_told_first(bound):
    answer = caller(bound).patch("/users/current", {"password": "password", "password_confirmation": "passwort"})
    assert told(answer) == (
        422,
        {"errors": {"password": ["is too common"], "password_confirmation": ["doesn't match Password"]}},
    )


def test_who_proves_to_be_the_user_without_signing_in_needs_another_password_too(bound):
    """As with a one-time token from a mail: nobody is signed in, and it is the owner's choice."""
    with pytest.raises(Invalid) as refusal:
        users.update(actor=None, user_id=bound.pk, password=PASSWORD)
    assert refusal.value.faults == (Fault("password", "password_unchanged"),)
    users.update(actor=None, user_id=bound.pk, password=NEW)
    assert stored(bound)["must_change_password"] is False


def test_whoever_need_not_change_it_may_keep_it(cast):
    answer = caller(cast.owner).patch("/users/current", {"password": PASSWORD, "password_confirmation": PASSWORD})
    assert answer.status_code == 200


# Who comes under it: passwords chosen through the API


CREATION = {"name": "Nina New", "email": "nina@example.com", **CHOSEN}


def creation(cast, **values):
    answer = caller(cast.administrator).post("/users", {**CREATION, "client_id": cast.acme.pk, **values})
    assert answer.status_code == 201, answer.json()
    return User.objects.get(pk=answer.json()["id"])


def reset(cast, **values):
    answer = caller(cast.administrator).patch(f"/users/{cast.owner.pk}", {**CHOSEN, **values})
    assert answer.status_code == 200, answer.json()
    return User.objects.get(pk=cast.owner.pk)


@pytest.mark.parametrize("door", [creation, reset])
@pytest.mark.parametrize(("setting", "bound"), [("staff", False), ("always", True), ("never", False)])
def test_the_setting_says_whether_the_api_binds(cast, settings, door, setting, bound):
    settings.CHOSEN_PASSWORDS_MUST_CHANGE = setting
    user = door(cast)
    assert user.must_change_password is bound
    assert caller(user).get("/users/current").status_code == (403 if bound else 200)


@pytest.mark.parametrize("door", [creation, reset])
@pytest.mark.parametrize("setting", ["staff", "always", "never"])
@pytest.mark.parametrize("said", [True, False])
def test_a_call_can_say_otherwise(cast, settings, door, setting, said):
    settings.CHOSEN_PASSWORDS_MUST_CHANGE = setting
    assert door(cast, must_change_password=said).must_change_password is said


@pytest.mark.parametrize("setting", ["staff", "always", "never"])
def test_ones_own_choice_never_binds(cast, settings, setting):
    settings.CHOSEN_PASSWORDS_MUST_CHANGE = setting
    for user in (cast.administrator, cast.owner):
        assert caller(user).patch(f"/users/{user.pk}", CHOSEN).status_code == 200
        assert stored(user)["must_change_password"] is False


def test_another_password_that_an_administrator_chose_does_not_free_from_it(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    assert reset(cast).must_change_password is True
    assert reset(cast, must_change_password=False).must_change_password is False


def test_an_administrator_binds_and_frees_without_a_new_password(cast):
    client = caller(cast.administrator)
    owner = caller(cast.owner)
    assert client.patch(f"/users/{cast.owner.pk}", {"must_change_password": True}).status_code == 200
    assert told(owner.get("/users/current")) == REFUSED
    assert client.put(f"/users/{cast.owner.pk}", {"must_change_password": False}).status_code == 200
    assert owner.get("/users/current").status_code == 200


@pytest.mark.parametrize("path", ["/users/current", "/users/{own}"])
@pytest.mark.parametrize("value", [True, None, "", 0, "false", []])
def test_a_regular_user_can_not_set_it(cast, path, value):
    answer = caller(cast.owner).patch(path.format(own=cast.owner.pk), {"must_change_password": value})
    assert told(answer) == (403, {"error": "You are not authorized to perform this action."})
    assert stored(cast.owner)["must_change_password"] is False
    assert caller(cast.owner).patch("/users/current", {"must_change_password": False}).status_code == 200


@pytest.mark.parametrize("value", [None, "", 0, 1, "true", [], {}])
def test_nothing_but_true_or_false_is_taken(cast, value):
    expected = (422, {"errors": {"must_change_password": ["is invalid"]}})
    client = caller(cast.administrator)
    assert told(client.patch(f"/users/{cast.owner.pk}", {"must_change_password": value})) == expected
    assert told(client.post("/users", {**CREATION, "must_change_password": value})) == expected


def test_operators_programs_bind_nobody_unless_they_say_so(db, settings):
    settings.CHOSEN_PASSWORDS_MUST_CHANGE = "always"
    made = users.create(actor=None, client_id=None, name="Nina", email="nina@example.com", password=PASSWORD)
    assert made.must_change_password is False
    assert sign_ins.verified_user(email="nina@example.com", password=PASSWORD) == made
