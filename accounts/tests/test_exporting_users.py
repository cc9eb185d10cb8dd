"""`manage.py export_user`: everything that is held on a person (GDPR 15 and 20)."""

import io
import json
import stat

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import ApiToken, Event, OneTimeToken, RecordType, Relationship, SignIn, User
from accounts.services import personal_data, users
from accounts.tests.test_erasing_users import furnish
from usermgmt import audit
from usermgmt.models import StoredAnswer
from usermgmt.origin import Origin, coming_from


def export(user):
    out = io.StringIO()
    call_command("export_user", str(user), stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def trail(cast):
    with coming_from(Origin("native", "r1", "192.0.2.1")):
        users.update(actor=cast.administrator, user_id=cast.owner.pk, name="Olga New")
    with coming_from(Origin("native", "r2", "192.0.2.2")):
        users.update(actor=cast.owner, user_id=cast.owner.pk, given_name="Olga", family_name="Owner")
        audit.record(actor=cast.owner, action="user.updated", target=("user", cast.stranger.pk),
                     changes={"email": ("stan@example.com", "secret@example.com")})  # fmt: skip
        audit.record(actor=cast.stranger, action="user.updated", target=("user", cast.stranger.pk))


def test_it_is_the_person_with_everything_that_hangs_on_them(cast):
    furnish(cast.owner)
    furnish(cast.stranger)
    told = export("Olga@Example.com")
    assert set(told) == {
        "exported_at", "user", "events_about", "events_by", *(holding.name for holding in personal_data.HOLDINGS),
    }  # fmt: skip
    user = told["user"]
    assert (user["id"], user["name"], user["email"], user["role"]) == (
        cast.owner.pk, "Olga Owner", "olga@example.com", "user",
    )  # fmt: skip
    assert user["client"] == {"id": cast.acme.pk, "name": "Acme"}
    assert (user["has_password"], user["is_active"], user["erased_at"]) == (True, True, None)
    assert [len(told[name]) for name in ("sign_ins", "one_time_tokens", "api_tokens", "mails", "sign_in_addresses")] == [
        1, 1, 1, 2, 1,
    ]  # fmt: skip
    assert told["api_tokens"][0]["name"] == "Olga's laptop"
    assert told["one_time_tokens"][0]["purpose"] == "password_reset"
    assert told["sign_in_addresses"][0]["address"] == "192.0.2.7"
    assert [team["team__name"] for team in told["teams"]] == ["Mountaineers"]
    assert told["roles"] == [{"group__name": "guest"}]
    assert [len(told[name]) for name in ("permissions", "admin_log")] == [1, 1]
    assert "stan@example.com" not in json.dumps(told)


def test_what_they_tell_of_themselves_is_in_it(cast):
    values = {"nickname": "Oli", "bio": "Climbs.", "status_text": "Away", "custom_fields": {"floor": [3, {"a": None}]}}
    users.update(actor=None, user_id=cast.owner.pk, **values)
    told = export(cast.owner.pk)["user"]
    assert {name: told[name] for name in values} == values


def test_their_records_are_in_it_and_of_others_records_only_that_they_are_there(cast):
    users.update(actor=None, user_id=cast.owner.pk, external_id="olga-7", public_profile=True, properties={"a": [1]})
    furnish(cast.owner)
    told = export(cast.owner.pk)
    user, friend = told["user"], Relationship.objects.get(user=cast.owner).related_user_id
    assert (user["external_id"], user["featured"], user["public_profile"], user["properties"]) == (
        "olga-7", False, True, {"a": [1]},
    )  # fmt: skip
    (profile,), (relationship,) = told["profiles"], told["relationships"]
    assert (profile["properties"], profile["type__name"]) == ({"Olga's floor": 3}, RecordType.objects.first().name)
    assert (relationship["related_user_id"], relationship["properties"]) == (friend, {"since": 1990})
    assert [set(row) for row in told["related_by"]] == [{"type__name", "created_at"}]
    assert [(item["name"], item["currency"]) for item in told["transactables"]] == [("Olga's car", "USD")]
    assert "of hers" not in json.dumps(told)


def test_no_secret_and_no_digest_is_in_it(cast):
    furnish(cast.owner)
    text = json.dumps(export(cast.owner.pk))
    cast.owner.refresh_from_db()
    secrets = [cast.owner.password, *SignIn.objects.filter(user=cast.owner).values_list("jti", flat=True)]
    secrets += [token.digest for token in (OneTimeToken.objects.get(), ApiToken.objects.get())]
    secrets += [ApiToken.objects.get().lookup, StoredAnswer.objects.get().key]
    for secret in secrets:
        assert json.dumps(secret) not in text
    assert '"digest"' not in text and '"password"' not in text and '"jti"' not in text


def test_what_happened_to_them_and_what_they_did_is_in_it_without_what_is_others_own(cast, trail):
    told = export(cast.owner.pk)
    by_staff, own = told["events_about"]
    assert by_staff["actor"] == {"id": cast.administrator.pk, "email": None}
    assert (by_staff["address"], by_staff["changes"]) == (None, {"name": ["Olga Owner", "Olga New"]})
    assert own["address"] == "192.0.2.2"
    assert [event["target"] for event in told["events_by"]] == [
        {"kind": "user", "id": cast.owner.pk},
        {"kind": "user", "id": cast.stranger.pk},
    ]
    text = json.dumps(told)
    assert not [other for other in ("stan@example.com", "secret@", "ada@", "192.0.2.1") if other in text]


def test_an_administrator_too_is_told_of_themselves_alone(cast, trail):
    with coming_from(Origin("native", "r9", "192.0.2.9")):
        users.update(actor=cast.spare, user_id=cast.administrator.pk, name="Ada New")
    text = json.dumps(export(cast.administrator.pk))
    assert "192.0.2.1" in text  # their own
    assert not [other for other in ("sam@", "olga", "Olga", "192.0.2.9") if other in text]


def test_it_is_told_by_the_trail(cast):
    export(cast.owner.pk)
    event = Event.objects.get()
    assert (event.action, event.target_id, event.actor_id, event.contract) == (
        "user.exported", cast.owner.pk, None, "command",
    )  # fmt: skip


def test_a_file_is_for_its_owner_alone(cast, tmp_path):
    target = tmp_path / "olga.json"
    out = io.StringIO()
    call_command("export_user", str(cast.owner.pk), output=str(target), stdout=out)
    assert out.getvalue() == f"Wrote what is held on user {cast.owner.pk} to {target}.\n"
    assert json.loads(target.read_text())["user"]["id"] == cast.owner.pk
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_tombstone_holds_nothing(cast):
    furnish(cast.owner)
    call_command("erase_user", str(cast.owner.pk), yes=True, stdout=io.StringIO())
    told = export(cast.owner.pk)
    assert told["user"]["name"] == "Erased user"
    assert not any(told[holding.name] for holding in personal_data.HOLDINGS)


def test_nobody_is_an_error_message(cast):
    for named in ("nobody@example.com", "987654321", ""):
        with pytest.raises(CommandError, match="There is no user"):
            export(named)
    assert User.objects.count() == 6
