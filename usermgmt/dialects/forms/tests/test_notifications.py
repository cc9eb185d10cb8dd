"""The mails that a configuration names: sent when its form was taken, or never (contract 4 and 6.18)."""

from collections import Counter
from typing import Any

import pytest
from django.db import transaction

from accounts.models import Mail, User
from accounts.tests.factories import UserFactory
from accounts.tests.post import arrived
from usermgmt.dialects.forms import compiled, submitting
from usermgmt.dialects.forms.tests.forms import EXAMPLE, asked, changing, configured, errors_of, made

ALL = ["welcome", "invitation", "verification"]


def queued():
    """The kinds of the mails in the queue, and how many of each."""
    return Counter(Mail.objects.values_list("kind", flat=True))


@pytest.mark.parametrize(
    ("wanted", "kinds"),
    [
        ([], []),
        (["welcome"], ["welcome"]),
        (["verification"], ["email_verification"]),
        (["invitation"], []),
        (ALL, ["welcome", "email_verification"]),
    ],
)
def test_who_is_made_with_a_password_is_sent_what_is_named_but_no_invitation(administrator, wanted, kinds):
    name = configured(email_notifications=wanted)
    made(administrator.post("/api/users", asked(EXAMPLE, name)))
    assert queued() == Counter(kinds)
    letters = arrived()
    assert [letter.to for letter in letters] == [["example1@example.com"]] * len(kinds)
    assert not any("somepassword" in letter.body for letter in letters)


def test_who_is_made_without_a_password_is_invited(administrator):
    name = changing({"email": {}, "name": {}, "password": {}}, email_notifications=ALL)
    made(administrator.post("/api/users", asked({"email": "mute@example.com", "name": "Mute"}, name)))
    assert queued() == Counter(["welcome", "invitation", "email_verification"])
    assert [letter.to for letter in arrived()] == [["mute@example.com"]] * 3


REFUSED: list[dict[str, Any]] = [
    {"first_name": ""},
    {"email": "olga@example.com"},
    {"password": "short"},
    {"properties": {"x": "a" * 17000}},
]


def test_nobody_is_sent_anything_where_a_form_is_refused(cast, administrator):
    name = configured({"properties": {"x": {}}}, email_notifications=ALL)
    change = changing({"first_name": {"validation": {"presence": True}}, "email": {}}, email_notifications=ALL)
    for form in REFUSED:
        errors_of(administrator.post("/api/users", asked(EXAMPLE | form, name)))
    errors_of(administrator.put(f"/api/users/{cast.owner.pk}", asked({"first_name": ""}, change)))
    errors_of(administrator.put("/api/users/99999", asked({"first_name": "A"}, change)), 404)
    errors_of(administrator.post("/api/users", asked("none", name)), 406)
    nobody = configured(name="nobody", authorization_policies=["nobody"], email_notifications=ALL)
    errors_of(administrator.post("/api/users", asked(EXAMPLE, nobody)), 403)
    assert not Mail.objects.exists()


def test_mails_are_queued_in_the_transaction_of_the_form(cast, administrator):
    name = configured(email_notifications=ALL)
    configuration = compiled.named(name, compiled.Resource.USER)
    with transaction.atomic():
        user = submitting.create(cast.administrator, configuration, EXAMPLE)
        assert queued() == Counter(["welcome", "email_verification"])
        transaction.set_rollback(True)
    assert not User.objects.filter(pk=user.pk).exists()
    assert not Mail.objects.exists()


def test_a_change_reminds_of_what_was_not_done_yet(cast, administrator):
    change = changing(
        {"last_name": {}, "password": {}, "email": {}}, email_notifications=["invitation", "verification"]
    )
    proved = UserFactory(client=cast.acme, email_verified=True)
    mute = UserFactory(client=cast.acme, password="!", email="mute@example.com")
    for user, form, kinds in (
        (proved, {"last_name": "A"}, []),
        (cast.owner, {"last_name": "A"}, ["email_verification"]),
        (cast.disabled, {"last_name": "A"}, []),
        (mute, {"last_name": "A"}, ["email_verification", "invitation"]),
        (mute, {"password": "new password"}, ["email_verification"]),
        # The new address is asked for its proof whatever the configuration names: not a second time.
        (cast.stranger, {"email": "new@example.com"}, ["email_changed", "email_verification"]),
    ):
        Mail.objects.all().delete()
        assert administrator.put(f"/api/users/{user.pk}", asked(form, change)).status_code == 204
        assert queued() == Counter(kinds), form


def test_nobody_is_sent_more_than_so_many_in_an_hour(cast, administrator, settings):
    settings.MAILS_PER_HOUR = 2
    change = changing({"last_name": {}}, email_notifications=ALL)
    mute = UserFactory(client=cast.acme, password="!", email="mute@example.com")
    for number in range(4):
        answer = administrator.put(f"/api/users/{mute.pk}", asked({"last_name": f"A{number}"}, change))
        assert answer.status_code == 204
    assert queued() == Counter(dict.fromkeys(("welcome", "invitation", "email_verification"), 2))
