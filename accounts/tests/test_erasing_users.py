"""`manage.py erase_user`: the person is gone, a tombstone stays (GDPR 17)."""

import io
import json
import sys
from datetime import timedelta
from functools import partial

import pytest
from django.apps import apps
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import models
from django.utils import timezone

from accounts.models import (
    ApiToken,
    Event,
    Mail,
    Membership,
    OneTimeToken,
    Purpose,
    Relationship,
    SignIn,
    SignInAddress,
    Team,
    User,
)
from accounts.services import erasure, personal_data, sign_ins, users
from accounts.services.records import ProfileSent, Records, RelationshipSent, TransactableSent
from accounts.tests.callers import caller, is_signed_in, sign_in_or_not, tokens_of
from accounts.tests.factories import (
    PASSWORD,
    RecordTypeFactory,
    RelationshipFactory,
    TransactableFactory,
    UserFactory,
    UserProfileFactory,
)
from accounts.tests.rows import everything, stored
from accounts.tests.test_races import at_once, repeated
from usermgmt import audit
from usermgmt.errors import Invalid, InvalidCredentials
from usermgmt.models import StoredAnswer
from usermgmt.origin import Origin, coming_from


def erase(user, **options):
    out = io.StringIO()
    call_command("erase_user", str(user), stdout=out, **{"yes": True, **options})
    return out.getvalue()


def furnish(user):
    """A row in each table that holds rows of users."""
    soon = timezone.now() + timedelta(hours=1)
    SignIn.objects.create(user=user, jti="j", expires_at=soon)
    OneTimeToken.objects.create(
        user=user, purpose=Purpose.PASSWORD_RESET, digest=f"{user.pk:064d}", address=user.email_canonical,
        password_version=1, expires_at=soon,
    )  # fmt: skip
    ApiToken.objects.create(user=user, name="Olga's laptop", lookup=f"l{user.pk}", digest=f"{user.pk:064d}", version=1)
    Mail.objects.create(user=user, kind=Mail.Kind.PASSWORD_RESET, address=user.email)
    Mail.objects.create(user=None, kind=Mail.Kind.PASSWORD_RESET, address=user.email.upper())
    SignInAddress.objects.create(user=user, address="192.0.2.7")
    StoredAnswer.objects.create(key=f"{user.pk:064d}", actor_id=user.pk, fingerprint="f", claimed_until=timezone.now())
    team, _ = Team.objects.get_or_create(client=user.client, name="Mountaineers")
    Membership.objects.create(user=user, team=team)
    user.groups.add(Group.objects.get(name="guest"))
    user.user_permissions.add(Permission.objects.order_by("pk")[0])
    LogEntry.objects.create(user=user, action_flag=CHANGE, object_repr="x", content_type=None)
    UserProfileFactory(user=user, properties={"Olga's floor": 3})
    friend = UserFactory(client=user.client)
    RelationshipFactory(user=user, related_user=friend, properties={"since": 1990})
    RelationshipFactory(user=friend, related_user=user, properties={"nickname": "of hers"})
    TransactableFactory(user=user, name="Olga's car")


def rows_of(user):
    """What hangs on the user, by table."""
    return {holding.name: holding.rows(user).count() for holding in personal_data.HOLDINGS}


@pytest.fixture
def furnished(cast):
    """The owner and the stranger with all that users have."""
    for user in (cast.owner, cast.stranger):
        furnish(user)
    return cast


# The tombstone


def test_the_row_stays_with_its_number_and_nothing_of_the_person(furnished):
    cast = furnished
    User.objects.filter(pk=cast.owner.pk).update(given_name="Olga", last_login=timezone.now(), email_verified=True)
    before = stored(cast.owner)
    erase("OLGA@example.com")
    after = stored(cast.owner)
    assert {field: after[field] for field in ("name", "given_name", "middle_name", "family_name", "email", "username")} == {
        "name": "Erased user",
        "given_name": "",
        "middle_name": "",
        "family_name": "",
        "email": f"erased-{cast.owner.pk}@erased.invalid",
        "username": f"erased-{cast.owner.pk}",
    }  # fmt: skip
    assert (after["is_active"], after["email_verified"], after["last_login"]) == (False, False, None)
    assert after["erased_at"] is not None
    assert not User.objects.get(pk=cast.owner.pk).has_usable_password()
    assert after["token_version"] > before["token_version"]
    assert (after["client_id"], after["created_at"]) == (before["client_id"], before["created_at"])
    assert "olga" not in json.dumps(after, default=str).lower()


