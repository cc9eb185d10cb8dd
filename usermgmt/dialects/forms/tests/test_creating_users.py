"""`POST /api/users`, sentence by sentence (contract 6)."""

import json

import pytest

from accounts.models import User, UserProfile
from usermgmt.dialects.forms.tests.forms import (
    CREATE,
    EXAMPLE,
    asked,
    bearing,
    changing,
    configured,
    errors_of,
    made,
    program,
    shown,
)

BLANK, TAKEN = ["can't be blank"], ["has already been taken"]


@pytest.mark.parametrize("path", ["/api/users", "/api/users.json"])
def test_the_seed_s_request_makes_a_user_right_after_migrate(cast, administrator, path):
    token = administrator._credentials["HTTP_AUTHORIZATION"].removeprefix("Token token=")
    answer = administrator.generic(
        "POST",
        path,
        data=json.dumps(asked(EXAMPLE)),
        content_type="application/json",
        headers={"authorization": f"Token token={token}", "accept": "application/json"},
    )

    user = made(answer)
    assert (user.given_name, user.email, user.name) == ("Example", "example1@example.com", "Example")
    assert user.check_password("somepassword")
    assert (user.client.name, user.is_superuser, user.is_active) == ("Default", False, True)
    assert answer.content == f'{{"id":{user.pk},"errors":{{}}}}'.encode()


@pytest.mark.parametrize(
    "accept", ["application/vnd.nearme.v4+json", "application/vnd.api+json", "text/html", "image/png", "nonsense"]
)
def test_whatever_is_accepted_the_answer_is_of_one_type(administrator, accept):
    made(administrator.post("/api/users", asked(EXAMPLE), headers={"accept": accept}))


def test_a_token_of_a_client_makes_users_in_that_client(cast, administrator):
    assert made(program(cast.administrator, client=cast.acme).post("/api/users", asked(EXAMPLE))).client == cast.acme


@pytest.mark.parametrize(
    ("change", "errors"),
    [
        ({"first_name": ""}, {"first_name": BLANK}),
        ({"first_name": "  "}, {"first_name": BLANK}),
        ({"first_name": None}, {"first_name": BLANK}),
        ({"password": None}, {"password": BLANK}),
        ({"password": "12345"}, {"password": ["is too short (minimum is 6 characters)"]}),
        ({"password": "x" * 129}, {"password": ["is too long (maximum is 128 characters)"]}),
        ({"email": ""}, {"email": ["is invalid", *BLANK]}),
        ({"email": "nobody"}, {"email": ["is invalid"]}),
        ({"email": " OLGA@example.COM "}, {"email": TAKEN}),
        (
            {"email": "olga@example.com", "first_name": "", "password": "short"},
            {"first_name": BLANK, "email": TAKEN, "password": ["is too short (minimum is 6 characters)"]},
        ),
        ({"first_name": 5}, {"first_name": ["is invalid"]}),
        ({"email": {"a": 1}}, {"email": ["is invalid"]}),
        ({"password": ["secret"]}, {"password": ["is invalid"]}),
    ],
)
def test_each_fault_is_told_by_its_field_and_nobody_is_made(cast, administrator, change, errors):
    before = User.objects.count()
    form = {name: value for name, value in (EXAMPLE | change).items() if value is not None}
    assert errors_of(administrator.post("/api/users", asked(form))) == errors
    assert User.objects.count() == before


def test_six_characters_are_a_password(administrator):
    assert made(administrator.post("/api/users", asked(EXAMPLE | {"password": "123456"}))).check_password("123456")


def test_a_configuration_by_which_nobody_needs_a_password_makes_users_who_cannot_sign_in(cast, administrator):
    name = changing({"email": {}, "name": {}})
    user = made(administrator.post("/api/users", asked({"email": "mute@example.com"}, name)))
    assert not user.has_usable_password()
    assert user.name == "mute"


UNDECLARED = {
    "featured": True,
    "external_id": "x-1",
    "public_profile": True,
    "is_superuser": True,
    "admin": True,
    "client_id": None,
    "client": 1,
    "id": 1,
    "username": "root",
    "is_active": False,
    "properties": {"a": 1},
    "profiles": {"default": {"properties": {"a": 1}}},
    "relationship_users": {"manager": {"user_id": 1}},
    "transactables": {"bicycle": {"name": "Red"}},
}


def test_what_is_not_declared_is_dropped(cast, administrator):
    user = made(administrator.post("/api/users", asked(EXAMPLE | UNDECLARED)))
    assert (user.featured, user.external_id, user.public_profile, user.properties) == (False, "", False, {})
    assert (user.is_superuser, user.is_active, user.username) == (False, True, "example1")
    assert not UserProfile.objects.exists()
    assert shown(administrator, user) == {"id": user.pk, "email": "example1@example.com", "first_name": "Example"}


