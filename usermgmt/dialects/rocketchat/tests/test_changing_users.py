"""users.update, when it does (contract 4)."""

import pytest
from django.contrib.auth.models import Group

from accounts import passwords
from accounts.grants import Grant
from accounts.models import CustomField, Event, Mail, Team, User
from accounts.models.team import Membership
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD
from accounts.tests.rows import stored
from clients.services import default_client
from usermgmt.dialects.rocketchat.tests.callers import LOGGED_OUT, allow, logged_in, told

PATH = "/api/v1/users.update"
GOOD = "a password nobody has"


def update(client, user, /, **data):
    return told(client.post(PATH, {"userId": str(user.pk), "data": data}))


def updated(client, user, /, **data):
    status, body = update(client, user, **data)
    assert (status, body["success"], body.keys()) == (200, True, {"user", "success"}), body
    return body["user"]


def last_change():
    return Event.objects.filter(action="user.updated").latest("id")


@pytest.fixture
def client(cast):
    return logged_in(cast.administrator)


def test_everything_that_can_be_said_of_a_user_changes(cast, client):
    user = updated(
        client,
        cast.owner,
        email="new@example.com",
        name="New Name",
        username="newname",
        password=GOOD,
        bio="Writes.\nReads.",
        nickname="Nin",
        statusText="At sea",
        active=True,
        roles=["bot", "guest"],
        requirePasswordChange=True,
        verified=True,
        customFields={"twitter": "@nina"},
        joinDefaultChannels=True,
        sendWelcomeEmail=False,
        setRandomPassword=False,
        status="busy",
        freeSwitchExtension="1001",
    )
    expected = {
        "_id": str(cast.owner.pk),
        "username": "newname",
        "name": "New Name",
        "emails": [{"address": "new@example.com", "verified": True}],
        "nickname": "Nin",
        "bio": "Writes.\nReads.",
        "statusText": "At sea",
        "status": "offline",
        "type": "user",
        "active": True,
        "roles": ["bot", "guest"],
        "requirePasswordChange": True,
        "customFields": {"twitter": "@nina"},
        "settings": {},
    }
    assert {name: user[name] for name in expected} == expected
    assert user.keys() == expected.keys() | {"createdAt", "_updatedAt"}
    row = User.objects.get(pk=cast.owner.pk)
    assert passwords.verified(GOOD, row.password)
    assert (row.status_text, row.must_change_password, row.client_id) == ("At sea", True, cast.acme.pk)
    assert last_change().actor_id == cast.administrator.pk
    # And it is there by the other door.
    shown = caller(cast.administrator).get(f"/users/{cast.owner.pk}").json()
    assert (shown["name"], shown["email"]) == ("New Name", "new@example.com")


def test_what_is_not_sent_stays(cast, client):
    before = stored(cast.owner)
    updated(client, cast.owner, nickname="Nin")
    after = stored(cast.owner)
    assert {name for name in after if after[name] != before[name]} == {"nickname", "version", "updated_at"}
    assert last_change().changes == {"nickname": ["", "Nin"]}


def test_nothing_changes_by_nothing(cast, client):
    before = stored(cast.owner)
    updated(client, cast.owner)
    nothing = dict.fromkeys(["name", "email", "password", "username", "bio", "active", "roles", "verified"])
    updated(client, cast.owner, **nothing, customFields=None, status=None)
    updated(client, cast.owner, username="olga", email="olga@example.com", roles=["user"], active=True, password="")
    assert stored(cast.owner) == before
    assert not Event.objects.filter(action="user.updated").exists()


def test_the_products_form_sends_blank_what_it_leaves_as_it_is(cast, client):
    before = stored(cast.owner)
    updated(client, cast.owner, name="New Name", email=" ", password="   ")
    after = stored(cast.owner)
    assert (after["email"], after["password"]) == (before["email"], before["password"])
    assert after["name"] == "New Name"


def test_texts_are_cleared_by_blanks(cast, client):
    updated(client, cast.owner, bio="Here.", nickname="Nin", statusText="At sea", customFields={"a": 1})
    user = updated(client, cast.owner, bio="", nickname=" ", statusText="", customFields={})
    assert not user.keys() & {"bio", "nickname", "statusText", "customFields"}


def test_types_are_coerced(cast, client):
    user = told(client.post(PATH, {"userId": cast.owner.pk, "data": {"name": 12, "active": "false", "roles": [1]}}))
    assert user == (
        400,
        {
            "success": False,
            "error": "The field Roles consist invalid role id [error-action-not-allowed]",
            "errorType": "error-action-not-allowed",
            "details": {"method": "insertOrUpdateUser", "action": "Assign_role"},
        },
    )
    user = told(client.post(PATH, {"userId": cast.owner.pk, "data": {"name": 12, "active": "false"}}))[1]["user"]
    assert (user["name"], user["active"]) == ("12", False)


