"""PUT and PATCH /clients/{id} (native contract 4 and 6)."""

import pytest

from accounts.tests.rows import stored

VERBS = pytest.mark.parametrize("verb", ["put", "patch"])


def update(client, row, verb="patch", headers=None, **changes):
    return getattr(client, verb)(f"/clients/{row.pk}", changes, headers=headers or {})


@VERBS
def test_a_client_is_renamed(cast, call, verb):
    before = stored(cast.acme)

    answer = update(call(cast.administrator), cast.acme, verb, name=" Acme Corporation ")

    assert answer.status_code == 200
    assert answer.json() == {"id": cast.acme.pk, "name": "Acme Corporation"}
    assert answer.headers["ETag"] == '"2"'
    after = stored(cast.acme)
    assert after["updated_at"] > before["updated_at"]
    assert after == before | {
        "name": "Acme Corporation",
        "name_folded": "acme corporation",
        "version": 2,
        "updated_at": after["updated_at"],
    }


def test_its_users_show_the_new_name(cast, call):
    update(call(cast.administrator), cast.acme, name="Renamed")

    assert call(cast.owner).get("/users/current").json()["client"] == {"id": cast.acme.pk, "name": "Renamed"}


@VERBS
@pytest.mark.parametrize("body", [{}, {"name": "Acme"}, {"name": " Acme "}, {"foo": 1}])
def test_nothing_to_change_changes_nothing(cast, call, verb, body):
    before = stored(cast.acme)

    answer = update(call(cast.administrator), cast.acme, verb, **body)

    assert (answer.status_code, answer.json()["name"], answer.headers["ETag"]) == (200, "Acme", '"1"')
    assert stored(cast.acme) == before


def test_ones_own_name_in_another_spelling_is_not_taken(cast, call):
    assert update(call(cast.administrator), cast.acme, name="ACME").json()["name"] == "ACME"


@VERBS
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("", "can't be blank"),
        (None, "can't be blank"),
        ("  ", "can't be blank"),
        (7, "is invalid"),
        (["x"], "is invalid"),
        ("a\nb", "is invalid"),
        ("GLOBEX", "has already been taken"),
        ("x" * 256, "is too long (maximum is 255 characters)"),
    ],
)
def test_a_name_that_will_not_do_changes_nothing(cast, call, verb, name, message):
    before = stored(cast.acme)

    answer = update(call(cast.administrator), cast.acme, verb, name=name)

    assert (answer.status_code, answer.json()) == (422, {"errors": {"name": [message]}})
    assert stored(cast.acme) == before


@pytest.mark.parametrize("tag", ['"1"', "*", '"4", "1"'])
def test_a_tag_of_the_present_version_lets_the_change_through(cast, call, tag):
    answer = update(call(cast.administrator), cast.acme, headers={"If-Match": tag}, name="New")

    assert (answer.status_code, answer.headers["ETag"]) == (200, '"2"')


@pytest.mark.parametrize("tag", ['"2"', 'W/"1"', "1", "garbage", ""])
def test_any_other_tag_is_stale_even_where_the_name_will_not_do(cast, call, tag):
    before = stored(cast.acme)

    for name in ("New", ""):
        answer = update(call(cast.administrator), cast.acme, headers={"If-Match": tag}, name=name)

        assert (answer.status_code, answer.json()) == (412, {"error": "The object has changed since you read it."})
        assert answer.headers["ETag"] == '"1"'
    assert stored(cast.acme) == before


@VERBS
@pytest.mark.parametrize("body", [{"name": "New"}, {"name": ""}, {"name": 7}, {}])
def test_a_client_that_is_not_there_is_not_found_whatever_is_sent(cast, call, verb, body):
    answer = getattr(call(cast.administrator), verb)("/clients/987654321", body)

    assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})
