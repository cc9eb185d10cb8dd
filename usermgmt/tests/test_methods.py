"""Pages and probes are only read."""

import pytest


@pytest.mark.parametrize("path", ["/", "/docs", "/openapi.json", "/livez", "/readyz"])
@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
@pytest.mark.django_db
def test_any_other_method_is_refused_in_json(client, path, method):
    answer = getattr(client, method)(path)
    assert (answer.status_code, answer["Allow"], answer["Content-Type"]) == (405, "GET, HEAD", "application/json")
    assert answer.json() == {"error": f'Method "{method.upper()}" not allowed.'}


def test_no_token_against_forgery_is_asked_for(client):
    client.handler.enforce_csrf_checks = True
    assert client.post("/livez").status_code == 405
