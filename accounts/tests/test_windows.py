"""Pages by number show what sorting the whole list would show, wherever they are."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.db.models import F, Q
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from accounts import counts
from accounts.models import User
from accounts.tests.factories import UserFactory
from usermgmt import windows
from usermgmt.http.pagination import NativePagination
from usermgmt.windows import Key, counted, has_at_most_one, window

START = datetime(2026, 3, 1, tzinfo=UTC)
ORDERS = {
    "by number": [Key("id")],
    "by number, backwards": [Key("id", descending=True)],
    "by e-mail": [Key("email_canonical")],
    "by name": [Key("name_sorted"), Key("id")],
    "by name, backwards": [Key("name_sorted", descending=True), Key("id", descending=True)],
    "by name, the number not": [Key("name_sorted", descending=True)],
    "by sign-in": [Key("last_login"), Key("id")],
    "by sign-in, backwards": [Key("last_login", descending=True), Key("id", descending=True)],
    "by sign-in, the number not": [Key("last_login", descending=True)],
    "by sign-in, who never did first": [Key("last_login", blanks_first=True)],
    "by state": [Key("is_active")],
    "by state, backwards": [Key("is_active", descending=True), Key("is_active"), Key("last_login"), Key("name_sorted")],
    "by name and state": [Key("name_sorted"), Key("is_active", descending=True)],
}
ROWS = {
    "all": lambda cast: User.objects.all(),
    "active": lambda cast: User.objects.filter(is_active=True),
    "inactive": lambda cast: User.objects.filter(is_active=False),
    "regular": lambda cast: User.objects.filter(client__isnull=False),
    "of a client": lambda cast: User.objects.filter(client=cast.acme),
    "inactive of a client": lambda cast: User.objects.filter(client=cast.acme, is_active=False),
    "of some clients": lambda cast: User.objects.filter(Q(client_id__in=[cast.acme.pk]) | Q(client=None)),
    "a search": lambda cast: User.objects.matching("same").select_related("client"),
    "since a day": lambda cast: User.objects.filter(created_at__gt=START + timedelta(days=20)),
}


@pytest.fixture
def crowd(cast, monkeypatch):
    """Forty users, half of them of Acme, over many blocks, with many equal values; and small numbers for all that is
    large."""
    monkeypatch.setattr(windows, "SHALLOW", 2)
    monkeypatch.setattr(windows, "DEEP", 4)
    User.objects.bulk_create(
        UserFactory.build(
            id=10_000_000 * (number // 14) + 700 * number + 500_000,
            name=["Same", "same", "Ünal", "Ärger"][number % 4],
            client=cast.acme if number % 2 else cast.globex,
            is_superuser=False,
            is_active=number % 5 != 1,
            password="!",
            created_at=START + timedelta(days=number // 2),
            last_login=None if number % 3 == 0 else START + timedelta(days=number // 6),
        )
        for number in range(40)
    )
    assert counts.differences("default") == []


def plainly(rows, keys):
    """The same by one sort."""
    return rows.order_by(
        *(
            (F(key.column).desc if key.descending else F(key.column).asc)(
                **{"nulls_first" if key.blanks_first else "nulls_last": True}
            )
            for key in [*keys, Key("id")]
        )
    )


@pytest.mark.parametrize("few", [0, 1000])
@pytest.mark.parametrize("order", ORDERS)
def test_every_page_is_the_part_of_the_list_that_it_says(cast, crowd, monkeypatch, order, few):
    monkeypatch.setattr(windows, "FEW", few)
    keys = ORDERS[order]
    for name, made in ROWS.items():
        whole = [user.pk for user in plainly(made(cast), keys)]
        assert whole, name
        for start in range(0, len(whole) + 3, 3):
            total = len(whole) if start % 2 else None
            found = [user.pk for user in window(made(cast), keys, start, 4, total)]
            assert found == whole[start : start + 4], (name, start)


@pytest.mark.parametrize("shallow", [2, 1000])
@pytest.mark.parametrize("order", ORDERS)
def test_a_counted_page_is_the_part_of_the_list_and_its_number(cast, crowd, monkeypatch, order, shallow):
    monkeypatch.setattr(windows, "SHALLOW", shallow)
    keys = ORDERS[order]
    for name, made in {**ROWS, "one": lambda cast: User.objects.filter(pk=cast.owner.pk)}.items():
        whole = [user.pk for user in plainly(made(cast), keys)]
        for start in (*range(0, len(whole) + 3, 7), 2**64):
            total, page = counted(made(cast), keys, start, 4)
            assert (total, [user.pk for user in page]) == (len(whole), whole[start : start + 4]), (name, start)


def test_what_few_meet_is_looked_for_once(cast, crowd, monkeypatch, django_assert_num_queries):
    monkeypatch.setattr(windows, "SHALLOW", 100)
    searched = User.objects.matching("same").select_related("client")
    with django_assert_num_queries(2) as asked:  # the numbers, the page
        total, page = counted(searched, [Key("id")], 0, 5)
    assert (total, len(page)) == (20, 5)
    assert "pk" not in asked[0]["sql"] and "LIMIT 101" in asked[0]["sql"]
    with django_assert_num_queries(1):
        assert counted(User.objects.matching("nobody at all"), [Key("id")], 0, 5) == (0, [])
    with django_assert_num_queries(1):
        assert counted(searched, [Key("id")], 40, 5) == (20, [])


def test_who_met_it_when_the_numbers_were_found_and_no_longer_is_not_shown(cast, monkeypatch):
    """Between the two questions somebody is moved out of sight."""
    rows = User.objects.filter(client=cast.acme, search_text__contains="@")
    first = rows.order_by("pk").first()
    found = User.objects._queryset_class.some_numbers

    def moved(self, limit):
        numbers = found(self, limit)
        User.objects.filter(pk=first.pk).update(client=cast.globex)
        return numbers

    monkeypatch.setattr(User.objects._queryset_class, "some_numbers", moved)
    total, page = counted(rows, [Key("id")], 0, 50)
    assert total == rows.count() + 1
    assert first not in page and page == list(rows.order_by("pk"))


def test_rows_read_along_with_several_others_are_counted_as_ever(cast):
    rows = User.objects.filter(sign_ins__ended_at=None, pk__gt=0)
    assert counted(rows, [Key("id")], 0, 50)[0] == rows.count()


@pytest.mark.parametrize("descending", [False, True])
def test_a_page_far_within_a_block_is_the_part_that_it_says(cast, monkeypatch, descending):
    monkeypatch.setattr(windows, "SHALLOW", 2)
    monkeypatch.setattr(windows, "DEEP", 4)
    User.objects.bulk_create(UserFactory.build(id=10_000_000 + n, client=cast.acme, password="!") for n in range(20))
    keys = [Key("id", descending)]
    whole = [user.pk for user in plainly(User.objects.all(), keys)]
    for start in range(len(whole) + 2):
        for total in (None, len(whole)):
            found = [user.pk for user in window(User.objects.all(), keys, start, 4, total)]
            assert found == whole[start : start + 4], (start, total)


def test_blocks_are_skipped_both_ways(cast, crowd, django_assert_max_num_queries):
    place = User.objects.count() // 2
    for descending in (False, True):
        rows, left = User.objects.all().skipping(place, descending=descending)
        assert left < place
        assert User.objects.count() - rows.count() == place - left
    rows = User.objects.filter(client=cast.acme)
    assert rows.skipping(place, descending=False) == (rows, place)


def test_who_is_behind_everybody_is_nobody(cast, crowd):
    for start in (10**6, 2**63 - 1, 2**64):
        assert window(User.objects.all(), [Key("id")], start, 5, total=None) == []


def test_a_page_deep_in_a_list_takes_no_more_queries_for_more_rows(cast, crowd, call, django_assert_num_queries):
    client = call(cast.administrator)
    for size in (5, 10):
        with django_assert_num_queries(4):  # the caller, the number, the block, the users
            assert len(client.get(f"/users?per_page={size}&page=3").json()["users"]) == size


def test_only_what_names_a_value_of_a_unique_column_has_at_most_one_row():
    users = User.objects.all()
    for one in (
        users.filter(pk=1),
        users.filter(email_canonical="a@example.com", is_active=True),
        users.filter(is_active=True).with_username("a"),
        users.select_related("client").filter(client__name="A").filter(pk=1),
    ):
        assert has_at_most_one(one)
    for many in (
        users,
        users.filter(name="A"),
        users.filter(external_id="a"),
        users.filter(client_id=1),
        users.filter(client__id=1),
        users.filter(client__pk=1, name="A"),
        users.filter(sign_ins__pk=1),
        users.filter(pk=1, sign_ins__ended_at=None),
        users.filter(Q(pk=1) | Q(pk=2)),
        users.exclude(pk=1),
        users.filter(~Q(pk=1)),
        users.filter(pk__in=[1, 2]),
        users.filter(pk__gt=1),
        users.filter(search_text__contains="a"),
    ):
        assert not has_at_most_one(many)


def test_a_page_of_one_asks_for_the_row_alone(db, django_assert_num_queries):
    user = UserFactory()
    for email, page, shown, total in (
        (user.email.upper(), 1, [user], 1),
        (user.email, 2, [], 1),
        ("no@one.example", 1, [], 0),
    ):
        paginator = NativePagination()
        request = Request(APIRequestFactory().get("/users", {"page": page}))
        view = SimpleNamespace(collection="users", orderings={"id": "id"})
        with django_assert_num_queries(1):
            assert paginator.paginate_queryset(User.objects.with_email(email), request, view) == shown
        assert paginator.meta["pagination"]["total_count"] == total
        assert paginator.meta["pagination"]["total_pages"] == total
