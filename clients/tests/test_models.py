"""What the database itself refuses of clients; and which clients there are for whom."""

import pytest
from django.db import IntegrityError, transaction

from clients.models import Client
from clients.services.clients import _FIELDS
from clients.tests.factories import ClientFactory
from usermgmt.integrity import broken_constraint


def broken_by(work):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        work()
    return broken_constraint(refusal.value, Client)


def test_two_of_one_name_are_refused(cast):
    assert broken_by(lambda: Client.objects.bulk_create([Client(name="ACME")])) == "client_name_unique"
    globex = Client.objects.filter(pk=cast.globex.pk)
    assert broken_by(lambda: globex.update(name_folded="acme")) == "client_name_unique"


@pytest.mark.parametrize("name", ["", " ", "\n\t"])
def test_a_blank_name_is_refused(db, name):
    client = ClientFactory()
    assert broken_by(lambda: Client.objects.bulk_create([Client(name=name)])) == "client_name_not_blank"
    assert broken_by(lambda: Client.objects.filter(pk=client.pk).update(name=name)) == "client_name_not_blank"


def test_every_constraint_has_a_field_in_the_service():
    assert {constraint.name for constraint in Client._meta.constraints} == _FIELDS.keys()


def test_a_client_is_called_by_its_name():
    assert str(Client(name="Acme")) == "Acme"


@pytest.mark.parametrize("name", ["acme", " ACME ", "ａｃｍｅ"])
def test_a_client_is_found_by_its_name_in_any_case(cast, name):
    assert Client.objects.named(name).get() == cast.acme


def test_administrators_see_every_client_and_others_their_own(cast):
    assert list(Client.objects.visible_to(cast.administrator)) == [cast.acme, cast.globex]
    assert list(Client.objects.visible_to(cast.owner)) == [cast.acme]
    assert list(Client.objects.visible_to(cast.outsider)) == [cast.globex]
