"""Failed sign-ins take the same time for unknown, wrong, inactive, password-less and imported accounts (DESIGN 6)."""

import time

import bcrypt
import pytest
from django.db import connection

from accounts import hashers, passwords, timing
from accounts.models import User
from accounts.services import bulk, sign_ins, users
from accounts.tests.factories import PASSWORD, UserFactory
from usermgmt import cores
from usermgmt.errors import InvalidCredentials

pytestmark = pytest.mark.django_db

FAILURES = {
    "unknown": ("nobody@example.com", PASSWORD),
    "wrong": ("olga@example.com", "wrong password"),
    "over-long": ("imported@example.com", "x" * 5000),
    "inactive": ("dora@example.com", PASSWORD),
    "inactive and imported": ("former@example.com", PASSWORD),
    "password-less": ("stan@example.com", PASSWORD),
    "imported": ("imported@example.com", "wrong password"),
    "imported, beyond what bcrypt reads": ("imported@example.com", "x" * 100),
}


def imported_hash(cost=4, source="rails"):
    return hashers.imported(source, bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(cost)).decode())


@pytest.fixture
def directory(cast):
    """The cast, one without a password, and two whose hashes were imported."""
    users.update(actor=None, user_id=cast.stranger.pk, password=None)
    for name, active in (("imported", True), ("former", False)):
        users.create(
            actor=None,
            client_id=cast.acme.pk,
            name=name,
            email=f"{name}@example.com",
            password_hash=imported_hash(5),
            active=active,
        )
    return cast


@pytest.fixture
def naps(monkeypatch):
    """The seconds slept, each with the depth of the transactions it was slept in."""
    slept = []
    monkeypatch.setattr(time, "sleep", lambda seconds: slept.append((seconds, len(connection.savepoint_ids))))
    return slept


def fail(email, password):
    with pytest.raises(InvalidCredentials):
        sign_ins.verified_user(email=email, password=password)


@pytest.mark.parametrize("kind", FAILURES)
def test_every_failure_aims_at_the_same_time(directory, kind, monkeypatch, naps):
    aimed = []
    original = timing.target
    monkeypatch.setattr(timing, "target", lambda cost: aimed.append(cost) or original(cost))
    monkeypatch.setattr(timing, "BUSIEST", 1.0)
    ticking(monkeypatch, monotonic=(100.0, 100.0, 100.0, 100.001))

    fail(*FAILURES[kind])

    assert aimed == [5]
    ((seconds, depth),) = naps
    assert seconds == pytest.approx(original(5) - 0.001)
    assert depth == 0


def ticking(monkeypatch, **clocks):
    """Let each of the named clocks tell these moments."""
    for clock, moments in clocks.items():
        monkeypatch.setattr(time, clock, iter(moments).__next__)


@pytest.mark.parametrize(
    ("by_clock", "of_thread", "slept"),
    [(0.1, 0.1, 0.4), (0.2, 0.1, 0.9), (0.1, 0.2, 0.4), (9.0, 0.1, 1.9), (1, 0, 0.4)],
)
@pytest.mark.usefixtures("db")
def test_on_a_busy_machine_all_wait_as_much_longer_as_it_hashes(monkeypatch, naps, by_clock, of_thread, slept):
    monkeypatch.setattr(timing, "target", lambda cost: 0.5)
    ticking(monkeypatch, perf_counter=(0, by_clock), thread_time=(0, of_thread), monotonic=(0, 0, 0, 0.1))
    watch = timing.Stopwatch()
    with watch.hashing():
        pass
    watch.even_out()
    assert [seconds for seconds, _ in naps] == pytest.approx([slept])


@pytest.mark.usefixtures("db")
def test_who_waited_for_a_core_waits_as_long_for_the_others(monkeypatch, naps):
    """Else a crowd would do away with the evening out, and then the time would tell whose hash was looked at."""
    monkeypatch.setattr(timing, "target", lambda cost: 0.5)
    ticking(monkeypatch, perf_counter=(0, 0.1), thread_time=(0, 0.1), monotonic=(0, 0.01, 3.01, 3.11))
    watch = timing.Stopwatch()
    with watch.hashing():
        pass
    watch.even_out()
    assert [seconds for seconds, _ in naps] == pytest.approx([0.5 - 0.11])


@pytest.mark.usefixtures("db")
def test_what_took_longer_than_thought_waits_no_more(monkeypatch, naps):
    monkeypatch.setattr(timing, "target", lambda cost: 0.5)
    ticking(monkeypatch, monotonic=(0, 0.7))
    timing.Stopwatch().even_out()
    assert naps == [(0.0, 0)]


