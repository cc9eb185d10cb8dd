"""What happens when forms arrive at once."""

import threading
from collections import Counter
from contextlib import suppress
from typing import Any

import pytest

from accounts.models import Event, Mail, User, UserProfile
from accounts.services import record_types, users
from accounts.tests.factories import UserFactory
from accounts.tests.test_races import CROWD, administrators, at_once, repeated
from usermgmt.dialects.forms import configurations, submitting, uniqueness, vendor
from usermgmt.dialects.forms import users as views
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.tests.forms import EXAMPLE, asked, changing, configured, errors_of, program

pytestmark = pytest.mark.django_db(transaction=True)

TAKEN = ["has already been taken"]
UNIQUE = {"validation": {"unique": True}}


@pytest.fixture(autouse=True)
def _there(db):
    """What a test with transactions of its own has emptied."""
    vendor.make_present()


def statuses(answers):
    return Counter(answer.status_code for answer in answers)


RACES: dict[str, tuple[Any, Any]] = {
    "email": ({}, lambda n: {"email": ["nina@example.com", " Nina@Example.com"][n % 2]}),
    "external_id": ({"external_id": {}}, lambda n: {"email": f"n{n}@example.com", "external_id": "x-1"}),
    "last_name": ({"last_name": UNIQUE}, lambda n: {"email": f"n{n}@example.com", "last_name": "One"}),
    "properties.0": (
        {"properties": {"0": UNIQUE}},
        lambda n: {"email": f"n{n}@example.com", "properties": {"0": "one"}},
    ),
    "profiles.default.properties.badge": (
        {"profiles": {"default": {"properties": {"badge": UNIQUE}}}},
        lambda n: {"email": f"n{n}@example.com", "profiles": {"default": {"properties": {"badge": 7}}}},
    ),
}


@pytest.mark.parametrize("path", RACES)
def test_of_twelve_who_make_users_of_one_value_one_does(path):
    fields, form = RACES[path]
    name = configured({**fields, "profiles": {"default": {"properties": {}}, **fields.get("profiles", {})}})

    @repeated()
    def race():
        caller = program(administrators()[0])
        answers = at_once(
            *(lambda n=n: caller.post("/api/users", asked(EXAMPLE | form(n), name)) for n in range(CROWD))
        )
        assert statuses(answers) == {201: 1, 422: CROWD - 1}
        assert all(errors_of(answer) == {path: TAKEN} for answer in answers if answer.status_code == 422)
        assert User.objects.exclude(client=None).count() == 1
        assert UserProfile.objects.count() <= 1
        assert Event.objects.filter(action="user.created").count() == 1

    race()


@repeated()
def test_of_twelve_who_take_one_value_one_does():
    name = changing({"properties": {"badge": UNIQUE}}, name=f"change-{FormConfiguration.objects.count()}")
    caller, first = program(administrators()[0]), UserFactory()
    everybody = [first, *(UserFactory(client=first.client) for _ in range(CROWD - 1))]
    answers = at_once(
        *(
            lambda u=user: caller.put(f"/api/users/{u.pk}", asked({"properties": {"badge": 7}}, name))
            for user in everybody
        )
    )
    assert statuses(answers) == {204: 1, 422: CROWD - 1}
    assert User.objects.filter(properties={"badge": 7}).count() == 1


@repeated()
def test_changes_of_one_user_all_stay():
    name = changing(
        {"properties": {str(n): {} for n in range(6)}, "profiles": {"default": {"properties": {"a": {}, "b": {}}}}},
        name=f"change-{FormConfiguration.objects.count()}",
    )
    caller, user = program(administrators()[0]), UserFactory(given_name="Here")
    forms: list[Any] = [{"properties": {str(n): n}} for n in range(6)]
    forms += [{"profiles": {"default": {"properties": {key: key}}}} for key in "ab"]
    answers = at_once(*(lambda f=form: caller.put(f"/api/users/{user.pk}", asked(f, name)) for form in forms))
    assert statuses(answers) == {204: len(forms)}
    user.refresh_from_db()
    assert user.properties == {str(n): n for n in range(6)}
    assert user.profiles.get().properties == {"a": "a", "b": "b"}
    assert user.version == 1 + len(forms)