def test_everything_of_the_person_is_gone_and_nothing_of_others(furnished, staff):
    cast = furnished
    others = rows_of(cast.stranger)
    assert all(count for name, count in rows_of(cast.owner).items() if name not in OTHERWISE_EMPTY)
    erase(cast.owner.pk)
    assert set(rows_of(cast.owner).values()) == {0}
    assert rows_of(cast.stranger) == others
    assert not Mail.objects.filter(address__icontains="olga").exists()


OTHERWISE_EMPTY = {"sessions"}  # the test below fills it


def test_nothing_of_the_profile_stays_and_roles_and_teams_do(cast):
    furnish(cast.owner)
    texts = {"nickname": "Oli", "bio": "Climbs.", "status_text": "Away"}
    users.update(
        actor=None, user_id=cast.owner.pk, custom_fields={"Olga's floor": 3}, must_change_password=True, **texts,
        external_id="olga-7", properties={"Olga's floor": 3}, featured=True, public_profile=True,
    )  # fmt: skip
    erase(cast.owner.pk)
    after = stored(cast.owner)
    told = ("nickname", "bio", "status_text", "custom_fields", "must_change_password", "external_id", "properties")
    assert [after[field] for field in told] == ["", "", "", {}, False, "", {}]
    assert (after["featured"], after["public_profile"]) == (False, False)
    assert Team.objects.get().name == "Mountaineers"
    assert Group.objects.filter(name="guest").exists()


def test_the_trail_keeps_nothing_of_a_profile(cast):
    values = {"bio": "Climbs.", "custom_fields": {"Olga's phone": 4930123456, "deep": {"born": [1990]}}}
    user = users.create(actor=None, client_id=cast.acme.pk, name="Olga", email="olga2@example.com", roles=["guest"])
    users.update(actor=None, user_id=user.pk, **values)
    users.update(actor=None, user_id=user.pk, custom_fields={}, roles=["bot"])
    Membership.objects.create(user=user, team=Team.objects.create(client=cast.acme, name="Mountaineers"))
    users.update(actor=None, user_id=user.pk, client_id=cast.globex.pk)
    erase(user.pk)
    told = [event.changes for event in Event.objects.about("user", user.pk).order_by("pk")]
    blank = "(erased)"
    assert told[0]["roles"] == [[], [blank]]
    assert told[1:] == [
        {"bio": [blank, blank], "custom_fields": [{}, blank]},
        {"custom_fields": [blank, {}], "roles": [[blank], [blank]]},
        {"client_id": [cast.acme.pk, cast.globex.pk], "teams": [[blank], []]},
        {},
    ]


def test_the_trail_keeps_nothing_of_records_and_properties(cast):
    for kind in ("profile", "relationship", "transactable"):
        RecordTypeFactory(kind=kind, name="sort")
    sent = Records(
        [ProfileSent("sort", {"Olga's phone": 4930123456})],
        [RelationshipSent("sort", cast.stranger.pk, {"since": 1990})],
        [TransactableSent("sort", name="Olga's car", properties={"doors": 5})],
    )
    user = users.create(
        actor=None, client_id=cast.acme.pk, name="Olga", email="olga2@example.com",
        external_id="olga-7", featured=True, properties={"born": 1990}, records=sent,
    )  # fmt: skip
    users.update(actor=None, user_id=user.pk, properties={}, client_id=cast.globex.pk)
    erase(user.pk)
    made, changed, _ = [event.changes for event in Event.objects.about("user", user.pk).order_by("pk")]
    blank = "(erased)"
    assert {field: made[field] for field in made if field not in ("name", "email", "username", "client_id", "active")} == {
        "external_id": [None, blank],
        "featured": [None, True],
        "properties": [None, blank],
        "profiles.sort": [None, blank],
        "relationships.sort": [[], blank],
        "transactables.sort": [[], blank],
    }  # fmt: skip
    assert changed == {
        "client_id": [cast.acme.pk, cast.globex.pk], "properties": [blank, {}], "relationships.sort": [blank, []],
    }  # fmt: skip


