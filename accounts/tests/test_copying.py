"""Rows that are copied at once are as they would be one by one."""

import json

import hypothesis
import hypothesis.strategies as st
import pytest
from django.db import DataError, IntegrityError, connection, transaction
from django.utils import timezone

from accounts.models import Event, Membership, Team, User
from accounts.tests.factories import UserFactory
from usermgmt import copying

TEXTS = ["", "\\", "\\N", "\\.", "a\tb", "\r\n", "\n\\.\n", "\\t", "Ż漢🙂", "\u2028", "'\"", "x" * 10_000]


def users_of(client):
    """One more than a chunk, whose texts are what a format of lines trips over."""
    return [
        UserFactory.build(
            email=f"p{n}@example.org", client=client, is_superuser=False, name=f"Person {n}", password="!",
            bio=TEXTS[n % len(TEXTS)], properties={"text": TEXTS[n % len(TEXTS)], "n": n} if n % 2 else {},
            last_login=timezone.now() if n % 3 else None, is_active=bool(n % 5),
        )
        for n in range(copying.CHUNK + 1)
    ]  # fmt: skip


@pytest.mark.parametrize("later", [(), ("id", "client_id", "is_superuser", "custom_fields", "updated_at")])
def test_every_column_is_what_saving_would_have_made_of_it(cast, later):
    rows = users_of(cast.acme)
    known = [{name: row.__dict__.pop(name) for name in later} for row in rows]  # what nobody knows nobody reads
    begun = copying.begun(rows, without=[name.removesuffix("_id") for name in later]) if later else None
    for row, values in zip(rows, known, strict=True):
        row.__dict__.update(values)
    with transaction.atomic(), copying.inserting(rows, numbered=True, begun=begun):
        pass
    there = {user.pk: user for user in User.objects.filter(email__endswith="@example.org")}
    assert len({row.pk for row in rows}) == len(there) == len(rows)
    saved = UserFactory.build(email="q@example.org", username="q", name="İ ẞ", client=cast.acme, is_superuser=False)
    copied = UserFactory.build(email="r@example.org", username="r", name="İ ẞ", client=cast.acme, is_superuser=False)
    saved.save()
    copying.insert([copied], numbered=True)
    for row in rows:
        for column in User._meta.concrete_fields:
            assert getattr(there[row.pk], column.attname) == getattr(row, column.attname), column.name
    first, second = User.objects.get(email="q@example.org"), User.objects.get(email="r@example.org")
    assert (first.name_sorted, first.first_name_shown, first.last_name_shown) == (
        second.name_sorted, second.first_name_shown, second.last_name_shown,
    )  # fmt: skip
    rows[0].name = "Changed"
    rows[0].save(update_fields=["name"])  # it is known to be there
    assert User.objects.get(pk=rows[0].pk).name_sorted == "changed"


def test_what_is_refused_leaves_nothing(cast):
    team = Team.objects.create(client=cast.acme, name="T")
    good, bad = Membership(team=team, user=cast.owner), Membership(team=team, user=cast.owner)
    with pytest.raises(IntegrityError), transaction.atomic():
        copying.insert([good, bad])
    assert not Membership.objects.exists()
    if connection.vendor == "postgresql":  # SQLite holds any text
        with pytest.raises(DataError), transaction.atomic():
            copying.insert([UserFactory.build(client=cast.acme, bio="a\0b", is_superuser=False, password="!")])
    assert User.objects.filter(bio__gt="").count() == 0


def test_they_have_their_numbers_while_the_database_is_at_it_and_are_in_afterwards(cast):
    rows = users_of(cast.acme)
    with transaction.atomic():
        with copying.inserting(rows, numbered=True):
            numbers = [row.pk for row in rows]
        assert list(
            User.objects.filter(email__endswith="@example.org").order_by("pk").values_list("pk", flat=True)
        ) == (numbers)


def test_what_goes_wrong_meanwhile_is_told_and_leaves_nothing(cast):
    with pytest.raises(ZeroDivisionError), transaction.atomic(), copying.inserting(users_of(cast.acme), numbered=True):
        _ = 1 / 0
    assert not User.objects.filter(email__endswith="@example.org").exists()


def test_numbers_are_of_one_model_each_and_nobody_elses(cast):
    drawn = copying.numbers(3, User, Event)
    if connection.vendor != "postgresql":
        assert drawn is None  # they are told as rows are inserted
        return
    of_users, of_events = drawn
    user = UserFactory(client=cast.acme)
    assert of_users == [user.pk - 3, user.pk - 2, user.pk - 1]
    assert of_events[2] - of_events[0] == 2
    assert copying.numbers(0, User) == [[]]


def test_no_rows_are_no_statement(db, django_assert_num_queries):
    with django_assert_num_queries(0):
        copying.insert([])
        with copying.inserting([]):
            pass
        copying.insert_values(Event, [])


LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=3)
DOCUMENTS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(st.none(), inner),
        st.dictionaries(st.sampled_from(["a", "b%s", '"', ""]), inner, max_size=3),
        st.fixed_dictionaries({"a": inner, '100 %"': inner}),
        st.dictionaries(st.integers(0, 2) | st.booleans(), inner, max_size=2),
    ),
    max_leaves=4,
)


@hypothesis.settings(suppress_health_check=[hypothesis.HealthCheck.too_slow], max_examples=60)
@hypothesis.given(st.lists(DOCUMENTS, min_size=1, max_size=4))
def test_many_documents_are_written_as_each_would_be(documents):
    assert copying.documents(documents) == [json.dumps(document) for document in documents]


def test_documents_of_one_shape_are_written_as_each_would_be():
    changes = [{"name": (None, f"Ż{n}\n"), "n": [None, n], "%s": [n % 2 == 0, None], "": {}} for n in range(5)]
    assert copying.documents(changes) == [json.dumps(change) for change in changes]
