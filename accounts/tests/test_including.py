"""?include= on every call that returns users (native contract 3)."""

from datetime import UTC, datetime

import pytest

from accounts.models import Membership, Team, User
from accounts.services import users

NAMES = ["active", "username", "email_verified", "created_at", "updated_at", "last_sign_in", "role", "profile"]
CHOICES = ", ".join(NAMES)
BLANK = {
    "given_name": "",
    "middle_name": "",
    "family_name": "",
    "nickname": "",
    "bio": "",
    "status_text": "",
    "custom_fields": {},
    "roles": ["user"],
    "teams": [],
    "must_change_password": False,
}
UNKNOWN = {"errors": {"include": [f"is not one of {CHOICES}"]}}


def get(call, cast, user, include):
    return call(cast.administrator).get(f"/users/{user.pk}", {"include": include})


def test_all_that_can_be_included(cast, call):
    users.update(actor=None, user_id=cast.owner.pk, given_name="Olga", middle_name="M.", family_name="Owner")
    moments = {
        "created_at": datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        "updated_at": datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC),
        "last_login": datetime(2026, 3, 4, 5, 6, 7, 100000, tzinfo=UTC),
    }
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True, **moments)

    answer = get(call, cast, cast.owner, ",".join(NAMES))

    assert list(answer.json()) == ["id", "name", "email", "client", *NAMES]
    assert {name: answer.json()[name] for name in NAMES} == {
        "active": True,
        "username": "olga",
        "email_verified": True,
        "created_at": "2026-01-02T03:04:05.678901Z",
        "updated_at": "2026-02-03T04:05:06Z",
        "last_sign_in": "2026-03-04T05:06:07.100000Z",
        "role": "user",
        "profile": {**BLANK, "given_name": "Olga", "middle_name": "M.", "family_name": "Owner"},
    }


def test_those_of_an_administrator_who_never_signed_in(cast, call):
    answer = get(call, cast, cast.spare, "role,last_sign_in,active,profile")

    assert {name: answer.json()[name] for name in ("role", "last_sign_in", "active", "profile")} == {
        "role": "administrator",
        "last_sign_in": None,
        "active": True,
        "profile": {**BLANK, "roles": ["admin"]},
    }


def test_an_inactive_user_says_so(cast, call):
    assert get(call, cast, cast.disabled, "active").json()["active"] is False


@pytest.mark.parametrize("name", NAMES)
def test_each_name_adds_one_key(cast, call, name):
    assert list(get(call, cast, cast.owner, name).json()) == ["id", "name", "email", "client", name]


@pytest.mark.parametrize(
    "include", ["role,active", "active,role", "role,,active,", " role , active ", "role,active,role"]
)
def test_the_keys_stand_in_the_contracts_order_once(cast, call, include):
    assert list(get(call, cast, cast.owner, include).json())[4:] == ["active", "role"]


@pytest.mark.parametrize("include", ["", ",", " "])
def test_nothing_included_adds_nothing(cast, call, include):
    answer = get(call, cast, cast.owner, include)

    assert (answer.status_code, list(answer.json())) == (200, ["id", "name", "email", "client"])


@pytest.mark.parametrize(
    "include", ["nonsense", "role,nonsense", "ROLE", "password", "client", "role;active", "role.active", "*", "\0", "é"]
)
@pytest.mark.parametrize("path", ["/users", "/users?cursor=", "/users/current", "/users/{id}"])
def test_unknown_names_are_told_on_include(cast, call, path, include):
    path = path.format(id=cast.owner.pk)

    answer = call(cast.administrator).get(path, {"include": include, **({"cursor": ""} if "?" in path else {})})

    assert (answer.status_code, answer.json()) == (422, UNKNOWN)


@pytest.mark.parametrize("path", ["/users", "/users?cursor="])
def test_every_user_of_a_list_has_it(cast, call, path):
    separator = "&" if "?" in path else "?"

    listed = call(cast.administrator).get(f"{path}{separator}include=role,active").json()["users"]

    assert [list(user)[4:] for user in listed] == [["active", "role"]] * 6
    assert {user["name"]: user["role"] for user in listed} == {
        "Ada Administrator": "administrator",
        "Sam Spare": "administrator",
        "Olga Owner": "user",
        "Stan Stranger": "user",
        "Otto Outsider": "user",
        "Dora Disabled": "user",
    }


