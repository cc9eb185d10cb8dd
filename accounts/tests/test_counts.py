"""The numbers of users that the database keeps are exact, whatever writes users."""

from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, connections, transaction
from django.db.models import F, Q
from django.test.utils import CaptureQueriesContext

from accounts import counts
from accounts.models import User
from accounts.services import users
from accounts.tests.factories import AdministratorFactory, UserFactory
from clients.models import Client
from clients.tests.factories import ClientFactory


def is_right():
    return counts.differences("default") == []


def run(*arguments):
    out = StringIO()
    call_command("check_counts", *arguments, stdout=out)
    return out.getvalue()


def asked(users):
    """How a queryset is counted: what it gives, and whether the users were looked at."""
    with CaptureQueriesContext(connection) as captured:
        found = users.count()
    return found, any("accounts_user" in query["sql"] for query in captured.captured_queries)


KEPT = {
    "all": lambda cast: User.objects.all(),
    "active": lambda cast: User.objects.filter(is_active=True),
    "inactive": lambda cast: User.objects.filter(is_active=False),
    "a client": lambda cast: User.objects.filter(client=cast.acme),
    "a client's number": lambda cast: User.objects.filter(client_id=cast.acme.pk, is_active=False),
    "several clients": lambda cast: User.objects.filter(client_id__in=[cast.acme.pk, cast.globex.pk, 987654321]),
    "administrators": lambda cast: User.objects.filter(client=None),
    "clients twice": lambda cast: User.objects.filter(client=cast.acme).filter(client_id__in=[cast.globex.pk]),
    "no state": lambda cast: User.objects.filter(is_active=True).filter(is_active=False),
    "nobody's client": lambda cast: User.objects.filter(client_id=987654321),
    "no client's number": lambda cast: User.objects.filter(client_id__in=[-1, 2**63 - 1]),
    "sorted and joined": lambda cast: User.objects.select_related("client").order_by("name"),
    "either": lambda cast: User.objects.filter(Q(client=cast.acme) | Q(client=None)),
    "with a client": lambda cast: User.objects.filter(client__isnull=False, is_active=True),
    "with one of some clients": lambda cast: User.objects.filter(client__isnull=False, client=cast.acme),
    "everybody": lambda cast: User.objects.filter(Q(pk__isnull=False) & Q(Q(is_active=True) & Q(pk__isnull=False))),
    "who an administrator sees": lambda cast: User.objects.visible_to(cast.administrator),
}
COUNTED = {
    "a search": lambda cast: User.objects.matching("o"),
    "negated": lambda cast: User.objects.exclude(is_active=True),
    "either state or client": lambda cast: User.objects.filter(Q(client=cast.acme) | Q(is_active=False)),
    "a part": lambda cast: User.objects.all()[:3],
    "distinct": lambda cast: User.objects.distinct(),
    "a column": lambda cast: User.objects.filter(client_id=F("id")),
    "of a subquery": lambda cast: User.objects.filter(client__in=Client.objects.filter(name="Acme")),
    "of the client's name": lambda cast: User.objects.filter(client__name="Acme"),
    "one": lambda cast: User.objects.visible_to(cast.owner),
    "both": lambda cast: User.objects.filter(is_active=True).order_by().union(User.objects.filter(pk=1).order_by()),
    "many clients": lambda cast: User.objects.filter(client_id__in=range(1, 200)),
}


@pytest.mark.parametrize(("made", "looked"), [(KEPT, False), (COUNTED, True)], ids=["kept", "counted"])
def test_a_number_is_the_one_that_counting_gives(cast, made, looked):
    for name, queryset in made.items():
        assert asked(queryset(cast)) == (len(list(queryset(cast))), looked), name
    assert (User.objects.none().count(), asked(User.objects.none())) == (0, (0, False))


