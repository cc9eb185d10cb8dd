"""`manage.py export_users`, and that `import_users` takes back what it wrote."""

import csv
import io
import json
import stat

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts import passwords
from accounts.models import Event, User
from accounts.services import erasure, exporting
from accounts.spreadsheets import escaped, unescaped
from accounts.tests.factories import PASSWORD, UserFactory
from accounts.tests.imports import importing
from clients.models import Client

COLUMNS = [
    "name", "given_name", "middle_name", "family_name", "email", "username", "client", "active", "email_verified",
    "must_change_password", "external_id", "featured", "public_profile", "nickname", "bio", "status_text",
    "custom_fields", "properties", "roles",
]  # fmt: skip
KEPT = [name for name in COLUMNS if name not in ("client", "active", "roles")]


@pytest.fixture
def crowd(cast):
    """The cast, and users with everything that a file can spoil."""
    UserFactory(name="=1+1", email="+a@example.org", username="-a", client=cast.acme, external_id="-5", nickname="'=x",
                bio='"quoted", and\nlines\r\n\\n', status_text="@here '", custom_fields={"a": "=1\n\"'"},
                properties={"b": [1.5, None, {"ü": "\u2028"}]}, featured=True)  # fmt: skip
    UserFactory(name="'", email="b@example.org", username="TRUE", client=None, external_id="''+", email_verified=True,
                must_change_password=True, public_profile=True, password=passwords.hashed(None))  # fmt: skip
    UserFactory(name="Żółć, 漢字 🙂", email="c@example.org", client=cast.globex, is_active=False, given_name=" ")
    User.objects.get(email="c@example.org").groups.set(Group.objects.filter(name__in=["bot", "guest"]))
    UserFactory(name="Gone", email="gone@example.org", client=cast.acme)
    erasure.erase(actor=None, user_id=User.objects.get(email="gone@example.org").pk)


def export(**options):
    out = io.StringIO()
    call_command("export_users", stdout=out, **options)
    return out.getvalue()


def snapshot():
    return [
        {name: getattr(user, name) for name in KEPT}
        | {
            "client": user.client and user.client.name,
            "active": user.is_active,
            "roles": sorted(user.groups.values_list("name")),
        }
        for user in User.objects.filter(erased_at=None).order_by("pk").select_related("client")
    ]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
@pytest.mark.parametrize("hashes", [False, True])
def test_what_was_exported_makes_the_same_users_in_an_empty_directory(crowd, tmp_path, monkeypatch, kind, hashes):
    monkeypatch.setattr(exporting, "BATCH_SIZE", 3)
    path = tmp_path / f"users.{kind}"
    call_command("export_users", output=str(path), with_password_hashes=hashes, stdout=io.StringIO())
    before, stored = (
        snapshot(),
        list(User.objects.filter(erased_at=None).order_by("pk").values_list("password", flat=True)),
    )
    User.objects.all().delete()
    Client.objects.all().delete()
    done = importing(path, create_clients=True, administrators=True)
    assert (done.code, done.said, done.faults) == (0, f"{len(before)} created.\n", {})
    assert snapshot() == before
    after = list(User.objects.order_by("pk").values_list("password", flat=True))
    if hashes:
        assert [value for value in after if value[0] != "!"] == [value for value in stored if value[0] != "!"]
        assert User.objects.get(email="olga@example.com").check_password(PASSWORD)
    else:
        assert all(value.startswith("!") for value in after)
    assert importing(path, on_conflict="update", administrators=True).said == f"{len(before)} unchanged.\n"


def test_no_cell_is_a_formula(crowd):
    head, *cells = csv.reader(io.StringIO(export(), newline=""))
    assert head == COLUMNS
    assert {len(row) for row in cells} == {len(COLUMNS)}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in cells for cell in row)
    (ours,) = (dict(zip(head, row, strict=True)) for row in cells if row[4] == "'+a@example.org")
    assert (ours["name"], ours["nickname"], ours["external_id"], ours["featured"]) == ("'=1+1", "''=x", "'-5", "true")


@pytest.mark.parametrize("text", ["", "a", "'", "''", "'a", "=", "'=", "''=", "-1", "\t", "\r", "'@'", "a=", "'a="])
def test_the_way_back_from_a_cell_is_one(text):
    assert unescaped(escaped(text)) == text
    assert not escaped(text).startswith(("=", "+", "-", "@", "\t", "\r"))


def test_json_lines_tell_each_value_as_it_is(crowd):
    told = {row["email"]: row for row in map(json.loads, export(format="jsonl").split("\n")[:-1])}
    assert list(told["b@example.org"]) == COLUMNS
    assert (told["b@example.org"]["client"], told["b@example.org"]["name"]) == (None, "'")
    assert told["+a@example.org"]["properties"] == {"b": [1.5, None, {"ü": "\u2028"}]}
    assert told["c@example.org"]["roles"] == ["bot", "guest"]
    assert len(told) == User.objects.filter(erased_at=None).count()


def test_passwords_are_told_only_where_that_is_said(crowd):
    stored = User.objects.get(email="olga@example.com").password
    for kind in ("csv", "jsonl"):
        assert stored not in export(format=kind).replace("\\", "")
        assert stored in export(format=kind, with_password_hashes=True)


def test_the_users_of_one_client_may_be_exported_alone(crowd, cast):
    told = [json.loads(line) for line in export(format="jsonl", client="aCME").split("\n")[:-1]]
    assert {row["client"] for row in told} == {"Acme"}
    assert len(told) == 4
    with pytest.raises(CommandError, match="There is no client Nobody"):
        export(client="Nobody")


def test_the_trail_tells_of_it_and_the_file_is_its_owners_alone(cast, tmp_path):
    target = tmp_path / "users.jsonl"
    out = io.StringIO()
    call_command("export_users", output=str(target), client="Acme", with_password_hashes=True, stdout=out)
    assert out.getvalue() == f"Wrote 3 users to {target}.\n"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    (event,) = Event.objects.all()
    assert (event.action, event.target_id, event.contract) == ("user.exported", None, "command")
    assert event.changes == {
        "users": [None, 3], "client_id": [None, cast.acme.pk], "password_hashes": [None, True],
    }  # fmt: skip
    with pytest.raises(CommandError, match="No such file"):
        export(output=str(tmp_path / "no folder" / "x.csv"))
    assert Event.objects.count() == 1


def test_a_directory_without_users_is_a_header(db):
    assert export() == ",".join(COLUMNS) + "\r\n"
    assert export(format="jsonl") == ""


def test_it_takes_two_queries_a_batch(crowd, monkeypatch, django_assert_num_queries):
    total = User.objects.filter(erased_at=None).count()
    monkeypatch.setattr(exporting, "BATCH_SIZE", total)
    with django_assert_num_queries(1 + 1 + 2 + 1 + 1):  # the newest, how many, the batch, none after it, the event
        export()
