"""Rows of lists are found by the SQL that Django would have written, and are the models that it would have made."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.db import connection, connections
from django.db.models import Count, Exists, F, FilteredRelation, OuterRef, Q, QuerySet
from django.db.models.query import ModelIterable
from django.db.models.signals import post_init
from django.db.models.sql.compiler import SQLCompiler
from django.test.utils import CaptureQueriesContext

from accounts.grants import Grant
from accounts.models import Event, User
from accounts.tests.factories import AdministratorFactory, UserFactory
from clients.tests.factories import ClientFactory
from usermgmt import rows
from usermgmt.rows import ListedQuerySet

SEEN = datetime(2026, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)

USERS = {
    "all": User.objects.all,
    "unsorted": User.objects.order_by,
    "with clients": lambda: User.objects.select_related("client"),
    "all relations": User.objects.select_related,
    "some columns": lambda: User.objects.select_related("client").only("name", "client__name"),
    "all but some columns": lambda: User.objects.defer("custom_fields", "bio"),
    "a page": lambda: User.objects.order_by("-name_sorted", "-id")[2:4],
    "another page": lambda: User.objects.order_by("-name_sorted", "-id")[1:3],
    "to the end": lambda: User.objects.order_by("id")[3:],
    "nothing": lambda: User.objects.order_by("id")[2:2],
    "turned": lambda: User.objects.order_by("name").reverse(),
    "by an expression": lambda: User.objects.order_by(F("last_login").desc(nulls_last=True), "-id"),
    "by the client's name": lambda: User.objects.order_by("client__name", "id"),
    "by chance": lambda: User.objects.order_by("?")[:0],
    "one condition": lambda: User.objects.filter(is_active=True),
    "its contrary": lambda: User.objects.filter(is_active=False),
    "many": lambda: User.objects.filter(Q(client=None) | Q(name__contains="a"), created_at__lt=SEEN).exclude(bio="x"),
    "of the client": lambda: User.objects.select_related("client").filter(client__name__contains="e").order_by("id"),
    "of a client": lambda: User.objects.select_related("client").filter(client__isnull=False),
    "of none": lambda: User.objects.select_related("client").filter(client__isnull=True),
    "by a list": lambda: User.objects.filter(pk__in=[1, 2, 3]),
    "by an empty list": lambda: User.objects.filter(pk__in=[]),
    "but an empty list": lambda: User.objects.exclude(pk__in=[]).order_by("id"),
    "none": User.objects.none,
    "of a subquery": lambda: User.objects.filter(pk__in=User.objects.filter(is_active=True).order_by("id")[:2]),
    "where one exists": lambda: User.objects.filter(Exists(Event.objects.filter(target_id=OuterRef("pk")))),
    "by many-to-many": lambda: User.objects.filter(groups__name="guest").order_by("id"),
    "twice": lambda: User.objects.filter(groups__name="guest").filter(groups__name="user").order_by("id"),
    "distinct": lambda: User.objects.filter(groups__name="guest").distinct().order_by("id"),
    "annotated": lambda: User.objects.annotate(number=Count("groups")).order_by("id"),
    "by a narrowed relation": lambda: (
        User.objects.annotate(guest=FilteredRelation("groups", condition=Q(groups__name="guest")))
        .filter(guest__isnull=False)
        .order_by("id")
    ),
    "united": lambda: (
        User.objects.filter(is_active=True).order_by().union(User.objects.filter(client=None).order_by()).order_by("id")
    ),
    "text like a placeholder": lambda: User.objects.filter(name="%s").order_by("id"),
}


@pytest.fixture
def people(db):
    """Some of each kind."""
    guest, user = Group.objects.get(name="guest"), Group.objects.get(name="user")
    client = ClientFactory(name="Acme")
    found = [
        AdministratorFactory(),
        UserFactory(client=client, last_login=SEEN, custom_fields={"a": [1, {"b": None}]}, name="%s"),
        UserFactory(client=client, is_active=False, bio="x"),
        UserFactory(featured=True, created_at=SEEN - timedelta(days=1)),
        UserFactory(properties={"k": "ö"}),
    ]
    found[1].groups.add(guest, user)
    found[2].groups.add(guest)
    return found


def state(model):
    """All there is to a model: its columns, those that were read, and what was read along."""
    held = {name: value for name, value in vars(model).items() if name != "_state"}
    along = {name: other and state(other) for name, other in model._state.fields_cache.items()}
    return type(model), held, model._state.db, model._state.adding, along


def asked(run):
    with CaptureQueriesContext(connection) as captured:
        found = run()
    return [query["sql"] for query in captured.captured_queries], found


@pytest.mark.parametrize("query", USERS.values(), ids=USERS.keys())
def test_the_sql_and_the_models_are_django_s(people, query):
    as_django = asked(lambda: list(ModelIterable(query())))
    for _ in range(3):  # written, and then kept
        sql, found = asked(lambda: list(query()))
        assert sql == as_django[0]
        assert [state(model) for model in found] == [state(model) for model in as_django[1]]


@pytest.mark.parametrize("query", USERS.values(), ids=USERS.keys())
def test_their_number_is_django_s(people, query):
    as_django = asked(lambda: QuerySet.count(query()))
    assert asked(lambda: ListedQuerySet.count(query())) == as_django


def test_values_and_counts_and_chunks_are_as_ever(people):
    assert list(User.objects.order_by("id").values_list("pk", flat=True)) == [user.pk for user in people]
    assert (User.objects.count(), User.objects.exists()) == (len(people), True)
    assert list(User.objects.order_by("id").iterator(chunk_size=2)) == people
    assert User.objects.get(pk=people[1].pk) == people[1]


def test_rows_are_locked_as_ever(people):
    (sql,), found = asked(lambda: list(User.objects.filter(is_active=False).select_for_update()))
    assert found == [people[2]]
    assert sql.endswith("FOR UPDATE") or not connection.features.has_select_for_update


def test_what_is_prefetched_comes_along(people):
    listed = list(User.objects.prefetch_related("groups").order_by("id"))
    with CaptureQueriesContext(connection) as captured:
        names = [sorted(group.name for group in user.groups.all()) for user in listed]
    assert (names, len(captured)) == ([[], ["guest", "user"], ["guest"], [], []], 0)


def test_a_column_that_was_not_read_is_read_when_it_is_asked_for(people):
    (user,) = User.objects.filter(pk=people[1].pk).only("name")
    assert user.get_deferred_fields() >= {"email", "password", "client_id"}
    assert (user.email, user.custom_fields) == (people[1].email, people[1].custom_fields)


def test_what_a_model_was_changed_to_is_saved_as_ever(people):
    (user,) = User.objects.filter(pk=people[1].pk).select_related("client")
    user.name = "Renamed"
    user.save(update_fields=["name"])
    other = people[3].client
    user.client = other
    assert (user.client_id, user.client) == (other.pk, other)
    assert User.objects.get(pk=user.pk).name_sorted == "renamed"


ACTORS = {
    "administrator": lambda cast: {"is_superuser": True, "client_id": None},
    "bound": lambda cast: {"is_superuser": True, "client_id": None, "scope_id": cast.acme.pk},
    "owner": lambda cast: {"pk": cast.owner.pk, "client_id": cast.acme.pk},
    "granted": lambda cast: {"pk": cast.owner.pk, "client_id": cast.acme.pk, "grants": {Grant.VIEW}},
    "outsider": lambda cast: {"pk": cast.outsider.pk, "client_id": cast.globex.pk, "grants": {Grant.VIEW}},
}


def test_what_one_may_see_is_kept_for_nobody_else(cast):
    def seen(name):
        told = {"pk": 0, "scope_id": None, "is_superuser": False, "grants": set(), **ACTORS[name](cast)}
        return {user.name.split()[0] for user in User.objects.visible_to(SimpleNamespace(**told)).order_by("id")}

    everybody = {"Ada", "Sam", "Olga", "Stan", "Otto", "Dora"}
    expected = {
        "administrator": everybody,
        "bound": {"Olga", "Stan", "Dora"},
        "owner": {"Olga"},
        "granted": {"Olga", "Stan", "Dora"},
        "outsider": {"Otto"},
    }
    for _ in range(2):
        assert {name: seen(name) for name in ACTORS} == expected
    User.objects.filter(pk=cast.owner.pk).update(client=cast.globex)
    assert seen("granted") == {"Stan", "Dora"}
    assert seen("outsider") == {"Otto", "Olga"}


def test_the_sql_of_a_list_is_written_once(people, monkeypatch):
    written, as_sql = [], SQLCompiler.as_sql

    def watched(self, *args, **options):
        written.append(self)
        return as_sql(self, *args, **options)

    rows._kept.__dict__.clear()
    monkeypatch.setattr(SQLCompiler, "as_sql", watched)

    def pages():
        for start in range(3):
            for active in (True, False):
                assert (
                    list(User.objects.filter(is_active=active).order_by("name_sorted")[start : start + 2]) is not None
                )

    pages()
    at_first = len(written)
    pages()
    assert (at_first, len(written)) == (2, 2)  # with its order, and without


def test_only_so_much_is_kept(people, monkeypatch):
    monkeypatch.setattr(rows, "MAX_KEPT", 3)
    for column in ("id", "name", "email", "username", "bio", "created_at"):
        for sign in ("", "-"):
            assert set(User.objects.order_by(f"{sign}{column}")) == set(people)
            assert len(rows._kept.__dict__["default"][1]) <= 3


def test_a_model_that_somebody_listens_for_is_made_django_s_way(people):
    heard = []

    def listen(instance, **signal):
        heard.append(instance.pk)

    post_init.connect(listen, sender=User)
    rows._kept.__dict__.clear()
    try:
        assert list(User.objects.order_by("id")) == people
    finally:
        post_init.disconnect(listen, sender=User)
        rows._kept.__dict__.clear()
    assert heard == [user.pk for user in people]


@pytest.mark.django_db(transaction=True)
def test_each_thread_has_its_own():
    users = UserFactory.create_batch(3)

    def found(_):
        try:
            return [user.pk for user in User.objects.order_by("id")]
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(found, range(20))) == [[user.pk for user in users]] * 20