@pytest.mark.parametrize(("cost", "hashes"), [(4, 1), (7, 1), (8, 0)])
def test_a_cheap_imported_hash_costs_one_of_our_own_too(monkeypatch, cost, hashes):
    made = []
    stored = imported_hash(cost)
    monkeypatch.setattr(hashers, "make_password", made.append)
    for password in ("wrong password", PASSWORD):
        passwords.verified(password, stored)
        assert len(made) == hashes
        made.clear()


@pytest.mark.parametrize("kind", ["unknown", "wrong", "inactive", "password-less"])
def test_without_imported_hashes_nobody_waits(directory, kind, naps):
    User.objects.exclude(imported_cost=None).delete()
    fail(*FAILURES[kind])
    assert naps == [(0.0, 0)]


def test_a_right_password_does_not_wait(directory, naps):
    for email in ("olga@example.com", "imported@example.com"):
        sign_ins.sign_in(email=email, password=PASSWORD)
    assert naps == []


def test_the_slowest_hash_decides(monkeypatch):
    monkeypatch.setattr(timing, "_own", lambda: 0.035)
    monkeypatch.setattr(timing, "_bcrypt", lambda cost: 0.005)
    assert timing.target(None) == 0
    assert timing.target(4) == timing.target(8) == pytest.approx(0.035 * 1.25 + 0.02)
    assert timing.target(10) == pytest.approx(0.08 * 1.25 + 0.02)
    assert timing.target(12) == pytest.approx(0.32 * 1.25 + 0.02)


def test_this_machine_is_timed_once(monkeypatch):
    timing._bcrypt.cache_clear()
    timing._own.cache_clear()
    hashes = []
    original = bcrypt.hashpw
    monkeypatch.setattr(bcrypt, "hashpw", lambda *values: hashes.append(values) or original(*values))
    assert timing.target(10) == timing.target(10) > timing.target(9)
    assert len(hashes) == timing.PROBES


@pytest.mark.parametrize("lanes", [1, 2])
def test_the_wait_for_a_core_is_no_part_of_a_hash_of_our_own(monkeypatch, settings, lanes):
    settings.ARGON2_LANES = lanes
    timing._own.cache_clear()
    free = []
    for clock in ("perf_counter", "thread_time"):
        monkeypatch.setattr(time, clock, lambda: free.append(cores.shared.free()) or 0.0)
    monkeypatch.setattr(passwords, "make_password", lambda password: "")
    timing._own()
    timing._own.cache_clear()
    assert free == [cores.cores() - 1] * 2 * timing.PROBES


# What the directory knows of its imported hashes


@pytest.mark.parametrize("source", ["rails", "rocketchat"])
def test_the_cost_of_an_imported_hash_is_kept_beside_it(cast, source):
    user = users.create(
        actor=None, client_id=cast.acme.pk, name="I", email="i@example.com", password_hash=imported_hash(6, source)
    )
    assert User.objects.get(pk=user.pk).imported_cost == 6
    assert User.objects.imported_cost() == 6


def test_hashes_of_our_own_have_none(cast):
    assert User.objects.imported_cost() is None
    users.update(actor=None, user_id=cast.stranger.pk, password=None)
    assert User.objects.imported_cost() is None


def test_many_users_at_once_keep_it_too(cast):
    drafts = [
        bulk.Draft(name="I", email=f"i{cost}@example.com", client_id=cast.acme.pk, password_hash=imported_hash(cost))
        for cost in (4, 7, 5)
    ]
    bulk.insert(actor=None, drafts=drafts)
    assert User.objects.imported_cost() == 7


def test_a_sign_in_and_a_new_password_end_it(directory):
    sign_ins.sign_in(email="imported@example.com", password=PASSWORD)
    assert User.objects.with_email("imported@example.com").get().imported_cost is None
    assert User.objects.imported_cost() == 5
    former = User.objects.with_email("former@example.com").get()
    users.update(actor=None, user_id=former.pk, password="a password nobody has")
    assert User.objects.imported_cost() is None


def test_the_largest_cost_is_found_by_its_index(directory, django_assert_num_queries):
    UserFactory.create_batch(3)
    with django_assert_num_queries(1):
        assert User.objects.imported_cost() == 5


@pytest.mark.parametrize(
    "stored", ["", "!", "bcrypt_rails$", "bcrypt_rails$$2a$10$short", "argon2$argon2id$v=19$m=8,t=1,p=1$x$y"]
)
def test_what_is_no_imported_hash_has_no_cost(stored):
    assert hashers.imported_cost(stored) is None


def test_a_password_that_was_never_imported_verifies_as_ever():
    assert passwords.verified(PASSWORD, imported_hash())