# The profile


@pytest.fixture
def olga(cast):
    """The owner with all that a profile tells."""
    for name in ("Écluse", "zebra", "Apple"):
        Membership.objects.create(user=cast.owner, team=Team.objects.create(client=cast.acme, name=name))
    Team.objects.create(client=cast.acme, name="Not hers")
    texts = {"nickname": "Oli", "bio": "Line one\nline two", "status_text": "Away"}
    return users.update(
        actor=None,
        user_id=cast.owner.pk,
        custom_fields={"floor": 3, "tags": ["a"]},
        roles=["guest", "bot"],
        **texts,
    )


PROFILE = {
    **BLANK,
    "nickname": "Oli",
    "bio": "Line one\nline two",
    "status_text": "Away",
    "custom_fields": {"floor": 3, "tags": ["a"]},
    "roles": ["bot", "guest"],
    "teams": ["Apple", "zebra", "Écluse"],
}


def test_a_profile_tells_all_that_is_known(cast, call, olga):
    profile = get(call, cast, cast.owner, "profile").json()["profile"]
    assert profile == PROFILE
    assert list(profile) == list(PROFILE)


def test_it_is_the_same_on_every_call_that_gives_users(cast, call, olga):
    from accounts.tests.factories import PASSWORD

    staff, credentials = call(cast.administrator), {"email": "olga@example.com", "password": PASSWORD}
    listed = staff.get("/users?search=olga&include=profile").json()["users"]
    walked = staff.get("/users?cursor=&search=olga&include=profile").json()["users"]
    answers = [
        call().post("/auth/token?include=profile", credentials).json()["user"],
        call(User.objects.get(pk=olga.pk)).get("/users/current?include=profile").json(),
        call(User.objects.get(pk=olga.pk)).get(f"/users/{olga.pk}?include=profile").json(),
        staff.patch(f"/users/{olga.pk}?include=profile", {"name": "Olga New"}).json(),
    ]
    assert [user["profile"] for user in (*listed, *walked, *answers)] == [PROFILE] * 6


def test_who_must_change_the_password_is_told_so_at_the_sign_in(cast, call):
    from accounts.tests.factories import PASSWORD

    users.update(actor=None, user_id=cast.owner.pk, must_change_password=True)
    answer = call().post("/auth/token?include=profile", {"email": "olga@example.com", "password": PASSWORD})
    assert answer.json()["user"]["profile"] == {**BLANK, "must_change_password": True}


def test_a_new_user_has_one_at_once(cast, call):
    Team.objects.create(client=cast.acme, name="Everybody", join_by_default=True)
    client, body = call(cast.administrator), {"name": "N", "client_id": cast.acme.pk}
    secret = {"password": "securepassword", "password_confirmation": "securepassword"}
    one = client.post("/users?include=profile", {**body, **secret, "email": "one@example.com"}).json()
    bad = {**body, "email": "nobody"}
    many = client.post(
        "/users/bulk?include=profile",
        {
            "users": [
                {**body, **secret, "email": "two@example.com"},
                bad,
                {**body, **secret, "email": "three@example.com"},
            ]
        },
    ).json()["results"]
    assert [result["status"] for result in many] == [201, 422, 201]
    made = [one, many[0]["user"], many[2]["user"]]
    assert [user["email"].partition("@")[0] for user in made] == ["one", "two", "three"]
    assert [user["profile"] for user in made] == [{**BLANK, "teams": ["Everybody"]}] * 3


def test_a_profile_tells_what_a_call_has_just_changed(cast, call, olga):
    moved = call(cast.administrator).patch(f"/users/{olga.pk}?include=profile", {"client_id": None}).json()
    assert moved["client"] is None
    assert (moved["profile"]["teams"], moved["profile"]["roles"]) == ([], ["admin", "bot", "guest"])
