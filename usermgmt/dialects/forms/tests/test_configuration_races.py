"""Form configurations when they are written at once; see `accounts.tests.test_races`."""

from collections import Counter
from functools import partial

import pytest

from accounts.models import Event
from accounts.tests.test_races import CROWD, at_once, repeated
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.configurations import Draft
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.errors import Invalid, Stale

pytestmark = pytest.mark.django_db(transaction=True)


def outcome(call, **values):
    """What came of a call: nothing wrong, or the first code."""
    try:
        call(actor=None, **values)
    except Invalid as refusal:
        return refusal.faults[0].code
    except Stale as refusal:
        return refusal.code
    return "done"


@repeated()
def test_of_twelve_who_make_one_configuration_one_does():
    FormConfiguration.objects.all().delete()
    calls = [partial(outcome, configurations.create, name=("Sign up", "sign_up")[n % 2]) for n in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": CROWD - 1}
    assert FormConfiguration.objects.count() == Event.objects.filter(action="form_configuration.created").count() == 1


@repeated()
def test_of_twelve_who_change_one_version_one_does():
    FormConfiguration.objects.all().delete()
    row = configurations.create(actor=None, name="x")
    change = partial(outcome, configurations.update, configuration_id=row.pk, versions=[1])
    calls = [partial(change, default_payload={"name": str(number)}) for number in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "stale": CROWD - 1}
    assert FormConfiguration.objects.get().version == 2


@repeated()
def test_whoever_puts_one_draft_at_once_leaves_it_as_it_says():
    FormConfiguration.objects.all().delete()
    put = partial(outcome, configurations.put, draft=Draft(name="x", fields={"email": {}}))
    assert set(at_once(*[put] * CROWD)) <= {"done", "taken"}
    row = FormConfiguration.objects.get()
    assert (row.fields, row.version) == ({"email": {}}, 1)
    assert Event.objects.filter(action__startswith="form_configuration").count() == 1
