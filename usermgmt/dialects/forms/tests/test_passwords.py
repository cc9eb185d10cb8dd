"""Passwords of this contract: a length alone, exactly as received (contract 3 and 7)."""

import pytest

from accounts.models import User
from accounts.tests.callers import caller
from usermgmt.dialects.forms.tests.forms import EXAMPLE, OPEN, asked, changing, configured, errors_of, made

SHORT, LONG = "is too short (minimum is 6 characters)", "is too long (maximum is 128 characters)"


def post(client, password, name, **more):
    return client.post("/api/users", asked(EXAMPLE | {"password": password} | more, name))


def put(client, user, form, name):
    return client.put(f"/api/users/{user.pk}", asked(form, name))


@pytest.mark.parametrize(
    "password", ["123456", "password", "example", "  six  ", "\tpass\t", "pässwörd", "\U0001f600" * 6, "x" * 128]
)
def test_a_password_is_kept_exactly_as_received(cast, administrator, password):
    user = made(post(administrator, password, configured()))
    change = changing({"password": {}})
    for sent in (password, f" {password[:126]} "):
        assert put(administrator, user, {"password": sent}, change).status_code == 204
        user.refresh_from_db()
        assert user.check_password(sent)
        assert user.check_password(sent.strip()) is (sent == sent.strip())


@pytest.mark.parametrize(("password", "words"), [("12345", SHORT), ("x" * 129, LONG), ("\U0001f600" * 5, SHORT)])
def test_a_length_out_of_bounds_is_told(cast, administrator, password, words):
    name = configured()
    before = cast.owner.password
    assert errors_of(post(administrator, password, name)) == {"password": [words]}
    assert errors_of(put(administrator, cast.owner, {"password": password}, changing({"password": {}}))) == {
        "password": [words]
    }
    cast.owner.refresh_from_db()
    assert cast.owner.password == before


def test_the_least_length_is_a_setting(administrator, settings):
    settings.FORMS_PASSWORD_MIN_LENGTH = 10
    name = configured()
    assert errors_of(post(administrator, "123456789", name)) == {
        "password": ["is too short (minimum is 10 characters)"]
    }
    made(post(administrator, "1234567890", name))


def test_several_faults_are_one_sentence(administrator):
    rules = {  # in the order in which PostgreSQL keeps the keys of an object
        "format": {"with": "[0-9]", "message": "needs a digit"},
        "length": {"minimum": 8},
        "presence": True,
        "exclusion": {"in": ["secret"], "message": "is known to everybody"},
    }
    name = configured({"password": {"validation": rules}})
    assert errors_of(post(administrator, "secret", name)) == {
        "password": ["needs a digit, is too short (minimum is 8 characters), and is known to everybody"]
    }
    assert errors_of(post(administrator, "long enough", name)) == {"password": ["needs a digit"]}
    assert errors_of(post(administrator, "abcdefg", name)) == {
        "password": ["needs a digit and is too short (minimum is 8 characters)"]
    }


def test_the_contract_s_own_rule_is_told_once_the_configuration_has_no_more_to_say(administrator):
    name = configured({"password": {"validation": {"format": {"with": "[0-9]", "message": "needs a digit"}}}})
    assert errors_of(post(administrator, "abc", name)) == {"password": ["needs a digit"]}
    assert errors_of(post(administrator, "abc1", name)) == {"password": [SHORT]}


def test_a_password_is_sent_twice_where_it_is_to_be_confirmed(administrator):
    fields = {
        "password": {"validation": {"confirmation": True}},
        "password_confirmation": {"property_options": {"virtual": True}},
    }
    name = configured(fields, resource_owner="anyone")
    answer = post(administrator, "one password", name, password_confirmation="another password")
    assert errors_of(answer) == {"password_confirmation": ["doesn't match Password"]}
    assert "password" not in str(answer.content).replace("password_confirmation", "")
    user = made(post(administrator, "one password", name, password_confirmation="one password"))
    assert errors_of(put(administrator, user, {"password": "123456", "password_confirmation": "x"}, name)) == {
        "password_confirmation": ["doesn't match Password"]
    }
    assert put(administrator, user, {"password": "123456", "password_confirmation": "123456"}, name).status_code == 204
    user.refresh_from_db()
    assert user.check_password("123456")


def test_no_password_and_an_empty_one_are_two_things(administrator):
    name = changing({"email": {}, "name": {}, "password": {}})
    form = {"email": "mute@example.com", "name": "Mute"}
    assert errors_of(administrator.post("/api/users", asked(form | {"password": ""}, name))) == {
        "password": ["can't be blank"]
    }
    assert not made(administrator.post("/api/users", asked(form | {"password": None}, name))).has_usable_password()


def test_who_has_no_password_signs_in_through_no_contract(administrator):
    name = changing({"email": {}, "name": {}, "password": {}})
    user = made(administrator.post("/api/users", asked({"email": "mute@example.com", "name": "Mute"}, name)))
    assert not user.has_usable_password()
    nobody = caller()
    for tried in ("", user.password):
        native = nobody.post("/auth/token", {"email": user.email, "password": tried})
        rocket = nobody.post("/api/v1/login", {"user": user.email, "password": tried})
        session = administrator.post("/api/sessions", asked({"email": user.email, "password": tried}, OPEN))
        assert (native.status_code, rocket.status_code, session.status_code) == (401 if tried else 422, 401, 422)
    assert session.json() == {"errors": {"base": ["Invalid email or password"]}}
    assert User.objects.get(pk=user.pk).last_login is None
