"""`manage.py import_users`: users out of CSV and JSON lines."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest
from django.conf import settings
from django.db import OperationalError, connection

from accounts import counts, passwords, roles
from accounts.management.commands import import_users
from accounts.models import CustomField, Event, Membership, Team, User
from accounts.services import importing as importing_service
from accounts.tests.imports import importing, lines, person
from clients.models import Client

WHOLE = {
    "name": "Ruby Q. Roe",
    "given_name": "Ruby",
    "middle_name": "Q.",
    "family_name": "Roe",
    "email": "ruby@example.org",
    "username": "Ruby.R",
    "client": "ACME",
    "active": False,
    "email_verified": True,
    "must_change_password": True,
    "external_id": "42",
    "featured": True,
    "public_profile": True,
    "nickname": "rubes",
    "bio": 'Likes "quotes", commas,\nand lines.',
    "status_text": "away",
    "custom_fields": {"desk": "12"},
    "properties": {"a": [1, None, {"b": True}]},
    "roles": ["bot", "guest"],
}


def as_csv(row):
    text = io.StringIO(newline="")
    cells = {
        name: json.dumps(value) if isinstance(value, dict) else " ".join(value) if isinstance(value, list) else value
        for name, value in row.items()
    }
    writer = csv.DictWriter(text, list(reversed(cells)))
    writer.writeheader()
    writer.writerow(cells)
    return text.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("users.csv", as_csv(WHOLE)),
        ("users.CSV", "\ufeff" + as_csv(WHOLE).removesuffix("\r\n")),
        ("users.jsonl", lines(WHOLE)),
        ("users.ndjson", "\ufeff\n" + lines(WHOLE).strip()),
    ],
)
def test_a_row_makes_the_user_it_tells_of(cast, tmp_path, name, content):
    done = importing(tmp_path / name, content)
    assert (done.code, done.said, done.faults) == (0, "1 created.\n", {})
    made = User.objects.get(email="ruby@example.org")
    told = WHOLE | {"client": cast.acme, "active": made.is_active}
    assert {field: getattr(made, field, told[field]) for field in told} == told
    assert (made.is_active, roles.given_to(made), made.is_superuser) == (False, ["bot", "guest"], False)
    assert (made.search_text, made.has_usable_password()) == ("ruby q. roe\nruby@example.org\nruby.r", False)
    assert sorted(path.name for path in tmp_path.iterdir()) == [name]  # nothing is left beside it


def test_the_trail_tells_of_each_and_of_the_whole_without_secrets(cast, tmp_path):
    rows = [person(1, password="a very long one"), person(2), person(3, email="no address")]
    assert importing(tmp_path / "new people.jsonl", lines(*rows)).code == 1
    *made, summary = Event.objects.order_by("pk")
    assert [(event.action, event.contract, event.actor_id) for event in made] == [("user.created", "command", None)] * 2
    assert {event.target_id for event in made} == set(
        User.objects.filter(email__endswith="@example.org").values_list("pk", flat=True)
    )
    assert (summary.action, summary.target_id) == ("user.imported", None)
    assert summary.changes == {
        "file": [None, "new people.jsonl"],
        "created": [None, 2],
        "updated": [None, 0],
        "unchanged": [None, 0],
        "skipped": [None, 0],
        "refused": [None, 1],
    }
    assert len({event.request_id for event in [*made, summary]}) == 1
    assert len(summary.request_id) == 32
    assert "very long" not in str([event.changes for event in Event.objects.all()])


def test_they_join_the_teams_that_everybody_joins(cast, tmp_path):
    team = Team.objects.create(client=cast.acme, name="All", join_by_default=True)
    importing(tmp_path / "a.jsonl", lines(person(1), person(2), person(3, client="Globex")))
    joined = Membership.objects.filter(team=team).values_list("user__email", flat=True)
    assert sorted(joined) == ["p1@example.org", "p2@example.org"]


def test_a_password_in_clear_is_hashed_and_to_be_changed_unless_the_row_says_otherwise(cast, tmp_path):
    row = person(1, password="'=a long one", must_change_password=False)
    assert importing(tmp_path / "a.csv", as_csv(row)).code == 0
    assert importing(tmp_path / "b.jsonl", lines(person(2, password="'=a long one"))).code == 0
    first, second = User.objects.filter(email__endswith="@example.org").order_by("email")
    assert passwords.verified("'=a long one", first.password)
    assert passwords.verified("'=a long one", second.password)
    assert (first.must_change_password, second.must_change_password) == (False, True)


@pytest.mark.parametrize(
    ("row", "options", "client"),
    [
        ({}, {}, "no user"),
        ({"client": None}, {}, "no user"),
        ({"client": ""}, {}, "no user"),
        ({}, {"client": "acme"}, "Acme"),
        ({"client": "Globex"}, {"client": "acme"}, "Globex"),
        ({}, {"administrators": True}, None),
        ({"client": "Globex"}, {"administrators": True}, "Globex"),
        ({"client": "Nobody's"}, {}, "no user"),
        ({"client": "Nobody's"}, {"create_clients": True}, "Nobody's"),
        ({"client": "\n"}, {"create_clients": True}, "no user"),
        ({"client": "x" * 1000}, {"create_clients": True}, "no user"),
        ({"client_id": 0}, {"administrators": True}, "no user"),
        ({"client_id": -1}, {}, "no user"),
        ({"client_id": 10**300}, {}, "no user"),
    ],
)
def test_nobody_becomes_an_administrator_unless_that_is_said(cast, tmp_path, row, options, client):
    done = importing(
        tmp_path / "a.jsonl", lines({"name": "Ann", "email": "ann@example.org", "external_id": "1"} | row), **options
    )
    made = User.objects.filter(email="ann@example.org").select_related("client").first()
    if made is None:
        assert (done.code, client, [field for field, _ in done.faults[1]]) == (1, "no user", ["client"])
    else:
        assert (done.code, made.client.name if made.client else None) == (0, client)


def test_a_client_may_be_named_by_its_number_and_not_twice(cast, tmp_path):
    rows = [person(1, client=None, client_id=cast.globex.pk), person(2, client_id=cast.globex.pk)]
    assert importing(tmp_path / "a.jsonl", lines(*rows)).faults == {2: [("client", "not_both")]}
    assert User.objects.get(email="p1@example.org").client == cast.globex


def test_custom_fields_are_judged_by_their_definitions(cast, tmp_path):
    CustomField.objects.create(name="desk", kind="text", required=True, max_length=3)
    rows = [person(1, custom_fields={"desk": "12", "more": 1}), person(2, custom_fields={"desk": "1234"}),
            person(3, custom_fields={}), person(4)]  # fmt: skip
    done = importing(tmp_path / "a.jsonl", lines(*rows))
    assert done.faults == {2: [("custom_fields", "custom_too_long")], 3: [("custom_fields", "custom_required")]}
    assert User.objects.get(email="p1@example.org").custom_fields == {"desk": "12"}


def test_a_dry_run_tells_the_same_and_writes_no_user(cast, tmp_path):
    rows = [person(1), person(2, email="x"), person(3, password="short"), person(4, client="New"), person(1)]
    before = User.objects.count()
    done = importing(tmp_path / "a.jsonl", lines(*rows), dry_run=True, create_clients=True)
    assert (done.code, User.objects.count(), Event.objects.count()) == (1, before, 0)
    assert done.said.startswith("Would be: 2 created, 3 refused.")
    assert not Client.objects.filter(name="New").exists()
    wet = importing(tmp_path / "a.jsonl", create_clients=True)
    assert (wet.code, wet.faults) == (1, done.faults)
    assert User.objects.count() == before + 2


@pytest.mark.django_db(transaction=True)
def test_a_pipe_is_read_as_a_file_is_and_the_exit_code_tells(tmp_path, transactional_db):
    database = settings.DATABASES["default"]
    url = f"sqlite:///{database['NAME']}" if "sqlite" in database["ENGINE"] else (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}:{database['PORT'] or 5432}/{database['NAME']}"
    )  # fmt: skip

    def piped(*arguments, sent):
        return subprocess.run(  # noqa: S603
            [sys.executable, str(settings.BASE_DIR / "manage.py"), "import_users", "-", *arguments],
            check=False, input=sent, capture_output=True, cwd=tmp_path, env=os.environ | {"DATABASE_URL": url},
        )  # fmt: skip

    sent = lines(person(1), person(2)).encode()
    assert piped("--format=jsonl", "--create-clients", sent=sent).returncode == 0
    again = piped("--format=jsonl", sent=sent)
    assert again.returncode == 1
    assert b"2 of 2 rows were refused: see stdin.faults.jsonl" in again.stderr
    assert piped("--format=jsonl", "--resume", sent=sent).returncode == 2
    assert User.objects.count() == 2


@pytest.mark.parametrize(
    ("file", "options", "words"),
    [
        (("a.csv", None), {}, "No such file"),
        (("a.txt", ""), {}, "Say --format"),
        (("a.csv", ""), {}, "nothing to read"),
        (("a.csv", "\n\n"), {}, "nothing to read"),
        (("a.jsonl", ""), {}, "nothing to read"),
        (("a.csv", "name,email,shoe_size,id\n"), {}, "There is no column 'shoe_size', 'id'"),
        (("a.csv", ",".join(f"c{n}" for n in range(1000))), {}, "'c9' and 990 more"),
        (("a.csv", "name,email,name\n"), {}, "more than one column 'name'"),
        (("a.csv", "name;email\n"), {}, "There is no column 'name;email'"),
        (("a.csv", "name,email\n".encode("utf-16")), {}, "in UTF-8"),
        (("a.csv", b"name,em\xffail\n"), {}, "in UTF-8"),
        (("a.csv", '"name,email\nx,y\n'), {}, "column"),
        (("a.csv", "name,email\n"), {"client": "Nobody's"}, "There is no client Nobody's"),
        (("a.csv", "name,email\n"), {"client": "Acme", "administrators": True}, "not both"),
        (("a.csv", "name,email\n"), {"resume": True}, "No run was stopped"),
        (("a.csv", "name,email\n"), {"faults": "/no/such/folder/faults"}, "No such file"),
    ],
)  # fmt: skip
def test_where_nothing_can_be_done_nothing_is_and_the_code_is_2(cast, tmp_path, file, options, words):
    name, content = file
    done = importing(tmp_path / name, content, **options)
    assert (done.code, words in done.said) == (2, True), done.said
    assert Event.objects.count() == 0


def test_a_database_that_does_not_answer_is_told_with_the_code_2(cast, tmp_path, monkeypatch):
    def away(*arguments, **options):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(importing_service, "take", away)
    done = importing(tmp_path / "a.jsonl", lines(person()))
    assert (done.code, "The database: server closed the connection. All rows before line 1 are in." in done.said) == (
        2,
        True,
    )
    monkeypatch.setattr(import_users, "_run", away)
    assert importing(tmp_path / "b.jsonl", lines(person())).code == 2


def test_a_header_alone_is_a_file_without_users(cast, tmp_path):
    assert importing(tmp_path / "a.csv", "name,email\n").said == "no row.\n"


def test_a_thousand_cost_a_few_queries(cast, tmp_path, django_assert_max_num_queries):
    rows = [person(n, external_id=str(n), roles=["bot"]) for n in range(1000)]
    with django_assert_max_num_queries(30 if connection.vendor == "postgresql" else 90):
        assert importing(tmp_path / "a.jsonl", lines(*rows)).code == 0
    assert User.objects.filter(client=cast.acme, groups__name="bot").count() == 1000
    assert counts.differences("default") == []
