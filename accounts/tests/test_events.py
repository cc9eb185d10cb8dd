"""The audit trail: append-only, in the transaction of what it tells (DESIGN 2, "Audit")."""

import pytest
from django.db import connection, transaction

from accounts.models import Event
from accounts.models.event import AppendOnly
from usermgmt import audit
from usermgmt.audit import Entry
from usermgmt.origin import Origin, coming_from, current

pytestmark = pytest.mark.django_db


def test_a_row_tells_who_what_to_whom_and_from_where(cast):
    with coming_from(Origin(contract="scim", request_id="abc", address="2001:db8::7")):
        audit.record(actor=cast.owner, action="user.updated", target=("user", 7), changes={"name": ("Old", "New")})
    row = Event.objects.values().get()
    assert row.pop("id") and row.pop("at")
    assert row == {
        "contract": "scim",
        "action": "user.updated",
        "actor_id": cast.owner.pk,
        "target_kind": "user",
        "target_id": 7,
        "changes": {"name": ["Old", "New"]},
        "request_id": "abc",
        "address": "2001:db8::7",
    }


def test_outside_of_requests_it_is_the_operator():
    audit.record(actor=None, action="client.created", target=("client", None))
    event = Event.objects.get()
    assert (event.contract, event.actor_id, event.target_id, event.request_id, event.address) == (
        "command",
        None,
        None,
        "",
        None,
    )
    assert event.changes == {}


def test_many_rows_are_a_few_statements(django_assert_max_num_queries):
    entries = [Entry(actor=None, action="user.created", target=("user", pk)) for pk in range(1, 1502)]
    most = 2 if connection.vendor == "postgresql" else 15  # Django gives SQLite 999 values at a time
    with transaction.atomic(), django_assert_max_num_queries(most):
        audit.record_all(entries)
    assert Event.objects.count() == 1501
    assert list(Event.objects.order_by("id").values_list("target_id", flat=True)[:3]) == [1, 2, 3]


def test_nothing_to_tell_is_no_row(django_assert_num_queries):
    with django_assert_num_queries(0):
        audit.record_all([])


def test_an_entry_knows_where_it_was_made_not_where_it_is_written():
    with coming_from(Origin(contract="forms")):
        entry = Entry(actor=None, action="user.created", target=("user", 1))
    audit.record_all([entry])
    assert (Event.objects.get().contract, current().contract) == ("forms", "command")


def test_origins_nest_and_end_also_by_an_error():
    with pytest.raises(KeyError), coming_from(Origin(contract="forms")):
        with coming_from(Origin(contract="scim")):
            assert current().contract == "scim"
        assert current().contract == "forms"
        raise KeyError
    assert current() == Origin("command", "", None)


@pytest.fixture
def event():
    audit.record(actor=None, action="user.deleted", target=("user", 7))
    return Event.objects.get()


@pytest.mark.parametrize(
    "work",
    [
        lambda event: event.save(),
        lambda event: event.save(update_fields=["action"]),
        lambda event: event.delete(),
        lambda event: Event.objects.update(action="x"),
        lambda event: Event.objects.filter(pk=event.pk).update(action="x"),
        lambda event: Event.objects.all().delete(),
        lambda event: Event.objects.bulk_update([event], ["action"]),
        lambda event: Event.objects.update_or_create(pk=event.pk, defaults={"action": "x"}),
        lambda event: Event.objects.about("user", 7).delete(),
    ],
)
def test_a_row_is_neither_changed_nor_deleted(event, work):
    event.action = "user.created"
    with pytest.raises(AppendOnly, match="the audit trail is append-only"), transaction.atomic():
        work(event)
    assert Event.objects.get().action == "user.deleted"


def test_what_is_rolled_back_is_not_told():
    with pytest.raises(KeyError), transaction.atomic():
        audit.record(actor=None, action="user.deleted", target=("user", 7))
        raise KeyError
    assert Event.objects.count() == 0


def test_what_happened_to_one_is_told_newest_first():
    for action, target in (("a", ("user", 7)), ("b", ("user", 8)), ("c", ("client", 7)), ("d", ("user", 7))):
        audit.record(actor=None, action=action, target=target)
    assert [event.action for event in Event.objects.about("user", 7)] == ["d", "a"]


def test_a_row_reads_as_a_line(event):
    assert str(event) == "user.deleted user 7"
    assert str(Event(action="sign_in.failed", target_kind="user")) == "sign_in.failed user"
