"""`manage.py create_record_type`."""

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from accounts.models import RecordType

pytestmark = pytest.mark.django_db


def run(*arguments):
    out = StringIO()
    call_command("create_record_type", *arguments, stdout=out)
    return out.getvalue().strip()


def test_a_type_is_defined_and_its_number_printed():
    number = run("profile", "seller", "company:text", "size:integer")
    made = RecordType.objects.get(pk=number)
    assert (made.kind, made.name) == ("profile", "seller")
    assert made.properties == {"company": {"type": "text"}, "size": {"type": "integer"}}
    assert run("profile", "seller", "--exist-ok") == number


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("profile", "default"), "Name has already been taken."),
        (("profile", "a b"), "Name is invalid."),
        (("profile", "x", "a:string"), "Properties is not one of text, .* at a.type."),
        (("profile", "x", "a b:text"), "Properties has a name that is not of 1 to 64 letters.*"),
        (("thing", "x"), "invalid choice: 'thing'"),
    ],
)
def test_what_is_refused_is_told_and_not_made(arguments, told):
    before = RecordType.objects.count()
    with pytest.raises(CommandError, match=told):
        run(*arguments)
    assert RecordType.objects.count() == before
