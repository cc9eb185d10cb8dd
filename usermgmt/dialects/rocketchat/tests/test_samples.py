"""The seed's page by example: what is sent, and what is answered (samples/)."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import time_machine

from accounts.models import User
from accounts.services import users
from accounts.services.users import HOME
from accounts.tests.callers import caller
from usermgmt.dialects.rocketchat import serializers
from usermgmt.dialects.rocketchat.mapping import from_new_user, timestamp
from usermgmt.dialects.rocketchat.tests.bodies import PATH
from usermgmt.dialects.rocketchat.tests.callers import logged_in, told

SAMPLES = Path(serializers.__file__).parent / "samples"


def sample(name):
    return json.loads((SAMPLES / f"{name}.json").read_text())


@pytest.fixture
def moment():
    with time_machine.travel(datetime(2026, 3, 1, 10, 5, 0, 123456, tzinfo=UTC), tick=False):
        yield


@pytest.mark.usefixtures("moment")
def test_the_sample_request_is_answered_as_the_sample_says(cast):
    body = told(logged_in(cast.administrator).post(PATH, sample("users.create.request")))[1]
    made = User.objects.latest("pk")
    assert body["user"].pop("_id") == str(made.pk)
    expected = sample("users.create.response")
    del expected["user"]["_id"]
    assert body == expected


def test_the_sample_refusal_is_what_whoever_may_not_gets(cast):
    answer = logged_in(cast.owner).post(PATH, sample("users.create.request"))
    assert told(answer) == (400, sample("users.create.refusal"))


def test_the_sample_of_nobody_is_what_nobody_gets(db):
    assert told(caller().post(PATH, sample("users.create.request"))) == (401, sample("logged_out"))


@pytest.mark.usefixtures("moment")
def test_the_sample_login_is_what_a_login_gets(cast):
    sent = sample("users.create.request")
    user = users.create(
        actor=None,
        client_id=cast.acme.pk,
        **{name: sent[name] for name in ("name", "email", "username", "password", "roles")},
        email_verified=True,
    )
    body = told(caller().post("/api/v1/login", {"user": sent["username"], "password": sent["password"]}))[1]
    expected = sample("login.response")
    expected["data"] |= {"userId": str(user.pk), "authToken": body["data"]["authToken"]}
    expected["data"]["me"] |= {"_id": str(user.pk), "avatarUrl": body["data"]["me"]["avatarUrl"]}
    assert body == expected


def test_what_is_sent_becomes_what_the_directory_knows():
    values = serializers.read(sample("users.create.request"), serializers.USERS_CREATE)
    assert from_new_user(values) == (
        {
            "email": "email@user.tld",
            "name": "Test User",
            "username": "uniqueusername1",
            "password": "anypassyouwant",
            "nickname": "testusername",
            "bio": "All about the user",
            "status_text": "On a vacation",
            "active": True,
            "roles": ["bot"],
            "must_change_password": False,
            "welcome": False,
            "email_verified": False,
            "custom_fields": {"clearance": "High", "team": "Queen"},
            "client_id": HOME,
            "join_default_teams": True,
            "prove_email": True,
        },
        [],
    )


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 3, 1, 10, 5, tzinfo=UTC), "2026-03-01T10:05:00.000Z"),
        (datetime(2026, 3, 1, 10, 5, 59, 999999, tzinfo=UTC), "2026-03-01T10:05:59.999Z"),
        (datetime.fromisoformat("2026-03-01T12:05:00.5+02:00"), "2026-03-01T10:05:00.500Z"),
    ],
)
def test_a_moment_is_told_in_milliseconds_of_utc(moment, text):
    assert timestamp(moment) == text