@pytest.mark.parametrize(("sent", "stored"), [(True, True), ("true", True), ("1", True), (0, False), ("", False)])
def test_what_is_declared_is_stored(cast, administrator, sent, stored):
    name = configured({"featured": {}, "external_id": None, "last_name": {}, "middle_name": {}})
    form = EXAMPLE | {"featured": sent, "external_id": "x-1", "last_name": "Last", "middle_name": "Middle"}
    user = made(administrator.post("/api/users", asked(form, name)))
    assert (user.featured, user.external_id, user.name) == (stored, "x-1", "Example Middle Last")
    assert shown(administrator, user) == {
        "id": user.pk,
        "email": "example1@example.com",
        "first_name": "Example",
        "featured": stored,
        "external_id": "x-1",
        "last_name": "Last",
        "middle_name": "Middle",
    }


def test_an_external_id_is_one_user_s_of_a_client_and_never_lifts_the_uniqueness_of_addresses(cast, administrator):
    name = configured({"external_id": {}})
    made(administrator.post("/api/users", asked(EXAMPLE | {"external_id": "x-1"}, name)))
    again = asked(EXAMPLE | {"external_id": "x-1", "email": "other@example.com"}, name)
    assert errors_of(administrator.post("/api/users", again)) == {"external_id": TAKEN}
    same = asked(EXAMPLE | {"external_id": "x-2"}, name)
    assert errors_of(administrator.post("/api/users", same)) == {"email": TAKEN}
    made(program(cast.administrator, client=cast.acme).post("/api/users", again))


def test_a_profile_that_a_rule_refuses_makes_no_user_and_one_that_it_takes_can_be_read(cast, administrator):
    name = configured({"profiles": {"default": {"properties": {"user_attr": {"validation": {"presence": True}}}}}})
    before = User.objects.count()
    for profiles in ({"default": {"properties": {}}}, {"default": {}}, {}, {"default": {"properties": {"other": 1}}}):
        answer = administrator.post("/api/users", asked(EXAMPLE | {"profiles": profiles}, name))
        assert errors_of(answer) == {"profiles.default.properties.user_attr": BLANK}
    assert (User.objects.count(), UserProfile.objects.count()) == (before, 0)

    sent = {"default": {"properties": {"user_attr": "here", "other": 1}}}
    user = made(administrator.post("/api/users", asked(EXAMPLE | {"profiles": sent}, name)))
    profile = user.profiles.get()
    assert (profile.type.name, profile.properties) == ("default", {"user_attr": "here"})
    told = shown(administrator, user)["profiles"]
    assert told == {"default": {"id": profile.pk, "properties": {"user_attr": "here"}}}


def test_the_default_payload_lies_over_what_is_sent(administrator):
    name = configured(
        {"last_name": {}, "properties": {"source": {}, "seen": {}}},
        default_payload={"last_name": "Fixed", "properties": {"source": "web"}},
    )
    form = EXAMPLE | {"last_name": "Mine", "properties": {"source": "mine", "seen": 1}}
    user = made(administrator.post("/api/users", asked(form, name)))
    assert (user.family_name, user.properties) == ("Fixed", {"source": "web", "seen": 1})


def test_read_only_fields_have_the_server_s_value_and_virtual_ones_are_judged_and_not_kept(administrator):
    name = configured(
        {
            "last_name": {"property_options": {"readonly": True, "default": "X"}},
            "middle_name": {"property_options": {"default": "M"}},
            "name": {"property_options": {"readonly": True}},
            "terms": {
                "property_options": {"virtual": True},
                "validation": {"inclusion": {"in": [True], "message": "must be accepted"}},
            },
        }
    )
    form = EXAMPLE | {"last_name": "Y", "name": "Mine"}
    refused = administrator.post("/api/users", asked(form | {"terms": False}, name))
    assert errors_of(refused) == {"terms": ["must be accepted"]}

    user = made(administrator.post("/api/users", asked(form | {"terms": True}, name)))
    assert (user.family_name, user.middle_name, user.name) == ("X", "M", "Example M X")
    assert user.properties == {}


def test_no_answer_tells_a_password_or_a_token(cast, administrator):
    user = made(administrator.post("/api/users", asked(EXAMPLE)))
    told = administrator.get(f"/api/users/{user.pk}").content.decode()
    assert not {"password", "authentication_token", "somepassword", "token"} & set(json.loads(told))
    assert "somepassword" not in told


def test_a_dead_token_makes_nobody(cast):
    before = User.objects.count()
    answer = bearing("um_0000000000000000_" + "0" * 43).post("/api/users", asked(EXAMPLE, CREATE))
    assert errors_of(answer, 401) == {"base": ["Invalid Authentication"]}
    assert answer["WWW-Authenticate"] == 'Token realm="Application"'
    assert User.objects.count() == before
