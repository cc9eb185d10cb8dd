"""How often programs may call, and what answers tell of it (contract 2; DESIGN 3)."""

import pytest
import time_machine

from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD
from usermgmt.dialects.forms.tests.forms import EXAMPLE, OPEN, UPDATE, asked, errors_of, program, seated

NAMES = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")

pytestmark = pytest.mark.usefixtures("counting")


@pytest.fixture(autouse=True)
def _eight_a_minute(settings):
    settings.API_RATE = (8, 60)
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        yield


def told(answer):
    return tuple(answer.headers.get(name) for name in NAMES)


def test_each_call_of_a_token_leaves_one_less_whatever_comes_of_it(cast, administrator):
    path = f"/api/users/{cast.owner.pk}"
    calls = [
        (200, lambda: administrator.get(path)),
        (201, lambda: administrator.post("/api/users", asked(EXAMPLE))),
        (204, lambda: administrator.put(path, asked({"first_name": "Mike"}, UPDATE))),
        (406, lambda: administrator.post("/api/users", {})),
        (422, lambda: administrator.post("/api/users", asked({}))),
        (404, lambda: administrator.get("/api/users/987654321")),
        (405, lambda: administrator.patch(path, {})),
        (204, lambda: administrator.delete(path)),
    ]
    for number, (status, send) in enumerate(calls):
        answer = send()
        assert (answer.status_code, told(answer)) == (status, ("8", str(7 - number), "60"))
    refused = administrator.get(path)
    assert errors_of(refused, 429) == {"base": ["Too many requests. Try again in 60 seconds"]}
    assert (refused["Retry-After"], told(refused)) == ("60", ("8", "0", "60"))
    assert program(cast.administrator).get(f"/api/users/{cast.stranger.pk}").status_code == 200


def test_whoever_is_signed_in_calls_at_the_program_s_expense(cast, administrator):
    path = f"/api/users/{cast.owner.pk}"
    seated(administrator, cast.owner)
    assert [told(administrator.get(path))[1] for _ in range(2)] == ["7", "6"]
    seated(administrator, cast.spare)
    assert told(administrator.get(path))[1] == "5"


def test_whoever_has_no_sound_token_or_session_is_counted_by_the_address(cast, administrator):
    path = f"/api/users/{cast.owner.pk}"
    assert [caller().get(path, REMOTE_ADDR="192.0.2.7").status_code for _ in range(9)] == [401] * 8 + [429]
    assert caller().get(path, REMOTE_ADDR="192.0.2.8").status_code == 401
    administrator.cookies["forms_session"] = "dead"
    assert [administrator.get(path, REMOTE_ADDR="192.0.2.9").status_code for _ in range(9)] == [401] * 8 + [429]


def test_a_session_tells_of_the_limit_that_is_nearer(cast, administrator):
    form = {"email": "olga@example.com", "password": PASSWORD}
    assert told(administrator.post("/api/sessions", asked(form, OPEN)))[:2] == ("5", "5")
    wrong = administrator.post("/api/sessions", asked(form | {"password": "wrong password"}, OPEN))
    assert (wrong.status_code, told(wrong)[:2]) == (422, ("5", "4"))
    for _ in range(4):
        answer = administrator.get(f"/api/users/{cast.administrator.pk}")
    answer = administrator.post("/api/sessions", asked(form, OPEN))
    assert (answer.status_code, told(answer)[:2]) == (201, ("8", "1"))
