"""What happens when requests arrive at once (contract 9, "racing creates")."""

from collections import Counter

import pytest

from accounts.models import Event, User
from accounts.tests.callers import caller
from accounts.tests.factories import UserFactory
from accounts.tests.test_races import administrators, at_once, repeated
from usermgmt.dialects.resource.tests.shapes import JOHN, invalid, refusal_of, user_of

pytestmark = pytest.mark.django_db(transaction=True)

TAKEN = invalid("The field `contactEmail` is already in use", ("contactEmail", "Already in use"))


@repeated()
def test_of_eight_who_make_one_address_one_does():
    ada, _ = administrators()
    client = caller(ada)
    spellings = ["john@example.com", "John@Example.com"] * 4
    answers = at_once(*(lambda e=email: client.post("/v1/users", JOHN | {"contactEmail": e}) for email in spellings))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 400: 7}
    assert all(refusal_of(answer) == TAKEN for answer in answers if answer.status_code == 400)
    assert User.objects.with_email("john@example.com").count() == 1
    assert Event.objects.filter(action="user.created").count() == 1


@repeated()
def test_of_two_who_take_one_address_one_does():
    ada, _ = administrators()
    client, first, second = caller(ada), UserFactory(), UserFactory()
    answers = at_once(
        *(
            lambda u=user: client.patch(f"/v1/users/{u.pk}", {"contactEmail": "x@example.com"})
            for user in (first, second)
        )
    )
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert user_of(won)["contactEmail"] == "x@example.com"
    assert refusal_of(lost) == TAKEN


@repeated()
def test_both_parts_of_a_name_that_change_at_once_stay():
    ada, _ = administrators()
    client, user = caller(ada), UserFactory(name="Old Name")
    path = f"/v1/users/{user.pk}"
    answers = at_once(
        lambda: client.patch(path, {"firstName": "Nina"}), lambda: client.patch(path, {"lastName": "Simone"})
    )
    assert [answer.status_code for answer in answers] == [200, 200]
    user.refresh_from_db()
    assert (user.name, user.given_name, user.family_name) == ("Nina Simone", "Nina", "Simone")