def test_fields_are_shown_or_left_out(cast, client):
    body = {"userId": str(cast.owner.pk), "data": {"name": "New"}, "confirmRelinquish": True}
    answer = client.post(f'{PATH}?fields={{"name":1}}', body)
    assert told(answer) == (200, {"user": {"_id": str(cast.owner.pk), "name": "New"}, "success": True})
    with_fault = told(client.post(f"{PATH}?fields=nonsense", {**body, "data": {"name": "Newer"}}))
    assert with_fault[1]["errorType"] == "error-invalid-fields"
    assert User.objects.get(pk=cast.owner.pk).name == "New"


# Addresses


def test_a_new_address_is_unverified_and_asked_for_its_proof(cast, client):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    user = updated(client, cast.owner, email="new@example.com")
    assert user["emails"] == [{"address": "new@example.com", "verified": False}]
    assert sorted(Mail.objects.values_list("kind", "address")) == [
        (Mail.Kind.EMAIL_CHANGED, "olga@example.com"),
        (Mail.Kind.EMAIL_VERIFICATION, "new@example.com"),
    ]


def test_a_new_address_is_verified_where_that_is_said(cast, client):
    user = updated(client, cast.owner, email="new@example.com", verified=True)
    assert user["emails"] == [{"address": "new@example.com", "verified": True}]
    assert not Mail.objects.filter(kind=Mail.Kind.EMAIL_VERIFICATION).exists()


def test_the_present_address_may_be_sent_along_and_be_verified(cast, client):
    user = updated(client, cast.owner, email="olga@example.com", verified=True)
    assert user["emails"] == [{"address": "olga@example.com", "verified": True}]
    user = updated(client, cast.owner, email="olga@example.com", verified=False)
    assert user["emails"] == [{"address": "olga@example.com", "verified": False}]
    assert updated(client, cast.administrator, email="ada@example.com")["username"] == "ada"


def test_another_spelling_of_the_address_is_kept_and_stays_verified(cast, client):
    User.objects.filter(pk=cast.owner.pk).update(email_verified=True)
    user = updated(client, cast.owner, email="Olga@Example.com")
    assert user["emails"] == [{"address": "Olga@Example.com", "verified": True}]


def test_the_case_of_a_user_name_changes(cast, client):
    assert updated(client, cast.owner, username="OLGA")["username"] == "OLGA"


# Passwords


def test_a_password_set_for_somebody_opens_the_door_and_ends_what_was_open(cast, client):
    olga = logged_in(cast.owner)
    updated(client, cast.owner, password=GOOD)
    assert told(olga.get("/api/v1/me")) == (401, LOGGED_OUT)
    assert caller().post("/auth/token", {"email": "olga@example.com", "password": GOOD}).status_code == 200


def test_a_random_password_takes_the_old_ones_place_and_goes_out_by_mail(cast, client):
    user = updated(client, cast.owner, password=GOOD, setRandomPassword=True)
    assert user["requirePasswordChange"] is True
    row = User.objects.get(pk=cast.owner.pk)
    assert not passwords.verified(GOOD, row.password)
    assert not passwords.verified(PASSWORD, row.password)
    assert Mail.objects.get(kind=Mail.Kind.RANDOM_PASSWORD).user_id == cast.owner.pk


def test_whoever_must_change_the_password_changes_exactly_that_here(cast):
    User.objects.filter(pk=cast.owner.pk).update(must_change_password=True)
    status, body = update(logged_in(cast.owner), cast.owner, name="New")
    assert (status, body["errorType"]) == (403, "error-password-change-required")
    status, body = update(logged_in(cast.owner), cast.stranger, password=GOOD)
    assert (status, body["errorType"]) == (403, "error-password-change-required")
    status, body = update(logged_in(cast.owner), cast.owner, password="")
    assert (status, body["errorType"]) == (403, "error-password-change-required")
    status, body = update(logged_in(cast.owner), cast.owner, password=PASSWORD)
    assert (status, body["errorType"]) == (400, "error-password-policy-not-met")
    assert stored(cast.owner)["must_change_password"]
    user = updated(logged_in(cast.owner), cast.owner, password=GOOD)
    assert "requirePasswordChange" not in user
    assert passwords.verified(GOOD, User.objects.get(pk=cast.owner.pk).password)