def test_with_a_person_their_relationships_go_in_both_directions_and_no_others(furnished):
    cast = furnished
    kept = RelationshipFactory(user=cast.stranger)
    erase(cast.owner.pk)
    assert Relationship.objects.filter(pk=kept.pk).exists()
    assert Relationship.objects.count() == 3  # it, and those of the stranger that were there before


def test_sessions_of_the_admin_site_are_gone(cast, staff):
    browsers = [staff(user) for user in (cast.spare, cast.administrator)]
    erase(cast.spare.pk)
    assert not list(personal_data._sessions(cast.spare))
    assert [browser.get("/admin/").status_code for browser in browsers] == [302, 200]


def test_every_token_is_dead_and_no_password_signs_in(cast):
    tokens = tokens_of(cast.owner)
    erase(cast.owner.pk)
    assert not is_signed_in(caller(), tokens.access)
    assert caller().post("/auth/token/refresh", {"refresh": tokens.refresh}).status_code == 401
    for email in ("olga@example.com", f"erased-{cast.owner.pk}@erased.invalid"):
        with pytest.raises(InvalidCredentials):
            sign_ins.sign_in(email=email, password=PASSWORD)


def test_the_address_and_the_user_name_are_free_for_somebody_new(cast):
    name = cast.owner.username
    erase(cast.owner.pk)
    new = users.create(actor=None, client_id=cast.acme.pk, name="Olga", email="olga@example.com", username=name)
    assert new.pk != cast.owner.pk
    assert list(Event.objects.about("user", new.pk).values_list("action", flat=True)) == ["user.created"]


def test_nobody_can_have_a_tombstones_address_or_stand_in_its_way(cast, call):
    taken = f"erased-{cast.owner.pk}"
    for email in (f"{taken}@erased.invalid", "Me@ERASED.invalid"):
        answer = call(cast.administrator).patch(f"/users/{cast.stranger.pk}", {"email": email})
        assert (answer.status_code, answer.json()) == (422, {"errors": {"email": ["is invalid"]}})
    users.update(actor=None, user_id=cast.stranger.pk, username=taken.upper())
    erase(cast.owner.pk)
    cast.owner.refresh_from_db()
    assert cast.owner.username.startswith(f"{taken}-")


# The trail


@pytest.fixture
def trail(cast):
    """Of the owner: changes by staff, own acts, a failed sign-in; and what others did elsewhere."""
    with coming_from(Origin("native", "r1", "192.0.2.1")):
        users.update(actor=cast.administrator, user_id=cast.owner.pk, name="Olga New", client_id=cast.globex.pk)
        audit.record(actor=None, action="sign_in.failed", target=("user", cast.owner.pk))
    cast.owner.refresh_from_db()  # signed in again: the other client ended every sign-in
    with coming_from(Origin("native", "r2", "192.0.2.2")):
        users.update(actor=cast.owner, user_id=cast.owner.pk, email="olga.new@example.com")
        changes = {"name": (None, "Olga's laptop"), "token": (None, 7), "of": (["Olga", {"deep": "Olga"}], None)}
        audit.record(actor=cast.owner, action="api_token.created", target=("user", cast.owner.pk), changes=changes)
        audit.record(actor=cast.owner, action="client.updated", target=("client", cast.acme.pk))
        stan = {"name": ("Stan Stranger", "Stan New")}
        audit.record(actor=cast.owner, action="user.updated", target=("user", cast.stranger.pk), changes=stan)
    with coming_from(Origin("native", "r3", "192.0.2.3")):
        users.update(actor=cast.stranger, user_id=cast.stranger.pk, name="Stan of Olga")
    return list(Event.objects.order_by("pk").values())


