"""What operators type about clients."""

import io

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from accounts.models import Event
from clients.models import Client

pytestmark = pytest.mark.django_db


def create_client(*args, **options):
    out = io.StringIO()
    call_command("create_client", *args, stdout=out, **options)
    return out.getvalue().splitlines()


def test_prints_the_number_of_the_new_client_alone_on_the_last_line():
    assert create_client("Acme")[-1] == str(Client.objects.get(name="Acme").pk)


def test_leaves_an_event_of_the_operator():
    create_client("Acme")
    event = Event.objects.get()
    assert (event.action, event.contract, event.actor_id) == ("client.created", "command", None)
    assert event.changes == {"name": [None, "Acme"]}


@pytest.mark.parametrize(
    ("name", "message"), [("ACMÉ", "has already been taken"), (" ", "can't be blank"), ("x" * 256, "is too long")]
)
def test_a_bad_name_is_an_error_message(name, message):
    create_client("Acmé")
    with pytest.raises(CommandError, match=f"Name {message}"):
        create_client(name)
    assert Client.objects.count() == 1


def test_may_be_told_to_be_content_with_the_one_that_is_there():
    first = create_client("Acmé")
    assert create_client("acmé", exist_ok=True) == first