def test_what_was_read_already_is_counted_as_it_was_read(cast):
    read = User.objects.all()
    before = len(read)
    UserFactory()
    assert (read.count(), User.objects.count()) == (before, before + 1)


def test_whatever_is_written_they_are_right(cast):
    assert is_right()
    acme, globex = cast.acme, ClientFactory()
    made = users.create(actor=None, client_id=acme.pk, name="New", email="new@example.com")
    users.update(actor=None, user_id=made.pk, active=False)
    users.update(actor=None, user_id=made.pk, client_id=globex.pk)
    assert (User.objects.filter(client=globex).count(), is_right()) == (1, True)
    User.objects.bulk_create(UserFactory.build_batch(30, client=globex) + AdministratorFactory.build_batch(3))
    User.objects.filter(client=globex).update(is_active=False)
    User.objects.filter(pk=made.pk).update(client=None, is_superuser=True, is_active=True)
    assert is_right()
    User.objects.filter(client=globex)[:7].count()
    User.objects.filter(pk__in=list(User.objects.filter(client=globex).values_list("pk", flat=True)[:7])).delete()
    users.delete(actor=None, user_id=cast.owner.pk)
    assert (User.objects.filter(client=globex, is_active=False).count(), is_right()) == (23, True)
    User.objects.all().delete()
    assert (User.objects.count(), is_right()) == (0, True)


def test_what_is_rolled_back_was_never_counted(cast):
    before = User.objects.count()
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        UserFactory.create_batch(5)
        assert User.objects.count() == before + 5
        raise ZeroDivisionError
    assert (User.objects.count(), is_right()) == (before, True)


@pytest.mark.django_db(transaction=True)
def test_of_many_who_write_at_once_each_counts_once(cast):
    clients = [ClientFactory(), cast.acme, cast.globex]
    before = User.objects.count()

    def write(number):
        try:
            for turn in range(10):
                user = users.create(
                    actor=None,
                    client_id=clients[turn % 3].pk,
                    name="New",
                    email=f"new.{number}.{turn}@example.com",
                    username=f"new.{number}.{turn}",
                )
                if turn % 2:
                    users.update(actor=None, user_id=user.pk, active=False, client_id=clients[number % 3].pk)
                if turn == 9:
                    users.delete(actor=None, user_id=user.pk)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(6) as threads:
        list(threads.map(write, range(6)))
    assert (User.objects.count(), is_right()) == (before + 6 * 9, True)


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite, which has one writer, has one row for a group")
def test_the_rows_of_a_group_become_one_now_and_then(cast):
    with connection.cursor() as cursor:
        cursor.execute("SELECT setseed(0.5)")  # which insertions fold them is by chance
        most = 0
        for _ in range(300):
            UserFactory(client=cast.acme)
            cursor.execute("SELECT count(*) FROM accounts_kept_count WHERE level = 0 AND is_active")
            most = max(most, cursor.fetchone()[0])
    assert 10 < most < 250
    assert is_right()


def test_wrong_numbers_are_told_and_mended(cast):
    assert run() == "All numbers are right.\n"
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_kept_count (level, client_id, is_active, number) VALUES (0, 0, %s, 5), (1, %s, %s, 7)",
            [True, cast.acme.pk, False],
        )
    so = User.objects.filter(is_active=True).count() - 5
    with pytest.raises(CommandError, match="2 numbers are wrong: --mend counts anew"):
        run()
    assert run("--mend").splitlines() == [
        f"Active users: {so}, and {so + 5} are kept.",
        f"Inactive users of client {cast.acme.pk}: 1, and 8 are kept.",
        "Mended 2 numbers.",
    ]
    assert run() == "All numbers are right.\n"


@pytest.mark.django_db(transaction=True)
def test_an_emptied_directory_has_nobody(cast):
    call_command("flush", interactive=False, verbosity=0)
    assert (User.objects.count(), is_right()) == (0, True)
    UserFactory()
    assert (User.objects.count(), is_right()) == (1, True)
