"""What of a file `import_users` refuses: a row at a time, and never its neighbours."""

import json

import pytest
from django.db import connection

from accounts.models import User
from accounts.services import memberships
from accounts.tests.imports import importing, lines, person
from accounts.tests.test_races import at_once
from clients.models import Client
from clients.services import clients
from clients.tests.factories import ClientFactory

GOOD = b'{"name": "Good", "email": "good%d@example.org", "client": "Acme"}\n'
UNREADABLE = [(None, "said")]


@pytest.mark.parametrize(
    ("values", "faults"),
    [
        ({"name": ""}, [("name", "blank")]),
        ({"name": "\u200b"}, [("name", "blank")]),
        ({"name": "x" * 256}, [("name", "too_long")]),
        ({"name": "x" * 1_000_000}, [("name", "too_long")]),
        ({"name": "a\nb"}, [("name", "invalid")]),
        ({"name": ["a"]}, [("name", "wrong_type"), ]),
        ({"email": ""}, [("email", "blank")]),
        ({"email": None}, [("email", "blank")]),
        ({"email": "nobody"}, [("email", "invalid")]),
        ({"email": 5}, [("email", "wrong_type")]),
        ({"email": "x" * 300 + "@example.org"}, [("email", "too_long")]),
        ({"email": "a@erased.invalid"}, [("email", "invalid")]),
        ({"username": "with space"}, [("username", "invalid")]),
        ({"username": ""}, [("username", "blank")]),
        ({"username": "x" * 256}, [("username", "too_long")]),
        ({"username": "olga"}, [("username", "taken")]),
        ({"email": "OLGA@Example.COM"}, [("email", "taken")]),
        ({"external_id": "x" * 256}, [("external_id", "too_long")]),
        ({"external_id": "a\tb"}, [("external_id", "invalid")]),
        ({"nickname": "x" * 121, "bio": "x" * 261}, [("nickname", "too_long"), ("bio", "too_long")]),
        ({"status_text": "a\u2028b"}, [("status_text", "invalid")]),
        ({"active": "true"}, [("active", "wrong_type")]),
        ({"active": 1}, [("active", "wrong_type")]),
        ({"client": None, "client_id": True}, [("client_id", "wrong_type"), ("client", "missing")]),
        ({"client": None, "client_id": "1"}, [("client_id", "wrong_type"), ("client", "missing")]),
        ({"properties": []}, [("properties", "wrong_type")]),
        ({"properties": {str(n): n for n in range(101)}}, [("properties", "too_complex")]),
        ({"custom_fields": {"a": "x" * 17_000}}, [("custom_fields", "too_complex")]),
        ({"roles": "bot"}, [("roles", "wrong_type")]),
        ({"roles": ["bot", 1]}, [("roles", "wrong_type")]),
        ({"roles": ["admin"]}, [("roles", "unknown_role")]),
        ({"roles": ["king", "bot", "king"]}, [("roles", "unknown_role")]),
        ({"roles": [str(n) for n in range(101)]}, [("roles", "too_many")]),
        ({"password": "short"}, [("password", "too_short")]),
        ({"password": "x" * 129}, [("password", "too_long")]),
        ({"password": "password1"}, [("password", "password_too_common")]),
        ({"password": "a long one", "password_hash": "$2a$"}, [("password_hash", "not_both")]),
        ({"password_hash": "$2a$31$" + "a" * 21 + "u" + "b" * 31}, [("password_hash", "said")]),
        ({"password_hash": "md5$salt$0123"}, [("password_hash", "said")]),
        ({"password_hash": "$2a$", "password_scheme": "myspace"}, [("password_scheme", "unknown_choice")]),
        ({"shoe_size": 46, "is_superuser": True}, [("shoe_size", "unknown_column"), ("is_superuser", "unknown_column")]),
        ({"x" * 500: 1}, [("x" * 40, "unknown_column")]),
    ],
)  # fmt: skip
def test_a_row_that_breaks_a_rule_is_refused_with_its_field(cast, tmp_path, values, faults):
    done = importing(tmp_path / "a.jsonl", GOOD % 1 + lines(person(1, **values)).encode() + GOOD % 2)
    assert (done.code, done.faults) == (1, {2: faults})
    assert User.objects.filter(email__startswith="good").count() == 2
    assert "x" * 60 not in (tmp_path / "a.jsonl.faults.jsonl").read_text()


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"[]",
        b'"text"',
        b"null",
        b"{",
        b'{"name": "a", "name": "b"}',
        b'{"name": "\\u0000"}',
        b'{"name": "\\ud800"}',
        b'{"name": "\xff"}',
        b'{"name": "\xed\xa0\x80"}',
        b'{"client_id": 1e999}',
        b'{"client_id": NaN}',
        b'{"client_id": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"properties": ' + b'{"a":' * 200 + b"1" + b"}" * 201,
        b'{"name": "' + b"x" * 10_000_000 + b'"}',
    ],
    ids=lambda line: ascii(line[:40]),
)
def test_a_line_that_is_no_sound_object_is_refused_alone(cast, tmp_path, line):
    done = importing(tmp_path / "a.jsonl", GOOD % 1 + line + b"\n" + GOOD % 2)
    assert (done.code, done.faults) == (1, {2: UNREADABLE})
    assert User.objects.filter(email__startswith="good").count() == 2