def test_the_rows_stay_without_names_and_the_persons_addresses(trail, cast):
    erase(cast.owner.pk)
    after = list(Event.objects.order_by("pk").values())
    erased = after.pop()
    assert (erased["action"], erased["target_id"], erased["actor_id"], erased["changes"]) == (
        "user.erased", cast.owner.pk, None, {},
    )  # fmt: skip
    personal = {"changes": None, "address": None}
    assert [{**row, **personal} for row in after] == [{**row, **personal} for row in trail]
    blank = "(erased)"
    updated, failed, moved, token, client, others, strangers = after
    assert updated["changes"] == {"name": [blank, blank], "client_id": [cast.acme.pk, cast.globex.pk]}
    assert updated["address"] == "192.0.2.1"  # the administrator's
    assert failed["address"] is None
    assert moved["changes"] == {"email": [blank, blank]}
    assert token["changes"] == {"name": [None, blank], "token": [None, 7], "of": [[blank, {"deep": blank}], None]}
    assert [row["address"] for row in (moved, token, client, others)] == [None] * 4
    assert others["changes"] == {"name": ["Stan Stranger", "Stan New"]}  # about the stranger
    assert strangers == trail[-1]


def test_pages_of_the_trail_show_the_tombstone(trail, cast, call, staff):
    erase(cast.owner.pk)
    client = call(cast.administrator)
    told = client.get(f"/users/{cast.owner.pk}/events").json()["events"]
    assert told[0]["action"] == "user.erased"
    assert told[0]["target"]["name"] == f"erased-{cast.owner.pk}@erased.invalid"
    assert "olga" not in client.get("/events").content.decode().lower().replace("stan of olga", "")
    browser = staff(cast.administrator)
    for page in (
        "/admin/accounts/event/",
        f"/admin/accounts/event/{trail[0]['id']}/change/",
        f"/admin/accounts/user/{cast.owner.pk}/history/",
        f"/admin/accounts/user/{cast.owner.pk}/change/",
        "/admin/accounts/user/",
    ):
        answer = browser.get(page)
        assert answer.status_code == 200
        assert b"olga@example.com" not in answer.content


def test_a_user_who_was_deleted_can_be_erased_from_the_trail_by_number(trail, cast):
    users.delete(actor=cast.administrator, user_id=cast.owner.pk)
    erase(cast.owner.pk)
    told = json.dumps(list(Event.objects.about("user", cast.owner.pk).values("changes")))
    assert "olga" not in told.lower()
    assert not Event.objects.filter(actor_id=cast.owner.pk, address__isnull=False).exists()
    assert "was erased already" in erase(cast.owner.pk)
    assert Event.objects.filter(action="user.erased").count() == 1


# Who is no more


CHANGES = {
    "name": {"name": "Olga again"},
    "state": {"active": True},
    "e-mail": {"email": "olga@example.com"},
    "password": {"password": "a new passphrase", "password_confirmation": "a new passphrase"},
    "client": {"client_id": None},
}


@pytest.mark.parametrize("change", CHANGES)
def test_no_call_changes_a_tombstone(cast, call, change):
    erase(cast.owner.pk)
    before = everything()
    answer = call(cast.administrator).patch(f"/users/{cast.owner.pk}", CHANGES[change])
    assert (answer.status_code, answer.json()) == (
        422,
        {"errors": {"base": ["can't be changed: the person was erased"]}},
    )
    assert everything() == before


def test_no_page_of_staff_changes_a_tombstone(cast, staff):
    erase(cast.owner.pk)
    browser = staff(cast.administrator)
    before = stored(cast.owner)
    chosen = {"action": "activate", "_selected_action": [cast.owner.pk]}
    told = browser.post("/admin/accounts/user/", chosen, follow=True)
    assert b"the person was erased" in told.content
    browser.post(
        f"/admin/accounts/user/{cast.owner.pk}/password/",
        {"usable_password": "true", "password": "a new passphrase", "password_confirmation": "a new passphrase"},
    )
    assert stored(cast.owner) == before


def test_a_tombstone_can_be_read_and_deleted(cast, call):
    erase(cast.owner.pk)
    client = call(cast.administrator)
    shown = client.get(f"/users/{cast.owner.pk}?include=active").json()
    assert (shown["name"], shown["active"]) == ("Erased user", False)
    assert client.delete(f"/users/{cast.owner.pk}").status_code == 204


# The command