# Roles


def test_the_role_admin_is_gained_and_lost(cast, client):
    team = Team.objects.create(client=cast.acme, name="Crew")
    Membership.objects.create(team=team, user=cast.owner)
    olga = logged_in(cast.owner)
    user = updated(client, cast.owner, roles=["admin", "guest"])
    assert user["roles"] == ["admin", "guest"]
    row = User.objects.get(pk=cast.owner.pk)
    assert (row.client_id, row.is_superuser, row.groups.get().name) == (None, True, "guest")
    assert not Membership.objects.exists()
    assert told(olga.get("/api/v1/me")) == (401, LOGGED_OUT)

    user = updated(client, cast.owner, roles=["user"])
    assert user["roles"] == ["user"]
    row = User.objects.get(pk=cast.owner.pk)
    assert (row.client_id, row.is_superuser) == (default_client.present().pk, False)
    assert row.client_id is not None


def test_administrators_may_give_up_their_own_role_while_another_one_stays(cast, client):
    assert updated(client, cast.administrator, roles=[])["roles"] == ["user"]
    assert told(client.get("/api/v1/me")) == (401, LOGGED_OUT)
    assert list(User.objects.active_administrators()) == [cast.spare]


def test_an_administrator_by_a_bound_token_makes_none(cast):
    bound = logged_in(cast.administrator, kind="api", client=cast.acme)
    status, body = update(bound, cast.owner, roles=["admin"])
    assert (status, body["error"]) == (400, "Assigning admin is not allowed [error-action-not-allowed]")
    assert body["details"] == {"method": "insertOrUpdateUser", "action": "Assign_admin"}
    assert stored(cast.owner)["client_id"] == cast.acme.pk


def test_roles_are_replaced_by_those_sent(cast, client):
    assert updated(client, cast.owner, roles=["guest", "bot", "guest"])["roles"] == ["bot", "guest"]
    assert updated(client, cast.owner, roles=["user"])["roles"] == ["user"]
    assert updated(client, cast.owner, roles=[])["roles"] == ["user"]
    assert sorted(Group.objects.values_list("name", flat=True)) == ["bot", "guest", "user"]


# Whoever changes somebody


def test_regular_users_change_themselves(cast):
    user = updated(
        logged_in(cast.owner),
        cast.owner,
        name="New Name",
        username="newname",
        email="new@example.com",
        password=GOOD,
        bio="Here.",
        nickname="Nin",
        statusText="At sea",
        customFields={"a": "b"},
    )
    assert (user["name"], user["username"], user["bio"]) == ("New Name", "newname", "Here.")
    assert user["emails"] == [{"address": "new@example.com", "verified": False}]
    assert passwords.verified(GOOD, User.objects.get(pk=cast.owner.pk).password)


def test_a_role_lets_change_others_of_the_own_client(cast):
    clerk = logged_in(allow(cast.owner, Grant.EDIT))
    user = updated(clerk, cast.stranger, name="New", requirePasswordChange=True, verified=True, password=GOOD)
    assert user["name"] == "New"
    assert "emails" not in user  # who may not see all does not see all for having changed some
    row = stored(cast.stranger)
    assert (row["must_change_password"], row["email_verified"]) == (True, True)


def test_a_role_that_lets_edit_and_activate_does_both(cast):
    clerk = logged_in(allow(cast.owner, Grant.EDIT, Grant.SET_ACTIVE, Grant.VIEW))
    assert updated(clerk, cast.stranger, active=False)["active"] is False
    assert updated(clerk, cast.disabled, active=True, roles=["clerk"])["roles"] == ["clerk"]


def test_a_welcome_is_sent_to_others_and_not_to_oneself(cast, client):
    updated(client, cast.owner, sendWelcomeEmail=True)
    assert Mail.objects.get().kind == Mail.Kind.WELCOME
    updated(logged_in(cast.owner), cast.owner, sendWelcomeEmail=True)
    updated(client, cast.administrator, sendWelcomeEmail=True)
    assert Mail.objects.count() == 1


def test_custom_fields_are_those_that_are_defined(cast, client):
    CustomField.objects.create(name="twitter", public=True)
    user = updated(client, cast.owner, customFields={"twitter": "@nina", "other": "x"})
    assert user["customFields"] == {"twitter": "@nina"}


def test_what_was_changed_natively_is_seen_here(cast, client):
    answer = caller(cast.administrator).patch(f"/users/{cast.owner.pk}", {"name": "By the other door"})
    assert answer.status_code == 200
    assert updated(client, cast.owner, nickname="Nin")["name"] == "By the other door"