@pytest.mark.parametrize(
    ("rows", "refused"),
    [
        (b"Bad,bad@example.org,Acme,\n", {}),
        (b"Bad,bad@example.org,Acme\n", {3: UNREADABLE}),
        (b"Bad,bad@example.org,Acme,,\n", {3: UNREADABLE}),
        (b'"Bad,bad@example.org,Acme,\n', {3: UNREADABLE}),  # a quote that is never closed
        (b'Bad,"bad@example.org,Acme,\nAlso "bad",x,\n', {3: UNREADABLE, 4: UNREADABLE}),
        (b'"Bad"ly,bad@example.org,Acme,\n', {3: UNREADABLE}),
        (b'Bad,bad@example.org,Acme,"{""a"":\n 1}"\n', {}),
        (b"Bad,bad@example.org,Acme,{\n", {3: [("properties", "invalid")]}),
        (b"Bad,bad@example.org,Acme,[1]\n", {3: [("properties", "invalid")]}),
        (b"Bad\0,bad@example.org,Acme,\n", {3: UNREADABLE}),
        (b"B\xe4d,bad@example.org,Acme,\n", {3: UNREADABLE}),
        (b"Bad,\xef\xbb\xbfbad@example.org,Acme,\n", {3: [("email", "invalid")]}),
        (b"x" * 10_000_000 + b",bad@example.org,Acme,\n", {3: UNREADABLE}),
        (b'"' + (b"x" * 1000 + b"\n") * 1100 + b'",bad@example.org,Acme,\n', None),
        (b"," * 1000 + b"\n", {3: UNREADABLE}),
        (b",,,\n", {3: [("client", "missing"), ("name", "blank"), ("email", "blank")]}),
        (b"   \n\r\n", {}),
    ],
    ids=lambda value: ascii(value[:40]) if isinstance(value, bytes) else "refused",
)
def test_a_line_of_csv_that_is_no_row_is_refused_alone(cast, tmp_path, rows, refused):
    good = "Good,good%d@example.org,Acme,\n"
    content = b"name,email,client,properties\n" + (good % 1).encode() + rows + (good % 2).encode()
    done = importing(tmp_path / "a.csv", content)
    assert User.objects.filter(email__startswith="good").count() == 2
    if refused is None:
        assert (done.code, done.faults[3]) == (1, UNREADABLE)
    else:
        assert (done.code, done.faults) == (int(bool(refused)), refused)


