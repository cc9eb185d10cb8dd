"""GET /clients (native contract 4 and 5)."""

import pytest

from clients.models import Client
from clients.tests.factories import ClientFactory

POSITIVE = ["must be a positive integer"]


def names(answer):
    assert answer.status_code == 200, answer.json()
    return [client["name"] for client in answer.json()["clients"]]


def test_the_list_has_clients_and_their_pagination(cast, call):
    answer = call(cast.administrator).get("/clients")

    assert answer.status_code == 200
    assert answer.json() == {
        "clients": [{"id": cast.acme.pk, "name": "Acme"}, {"id": cast.globex.pk, "name": "Globex"}],
        "meta": {
            "pagination": {
                "current_page": 1,
                "next_page": None,
                "prev_page": None,
                "total_pages": 1,
                "total_count": 2,
            }
        },
    }
    assert list(answer.json()) == ["clients", "meta"]
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        ("", ["Acme", "Globex", "émile", "abba"]),
        ("ordering=id", ["Acme", "Globex", "émile", "abba"]),
        ("ordering=-id", ["abba", "émile", "Globex", "Acme"]),
        ("ordering=name", ["abba", "Acme", "Globex", "émile"]),
        ("ordering=-name", ["émile", "Globex", "Acme", "abba"]),
    ],
)
@pytest.mark.parametrize("cursor", ["", "&cursor="])
def test_the_order_is_by_number_or_by_name_without_regard_to_case(cast, call, ordering, expected, cursor):
    ClientFactory(name="émile")
    ClientFactory(name="abba")

    assert names(call(cast.administrator).get(f"/clients?{ordering}{cursor}")) == expected


@pytest.mark.parametrize("ordering", ["id", "-id", "name", "-name"])
def test_pages_and_cursors_meet_every_client_once(cast, call, ordering):
    Client.objects.bulk_create([Client(name=f"{'Same' if number % 2 else 'same'} {number}") for number in range(9)])
    client = call(cast.administrator)
    whole = names(client.get(f"/clients?ordering={ordering}"))

    by_page = [
        name
        for page in range(1, 7)
        for name in names(client.get(f"/clients?ordering={ordering}&per_page=2&page={page}"))
    ]
    by_cursor, cursor = [], ""
    while cursor is not None:
        answer = client.get("/clients", {"ordering": ordering, "per_page": 2, "cursor": cursor})
        by_cursor += names(answer)
        cursor = answer.json()["meta"]["cursor"]["next"]
        assert ("Link" in answer.headers) is (cursor is not None)

    assert by_page == whole
    assert by_cursor == whole


def test_a_page_past_the_end_is_empty(cast, call):
    answer = call(cast.administrator).get("/clients?page=9&per_page=1")

    assert answer.json() == {
        "clients": [],
        "meta": {
            "pagination": {
                "current_page": 9,
                "next_page": None,
                "prev_page": None,
                "total_pages": 2,
                "total_count": 2,
            }
        },
    }


def test_unsound_parameters_are_all_told_by_name(cast, call):
    answer = call(cast.administrator).get("/clients?page=x&per_page=-1&ordering=email")

    assert (answer.status_code, answer.json()) == (
        422,
        {"errors": {"page": POSITIVE, "per_page": POSITIVE, "ordering": ["is not one of id, name"]}},
    )
