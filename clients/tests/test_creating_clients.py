"""POST /clients (native contract 4 and 6)."""

import pytest

from accounts.tests.rows import stored
from clients.models import Client
from clients.services import clients


def create(call, cast, body):
    return call(cast.administrator).post("/clients", body)


def errors_of(call, cast, body):
    """The errors of a refused creation, which must leave nothing behind."""
    count = Client.objects.count()
    answer = create(call, cast, body)
    assert (answer.status_code, list(answer.json())) == (422, ["errors"])
    assert Client.objects.count() == count
    return answer.json()["errors"]


def test_a_new_client_is_shown_and_can_be_got(cast, call):
    answer = create(call, cast, {"name": "  Initech GmbH & Co. KG "})

    made = Client.objects.latest("id")
    assert answer.status_code == 201
    assert answer.json() == {"id": made.pk, "name": "Initech GmbH & Co. KG"}
    assert list(answer.json()) == ["id", "name"]
    assert answer.headers["Location"] == f"/clients/{made.pk}"
    assert answer.headers["ETag"] == '"1"'
    assert call(cast.administrator).get(answer.headers["Location"]).json() == answer.json()
    assert stored(made)["name"] == "Initech GmbH & Co. KG"


@pytest.mark.parametrize("body", [{}, {"name": ""}, {"name": None}, {"name": " \t"}, {"name": "\u00a0"}, {"Name": "x"}])
def test_a_name_is_required(cast, call, body):
    assert errors_of(call, cast, body) == {"name": ["can't be blank"]}


@pytest.mark.parametrize("value", [1, 0, True, False, 1.5, [], ["x"], {}, {"x": 1}])
def test_a_name_is_text(cast, call, value):
    assert errors_of(call, cast, {"name": value}) == {"name": ["is invalid"]}


@pytest.mark.parametrize("name", ["Acme", "ACME", " acme ", "ＡＣＭＥ"])
def test_a_name_is_unique_without_regard_to_case(cast, call, name):
    assert errors_of(call, cast, {"name": name}) == {"name": ["has already been taken"]}


@pytest.mark.parametrize(("first", "second"), [("Émile", "ÉMILE"), ("Straße", "STRASSE"), ("Ünal", "u\u0308nal")])
def test_a_name_has_no_case_in_any_script(cast, call, first, second):
    create(call, cast, {"name": first})

    assert errors_of(call, cast, {"name": second}) == {"name": ["has already been taken"]}


def test_a_name_has_255_characters_at_most(cast, call):
    assert create(call, cast, {"name": "é" * 255}).status_code == 201
    assert errors_of(call, cast, {"name": "é" * 256}) == {"name": ["is too long (maximum is 255 characters)"]}
    assert errors_of(call, cast, {"name": "x" * 900_000}) == {"name": ["is too long (maximum is 255 characters)"]}


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u2028b"], ids=ascii)
def test_a_name_has_no_control_characters(cast, call, name):
    assert errors_of(call, cast, {"name": name}) == {"name": ["is invalid"]}


def test_whoever_lost_the_race_for_a_name_is_told_as_by_the_check(cast, call, monkeypatch):
    monkeypatch.setattr(clients, "check", lambda **arguments: [])  # it was free when it was looked up

    assert errors_of(call, cast, {"name": "aCME"}) == {"name": ["has already been taken"]}