def test_cells_say_yes_and_no_and_numbers_in_few_words(cast, tmp_path):
    cells = ["true", "YES", "1", "false", "No", "0", "maybe", "2"]
    rows = "".join(f"P,p{n}@example.org,{cast.acme.pk if n else '١'},{cell}\n" for n, cell in enumerate(cells))
    done = importing(tmp_path / "a.csv", "name,email,client_id,active\n" + rows)
    assert done.faults == {
        2: [("client_id", "invalid"), ("client", "missing")],
        8: [("active", "invalid")],
        9: [("active", "invalid")],
    }
    active = User.objects.filter(email__endswith="example.org").order_by("email").values_list("is_active", flat=True)
    assert list(active) == [True, True, False, False, False]


def test_all_faults_of_a_row_are_told_and_nothing_of_what_it_says(cast, tmp_path):
    importing(tmp_path / "a.jsonl", lines(person(1, name="", password="sesame", email="secret address")))
    (told,) = (tmp_path / "a.jsonl.faults.jsonl").read_text().splitlines()
    assert json.loads(told) == {
        "line": 1,
        "faults": [
            {"field": "name", "code": "blank", "message": "can't be blank"},
            {"field": "email", "code": "invalid", "message": "is invalid"},
            {"field": "password", "code": "too_short", "message": "is too short (minimum is 8 characters)"},
        ],
    }


def test_a_row_that_the_database_alone_refuses_is_refused_alone(cast, tmp_path, monkeypatch):
    from accounts.services import checks

    form = checks.email_form
    monkeypatch.setattr(checks, "email_form", lambda email: [] if email.startswith("wrong") else form(email))
    rows = [person(1), person(2, email="wrong"), person(3)]
    assert importing(tmp_path / "a.jsonl", lines(*rows)).faults == {2: [(None, "invalid")]}
    assert User.objects.filter(email__startswith="p").count() == 2


def test_what_somebody_takes_in_the_same_moment_is_a_fault_of_the_row(cast, tmp_path, monkeypatch):
    from accounts.services import bulk, users

    hashed = bulk._hash

    def meanwhile(items):
        if not User.objects.filter(email="p2@example.org").exists():
            users.create(actor=None, client_id=cast.globex.pk, name="Quick", email="p2@example.org")
        hashed(items)

    monkeypatch.setattr(bulk, "_hash", meanwhile)
    done = importing(tmp_path / "a.jsonl", lines(person(1), person(2), person(3)))
    assert done.faults == {2: [("email", "taken")]}
    assert User.objects.get(email="p2@example.org").name == "Quick"


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer")
def test_a_client_that_goes_while_its_users_are_written_is_told(transactional_db, tmp_path, monkeypatch):
    """Nothing could be told of it at the commit, when those behind went on from these."""
    acme, globex = ClientFactory(name="Acme"), ClientFactory(name="Globex")
    join, gone = memberships.join, []

    def joining(users, teams):
        if not gone:
            gone.append(acme.pk)
            at_once(lambda: clients.delete(actor=None, client_id=acme.pk))
        join(users, teams)

    monkeypatch.setattr(memberships, "join", joining)
    rows = [person(1, client=None, client_id=acme.pk), person(2, client=None, client_id=globex.pk)]
    done = importing(tmp_path / "a.jsonl", lines(*rows))
    assert (done.code, done.faults) == (1, {1: [("client", "must_exist")]})
    assert [user.client for user in User.objects.filter(email__endswith="@example.org")] == [globex]
    assert not Client.objects.filter(pk=acme.pk).exists()


def test_of_clients_that_somebody_else_makes_first_the_others_are_made(cast, tmp_path, monkeypatch):
    create_all = clients.create_all

    def creating(*, actor, names):
        ClientFactory(name="newer")
        return create_all(actor=actor, names=names)

    monkeypatch.setattr(clients, "create_all", creating)
    rows = [person(1, client="New"), person(2, client="Newer"), person(3, client="\t")]
    done = importing(tmp_path / "a.jsonl", lines(*rows), create_clients=True)
    assert (done.code, done.faults) == (1, {3: [("client", "must_exist")]})
    names = User.objects.filter(email__endswith="@example.org").order_by("email").values_list("client__name", flat=True)
    assert list(names) == ["New", "newer"]
