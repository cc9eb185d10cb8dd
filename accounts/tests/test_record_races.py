"""Records of users, and their types, when requests arrive at once; see `test_races`."""

from collections import Counter
from functools import partial

import pytest
from django.db import connection

from accounts.models import Event, RecordType, Relationship, User, UserProfile
from accounts.services import erasure, record_types, records, users
from accounts.services.records import ProfileSent, Records, RelationshipSent
from accounts.tests.factories import RecordTypeFactory, UserFactory
from accounts.tests.test_races import CROWD, administrators, at_once, repeated
from accounts.tests.test_team_races import outcome
from clients.tests.factories import ClientFactory
from usermgmt.errors import Invalid

pytestmark = pytest.mark.django_db(transaction=True)


def sorts(kind):
    """A type, which is the only one."""
    RecordType.objects.all().delete()
    return RecordTypeFactory(kind=kind, name="sort")


def related_to(user):
    return Records(relationships=[RelationshipSent("sort", user.pk)])


def creating(client, number, **values):
    return partial(
        outcome, users.create, actor=None, client_id=client.pk, name="N", email=f"n{number}@example.com", **values
    )


@repeated()
def test_of_twelve_who_are_made_with_one_external_id_one_is():
    client = ClientFactory()
    calls = [creating(client, n, external_id="7", username=f"n{n}" if n % 2 else None) for n in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": CROWD - 1}
    assert User.objects.filter(external_id="7").count() == Event.objects.filter(action="user.created").count() == 1


@repeated()
def test_of_those_who_come_to_a_client_with_one_external_id_one_does():
    acme = ClientFactory()
    movers = [UserFactory(external_id="7") for _ in range(6)]
    calls = [partial(outcome, users.update, actor=None, user_id=user.pk, client_id=acme.pk) for user in movers]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": 5}
    assert User.objects.get(client=acme).external_id == "7"


@repeated()
def test_of_twelve_who_define_one_type_one_does():
    RecordType.objects.all().delete()
    calls = [partial(outcome, record_types.create, actor=None, kind="profile", name="sort") for _ in range(CROWD)]
    assert Counter(at_once(*calls)) == {"done": 1, "taken": CROWD - 1}


@repeated(6)
def test_a_type_that_is_deleted_while_records_of_it_are_made_leaves_none_without_type():
    sort, client = sorts("profile"), ClientFactory()
    user = UserFactory(client=client)
    sent = Records(profiles=[ProfileSent("sort", {"a": 1})])
    *comings, removal = at_once(
        *(creating(client, n, records=sent) for n in range(4)),
        partial(outcome, users.update, actor=None, user_id=user.pk, records=sent),
        partial(outcome, record_types.delete, actor=None, type_id=sort.pk),
    )
    if removal == "done":
        assert set(comings) == {"must_exist"}
        assert User.objects.count() == 1
    else:
        assert removal == "has_records"
        assert set(comings) <= {"done", "must_exist"} and "done" in comings
    assert UserProfile.objects.count() == comings.count("done")


@repeated(6)
def test_whoever_is_deleted_or_erased_or_moves_away_meanwhile_is_related_to_nobody():
    administrators()
    sorts("relationship")
    client, abroad = ClientFactory(), ClientFactory()
    people = UserFactory.create_batch(3, client=client)
    goings = [
        partial(outcome, users.delete, actor=None, user_id=people[0].pk),
        partial(outcome, erasure.erase, actor=None, user_id=people[1].pk),
        partial(outcome, users.update, actor=None, user_id=people[2].pk, client_id=abroad.pk),
    ]
    comer = UserFactory(client=client)
    comings = [
        call
        for n, other in enumerate(people)
        for call in (
            creating(client, n, records=related_to(other)),
            partial(outcome, users.update, actor=None, user_id=comer.pk, records=related_to(other)),
        )
    ]
    results = at_once(*comings, *goings)
    assert results[len(comings) :] == ["done"] * 3
    assert set(results) <= {"done", "must_exist"}
    assert not Relationship.objects.exists()


@repeated(6)
def test_those_who_relate_to_each_other_at_once_all_do():
    sorts("relationship")
    client = ClientFactory()
    people = UserFactory.create_batch(4, client=client)
    calls = [
        partial(
            outcome,
            users.update,
            actor=None,
            user_id=user.pk,
            records=Records(
                relationships=[RelationshipSent("sort", other.pk) for other in people[::-1] if other != user]
            ),
        )
        for user in people
    ]
    assert at_once(*calls) == ["done"] * 4
    assert Relationship.objects.count() == 12


@pytest.mark.skipif(connection.vendor == "sqlite", reason="it has one writer at a time")
def test_a_type_that_is_deleted_after_the_last_look_at_it_is_told_as_gone(monkeypatch):
    sort, client = sorts("profile"), ClientFactory()
    user = UserFactory(client=client)
    sent = Records(profiles=[ProfileSent("sort", {"a": 1})])
    write, deleted = records.write, []

    def then_deleted(*arguments):
        changes = write(*arguments)
        deleted.extend(at_once(partial(outcome, record_types.delete, actor=None, type_id=sort.pk)))
        return changes

    monkeypatch.setattr(records, "write", then_deleted)
    assert outcome(users.update, actor=None, user_id=user.pk, records=sent) == "must_exist"
    sort = sorts("profile")
    with pytest.raises(Invalid) as refusal:
        users.create(actor=None, client_id=client.pk, name="N", email="n@example.com", records=sent)
    assert [fault.field for fault in refusal.value.faults] == ["profiles.sort"]
    assert deleted == ["done"] * 2
