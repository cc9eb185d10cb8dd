"""The published Python client, unmodified, against a live server (contract 5 and 6.4)."""

import pytest
from rocketchat_API.APIExceptions.RocketExceptions import RocketApiException, RocketAuthenticationException
from rocketchat_API.rocketchat import RocketChat

from accounts.models import Team, User
from accounts.tests.factories import PASSWORD, UserFactory
from clients.models import Client


@pytest.fixture
def rocket(live_server, cast):
    """The client, logged in as the administrator by user name."""
    return RocketChat(cast.administrator.username, PASSWORD, server_url=live_server.url)


def test_a_whole_life_of_a_user(rocket, cast, settings, live_server):
    settings.DEFAULT_CLIENT = cast.acme.name
    everybody = Team.objects.create(client=cast.acme, name="Everybody", join_by_default=True)

    made = rocket.users_create(
        "Una@Example.com",
        "Una Name",
        "long enough",
        "uname",
        active=True,
        bio="All about Una",
        nickname="Una",
        statusText="On a vacation",
        roles=["user", "bot"],
        joinDefaultChannels=True,
        requirePasswordChange=False,
        setRandomPassword=False,
        sendWelcomeEmail=True,
        verified=True,
        customFields={"clearance": "High", "team": "Queen"},
    )

    assert made["success"] is True
    shown = made["user"]
    user = User.objects.get(username="uname")
    assert shown["_id"] == str(user.pk)
    assert {key: shown[key] for key in ("username", "name", "emails", "active", "roles", "type", "status")} == {
        "username": "uname",
        "name": "Una Name",
        "emails": [{"address": "Una@Example.com", "verified": True}],
        "active": True,
        "roles": ["bot", "user"],
        "type": "user",
        "status": "offline",
    }
    assert {key: shown[key] for key in ("bio", "nickname", "statusText", "customFields")} == {
        "bio": "All about Una",
        "nickname": "Una",
        "statusText": "On a vacation",
        "customFields": {"clearance": "High", "team": "Queen"},
    }
    assert list(everybody.members.all()) == [user]
    assert user.mails.get().kind == "welcome"

    assert rocket.users_info(username="uname")["user"]["_id"] == shown["_id"]
    assert rocket.users_info(user_id=shown["_id"])["user"]["username"] == "uname"

    changed = rocket.users_update(shown["_id"], name="Una New", username="una.new", bio="Less")
    assert {key: changed["user"][key] for key in ("name", "username", "bio")} == {
        "name": "Una New",
        "username": "una.new",
        "bio": "Less",
    }

    hers = RocketChat("una.new", "long enough", server_url=live_server.url)
    assert hers.me()["_id"] == shown["_id"]
    off = rocket.users_set_active_status(shown["_id"], False)
    assert off == {"user": {"_id": shown["_id"], "active": False}, "success": True}
    with pytest.raises(RocketApiException) as refused:
        hers.me()
    assert refused.value.status_code == 401
    with pytest.raises(RocketAuthenticationException):
        RocketChat("una.new", "long enough", server_url=live_server.url)
    rocket.users_set_active_status(shown["_id"], True)
    assert RocketChat("una.new", "long enough", server_url=live_server.url).me()["_id"] == shown["_id"]

    assert rocket.users_delete(shown["_id"]) == {"success": True}
    assert not User.objects.filter(pk=user.pk).exists()


def test_a_list_is_walked_past_a_page(rocket, cast):
    crowd = Client.objects.create(name="Crowd")
    stored = cast.owner.password
    User.objects.bulk_create(
        [UserFactory.build(client=crowd, is_superuser=False, password=stored, username=f"c{n:03}") for n in range(60)]
    )

    walked = [user["username"] for user in rocket.users_list()]

    assert len(walked) == User.objects.count() > 50
    assert walked == sorted(walked)


def test_a_login_by_e_mail_and_the_way_out(live_server, cast):
    rocket = RocketChat(cast.administrator.email, PASSWORD, server_url=live_server.url)
    other = RocketChat(cast.administrator.email, PASSWORD, server_url=live_server.url)
    assert rocket.me()["_id"] == rocket.headers["X-User-Id"] == str(cast.administrator.pk)

    assert rocket.logout()["status"] == "success"

    with pytest.raises(RocketApiException) as refused:
        rocket.me()
    assert refused.value.status_code == 401
    assert other.me()["success"] is True


def test_an_address_with_capitals_goes_out_as_a_user_name_and_logs_in(live_server, cast):
    User.objects.filter(pk=cast.administrator.pk).update(
        email="Admin.User@Example.com", email_canonical="admin.user@example.com"
    )
    rocket = RocketChat("Admin.User@Example.com", PASSWORD, server_url=live_server.url)
    assert rocket.me()["username"] == cast.administrator.username


def test_a_wrong_password_is_the_client_s_authentication_error(live_server, cast):
    with pytest.raises(RocketAuthenticationException):
        RocketChat(cast.administrator.username, "a wrong password", server_url=live_server.url)


def test_a_refusal_is_the_client_s_error_with_its_type(rocket, cast):
    with pytest.raises(RocketApiException) as refused:
        rocket.users_create("new@example.com", "New", "long enough", cast.owner.username.upper())
    assert (refused.value.status_code, refused.value.error_type) == (400, "error-field-unavailable")
    assert refused.value.error == f"{cast.owner.username.upper()} is already in use :( [error-field-unavailable]"
    with pytest.raises(RocketApiException) as missing:
        rocket.users_info(username="nobody")
    assert (missing.value.status_code, missing.value.error) == (400, "User not found.")
