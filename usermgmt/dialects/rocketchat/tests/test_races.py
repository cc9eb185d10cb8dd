"""What happens when requests of this contract arrive at once, on either database."""

from collections import Counter

import pytest

from accounts.models import Event, User
from accounts.tests.callers import caller
from accounts.tests.factories import UserFactory
from accounts.tests.test_races import CROWD, administrators, at_once, posting, repeated
from usermgmt.dialects.rocketchat import registering
from usermgmt.dialects.rocketchat.tests.callers import LOGGED_OUT, logged_in, told
from usermgmt.dialects.rocketchat.tests.test_refused_changes import IDENTITY, LAST
from usermgmt.http.limits import Limit

pytestmark = pytest.mark.django_db(transaction=True)

V1 = "/api/v1/users"


@repeated()
def test_of_two_who_take_one_user_name_one_does():
    ada, sam = administrators()
    first, second = UserFactory(), UserFactory()
    answers = at_once(
        posting(logged_in(ada), f"{V1}.update", {"userId": str(first.pk), "data": {"username": "nina"}}),
        posting(logged_in(sam), f"{V1}.update", {"userId": str(second.pk), "data": {"username": "NINA"}}),
    )
    refused, done = sorted(map(told, answers), key=lambda answer: -answer[0])
    assert (done[0], refused) == (200, IDENTITY)
    assert User.objects.filter(username_canonical="nina").count() == 1
    assert Event.objects.filter(action="user.updated").count() == 1


REMOVALS = {
    "deactivate": (f"{V1}.setActiveStatus", lambda user: {"userId": str(user.pk), "activeStatus": False}),
    "delete": (f"{V1}.delete", lambda user: {"userId": str(user.pk)}),
    "demote": (f"{V1}.update", lambda user: {"userId": str(user.pk), "data": {"roles": ["user"]}}),
}


@pytest.mark.parametrize(
    ("first", "second"),
    [("deactivate", "deactivate"), ("delete", "delete"), ("deactivate", "delete"), ("demote", "delete")],
)
@repeated()
def test_of_two_administrators_who_remove_each_other_one_stays(first, second):
    ada, sam = administrators()
    (path, body), (other_path, other_body) = REMOVALS[first], REMOVALS[second]
    answers = at_once(posting(logged_in(ada), path, body(sam)), posting(logged_in(sam), other_path, other_body(ada)))
    assert User.objects.active_administrators().count() == 1
    done, refused = sorted(map(told, answers), key=lambda answer: answer[0])
    assert done[0] == 200
    # Whoever was removed before the own request was looked at is nobody, or may not do this, by then.
    assert refused[0] in (400, 401, 403)
    if refused[0] == 400:
        assert refused[1]["errorType"] in ("error-action-not-allowed", "error-user-not-found", "error-invalid-user")


@repeated()
def test_of_two_administrators_who_deactivate_themselves_one_stays():
    ada, sam = administrators()
    path, body = REMOVALS["deactivate"]
    answers = at_once(posting(logged_in(ada), path, body(ada)), posting(logged_in(sam), path, body(sam)))
    done, refused = sorted(map(told, answers), key=lambda answer: answer[0])
    assert (done[0], refused) == (200, LAST)
    assert User.objects.active_administrators().count() == 1


@repeated()
def test_of_twelve_creations_of_one_user_name_and_address_all_are_told_of_the_user_name():
    ada, _ = administrators()
    body = {"username": "nina", "email": "nina@example.com", "name": "Nina", "password": "a password nobody has"}
    answers = at_once(*(posting(logged_in(ada), f"{V1}.create", body) for _ in range(CROWD)))
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CROWD - 1}
    told_of = {answer.json()["error"] for answer in answers if answer.status_code == 400}
    assert told_of == {"nina is already in use :( [error-field-unavailable]"}
    assert User.objects.filter(username_canonical="nina").count() == 1


@repeated()
def test_of_twelve_who_register_one_user_name_one_does(settings, monkeypatch):
    settings.ROCKETCHAT_REGISTRATION = True
    monkeypatch.setattr(registering, "REGISTRATIONS", Limit("registrations of a race", 100, 3600))
    body = {"username": "nina", "pass": "a password nobody has"}
    answers = at_once(
        *(posting(caller(), f"{V1}.register", body | {"email": f"nina{n}@example.com"}) for n in range(CROWD))
    )
    assert Counter(answer.status_code for answer in answers) == {200: 1, 400: CROWD - 1}
    refusals = [told(answer)[1] for answer in answers if answer.status_code == 400]
    assert refusals == [{"success": False, "error": "Username is already in use"}] * (CROWD - 1)
    assert User.objects.get().username == "nina"


@repeated()
def test_whoever_is_deactivated_while_changing_themselves_changes_nothing_afterwards():
    ada, _ = administrators()
    olga = UserFactory(email="olga@example.com")
    path, body = REMOVALS["deactivate"]
    answers = at_once(
        posting(logged_in(ada), path, body(olga)),
        posting(logged_in(olga), f"{V1}.update", {"userId": str(olga.pk), "data": {"name": "New"}}),
    )
    removed, changed = map(told, answers)
    assert removed[0] == 200
    assert changed[0] == 200 or changed == (401, LOGGED_OUT)
    row = User.objects.get(pk=olga.pk)
    assert (row.is_active, row.name == "New") == (False, changed[0] == 200)