def test_the_last_administrator_cannot_be_erased(cast):
    erase(cast.spare.pk)
    before = everything()
    with pytest.raises(CommandError, match="must leave at least one active administrator"):
        erase(cast.administrator.pk)
    assert everything() == before


def test_a_second_time_does_nothing(cast):
    assert erase("olga@example.com").startswith(f"Erased user {cast.owner.pk}")
    before = everything()
    assert erase(cast.owner.pk) == f"User {cast.owner.pk} was erased already.\n"
    assert everything() == before


def test_a_dry_run_says_what_would_go_and_changes_nothing(furnished):
    before, rows = everything(), rows_of(furnished.owner)
    told = erase(furnished.owner.pk, dry_run=True, yes=False)
    assert told.startswith(
        f"Would erase user {furnished.owner.pk}: 1 sign ins, 1 one time tokens, 1 api tokens, 2 mails"
    )
    assert (everything(), rows_of(furnished.owner)) == (before, rows)


@pytest.mark.parametrize("named", ["nobody@example.com", "987654321", "0", "-1", "", "99999999999999999999"])
def test_nobody_is_an_error_message(cast, named):
    before = everything()
    with pytest.raises(CommandError, match="There is no user"):
        erase(named)
    assert everything() == before


def test_it_asks_and_takes_nothing_but_the_same_name_for_a_yes(cast, monkeypatch):
    with pytest.raises(CommandError, match="say --yes"):
        erase("olga@example.com", yes=False)
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    for answer in ("", "y", "yes", "stan@example.com"):
        monkeypatch.setattr("builtins.input", lambda prompt, answer=answer: answer)
        with pytest.raises(CommandError, match="Nothing was erased"):
            erase("olga@example.com", yes=False)
    assert not Event.objects.exists()
    monkeypatch.setattr("builtins.input", lambda prompt: "olga@example.com")
    assert "Erased user" in erase("olga@example.com", yes=False)


def test_all_of_it_or_nothing(furnished, monkeypatch):
    before, rows = everything(), rows_of(furnished.owner)
    monkeypatch.setattr(erasure, "_entomb", lambda user: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        erase(furnished.owner.pk)
    assert (everything(), rows_of(furnished.owner)) == (before, rows)


def test_every_table_that_names_a_user_is_thought_of():
    """A new one must say what becomes of its rows: in `HOLDINGS`, or here."""
    thought_of = {holding.model for holding in personal_data.HOLDINGS} | {Event}  # whose rows stay, blanked
    for model in apps.get_models(include_auto_created=True):
        for field in model._meta.concrete_fields:
            relates = field.is_relation and field.related_model is User
            named = field.name in ("actor_id", "user_id", "owner_id", "created_by_id")
            if relates or (named and isinstance(field, models.IntegerField)):
                assert model in thought_of, f"{model._meta.label}.{field.name}"


def test_every_column_of_the_user_is_told_or_technical_and_blanked_or_harmless():
    columns = {field.name for field in User._meta.concrete_fields}
    told = set(personal_data.of_user(User())) - {"role", "has_password"}
    assert told | personal_data.TECHNICAL == columns
    assert not told & personal_data.TECHNICAL


# Races


@pytest.mark.django_db(transaction=True)
@repeated()
def test_whoever_is_erased_while_signing_in_is_erased():
    user = UserFactory(email="olga@example.com")
    sign_in = partial(sign_in_or_not, "olga@example.com")
    at_once(sign_in, sign_in, lambda: erasure.erase(actor=None, user_id=user.pk))
    user.refresh_from_db()
    assert (user.name, user.last_login, user.sign_ins.count()) == ("Erased user", None, 0)


@pytest.mark.django_db(transaction=True)
@repeated()
def test_of_two_administrators_who_are_erased_at_once_one_stays():
    from accounts.tests.test_races import administrators

    def erasing(user):
        def call():
            try:
                erasure.erase(actor=None, user_id=user.pk)
            except Invalid as error:
                return str(error)
            return None

        return call

    results = at_once(*(erasing(user) for user in administrators()))
    assert set(results) == {"The directory must leave at least one active administrator", None}
    assert User.objects.active_administrators().count() == 1