def test_whom_others_always_overtake_is_told_to_come_again_and_nothing_is_written(monkeypatch):
    name, user, tried = changing({"last_name": {}}), UserFactory(), []
    caller = program(administrators()[0])
    before, update = User.objects.filter(pk=user.pk).values().get(), submitting.update

    def overtaken(actor, configuration, form, found, **options):
        tried.append(found.version)
        found.version -= 1  # as if somebody had written since
        return update(actor, configuration, form, found, **options)

    monkeypatch.setattr(submitting, "update", overtaken)
    monkeypatch.setattr(views, "PAUSE", 0)
    answer = caller.put(f"/api/users/{user.pk}", asked({"last_name": "Late"}, name))
    assert errors_of(answer, 503) == {"base": ["The service is temporarily unavailable"]}
    assert (answer["Retry-After"], len(tried)) == ("1", views.TRIES)
    assert User.objects.filter(pk=user.pk).values().get() == before


def test_who_makes_and_who_takes_one_address_do_not_wait_for_each_other_for_ever(monkeypatch):
    """Who makes a user has the address before the turn to ask for unique values comes, who changes one after it."""
    name = "both"
    fields = {"email": {}, "name": {}, "properties": {"x": UNIQUE}}
    configurations.create(actor=None, name=name, resource_owner="anyone", fields=fields)
    ada, _ = administrators()
    user = UserFactory(name="Here")
    caller = program(ada, client=user.client)
    check, meeting = uniqueness.check, threading.Barrier(2)

    def meet():
        with suppress(threading.BrokenBarrierError):  # on SQLite one has ended before the other begins
            meeting.wait(1)

    def late(uniques, judged):
        if judged.pk == user.pk:
            check(uniques, judged)
            meet()
        else:
            meet()
            check(uniques, judged)

    monkeypatch.setattr(uniqueness, "check", late)

    def form(n):
        return asked({"email": "nina@example.com", "name": "N", "properties": {"x": n}}, name)

    answers = at_once(lambda: caller.post("/api/users", form(1)), lambda: caller.put(f"/api/users/{user.pk}", form(2)))
    won, lost = sorted(answers, key=lambda answer: answer.status_code)
    assert won.status_code in (201, 204)
    assert errors_of(lost) == {"email": TAKEN}
    assert User.objects.with_email("nina@example.com").count() == 1


@repeated()
def test_whose_user_is_deleted_meanwhile_is_told_so():
    caller, user = program(administrators()[0]), UserFactory(given_name="Here")
    name = changing({"last_name": {}}, name=f"change-{FormConfiguration.objects.count()}")
    *answers, _ = at_once(
        *(lambda n=n: caller.put(f"/api/users/{user.pk}", asked({"last_name": f"N{n}"}, name)) for n in range(4)),
        lambda: users.delete(actor=None, user_id=user.pk),
    )
    assert set(statuses(answers)) <= {204, 404}


@repeated()
def test_a_configuration_that_changes_or_goes_meanwhile_is_one_or_the_other():
    name = configured(name=f"test-{FormConfiguration.objects.count()}")
    row = FormConfiguration.objects.get(name=name)
    caller = program(administrators()[0])
    record_types.create(actor=None, kind="profile", name=f"seller-{row.pk}")

    def change(fields):
        return lambda: configurations.update(actor=None, configuration_id=row.pk, fields=row.fields | fields)

    *answers, _, _, _ = at_once(
        *(
            lambda n=n: caller.post("/api/users", asked(EXAMPLE | {"email": f"n{n}@example.com"}, name))
            for n in range(8)
        ),
        change({"last_name": {"validation": {"presence": True}}}),
        change({"profiles": {f"seller-{row.pk}": {"properties": {"a": {}}}}}),
        lambda: caller.get(f"/api/users/{User.objects.first().pk}"),
    )
    assert set(statuses(answers)) <= {201, 422}
    assert {str(errors_of(answer)) for answer in answers if answer.status_code == 422} <= {
        str({"last_name": ["can't be blank"]})
    }
    *answers, _ = at_once(
        *(
            lambda n=n: caller.post("/api/users", asked(EXAMPLE | {"email": f"m{n}@example.com"}, name))
            for n in range(8)
        ),
        lambda: configurations.delete(actor=None, configuration_id=row.pk),
    )
    assert set(statuses(answers)) <= {201, 406, 422}


@repeated()
def test_no_more_mails_than_users_who_were_made():
    name = configured(
        {"external_id": {}},
        name=f"test-{FormConfiguration.objects.count()}",
        email_notifications=["welcome", "verification"],
    )
    caller = program(administrators()[0])
    at_once(
        *(
            lambda n=n: caller.post(
                "/api/users", asked(EXAMPLE | {"email": f"n{n}@example.com", "external_id": "x"}, name)
            )
            for n in range(CROWD)
        )
    )
    assert Counter(Mail.objects.values_list("kind", flat=True)) == {"welcome": 1, "email_verification": 1}
