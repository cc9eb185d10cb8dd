"""GET /users/{userId}, and what stands for a number in a path (contract 8.12)."""

import pytest

from accounts.tests.rows import unchanged
from accounts.tests.test_query_budgets import AT_ONCE, queries
from usermgmt.dialects.resource.tests.shapes import NOT_FOUND, invalid, refusal_of, user_of

NO_INTEGER = invalid("The field `userId` must be an integer", ("userId", "Invalid type"), location="path")
METHODS = ["get", "patch", "delete"]


@pytest.fixture
def client(cast, call):
    return call(cast.administrator)


def test_a_user_is_an_object_of_four_properties(client, cast):
    assert user_of(client.get(f"/v1/users/{cast.owner.pk}")) == {
        "userId": cast.owner.pk,
        "firstName": "Olga",
        "lastName": "Owner",
        "contactEmail": "olga@example.com",
    }


def test_a_content_type_without_a_body_is_fine(client, cast):
    answer = client.generic("GET", f"/v1/users/{cast.owner.pk}", content_type="application/json")
    assert user_of(answer)["userId"] == cast.owner.pk


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_json_is_what_there_is_whatever_is_asked_for(client, cast, accept):
    answer = client.get(f"/v1/users/{cast.owner.pk}", headers={"Accept": accept})
    assert user_of(answer)["userId"] == cast.owner.pk


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    "number", ["abc", "1.0", "+1", "1e3", "0x1", "1_0", "%201", "1%0A", "1%00", "%D9%A1", "%EF%BC%91", "--1", "-", "٣"]
)
def test_what_is_no_integer_is_a_fault_of_the_path(client, cast, method, number):
    with unchanged():
        answer = getattr(client, method)(f"/v1/users/{number}", {"firstName": "X"} if method == "patch" else None)
    assert refusal_of(answer) == NO_INTEGER


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("number", ["999999", "0", "-1", "9223372036854775807", "9223372036854775808", "9" * 5000])
def test_a_number_that_nobody_has_is_not_found(client, cast, method, number):
    with unchanged():
        answer = getattr(client, method)(f"/v1/users/{number}", {"firstName": "X"} if method == "patch" else None)
    assert refusal_of(answer) == (404, NOT_FOUND)


def test_a_user_is_read_with_who_calls_on_postgresql(cast, call):
    client = call(cast.administrator)
    # Who calls, how often, and the user.
    assert len(queries(lambda: client.get(f"/v1/users/{cast.owner.pk}"))) == 3 - AT_ONCE
    assert client.get("/v1/users/987654321").status_code == 404
