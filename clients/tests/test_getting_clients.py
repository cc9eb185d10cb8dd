"""GET /clients/{id} (native contract 2 and 4)."""

import pytest


@pytest.mark.parametrize("who", ["administrator", "owner"])
def test_a_client_has_a_number_and_a_name(cast, call, who):
    answer = call(getattr(cast, who)).get(f"/clients/{cast.acme.pk}")

    assert answer.status_code == 200
    assert answer.json() == {"id": cast.acme.pk, "name": "Acme"}
    assert list(answer.json()) == ["id", "name"]
    assert answer.headers["ETag"] == '"1"'
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_user_is_not_told_whether_there_is_another(cast, call):
    client = call(cast.owner)

    answers = [client.get(f"/clients/{whom}") for whom in (cast.globex.pk, "987654321", "abc")]

    assert {(answer.status_code, answer.content) for answer in answers} == {
        (403, b'{"error":"You are not authorized to perform this action."}')
    }


@pytest.mark.parametrize("whom", ["987654321", "99999999999999999999", "abc", "0", "null", "1%00"])
def test_an_administrator_is_told_that_there_is_no_such_client(cast, call, whom):
    answer = call(cast.administrator).get(f"/clients/{whom}")

    assert (answer.status_code, answer.json()) == (404, {"error": "Client not found"})
