"""How often a sign-in may be tried, and that nobody is locked out by others' guesses (DESIGN 3)."""

from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone

from accounts import door, passwords
from accounts.models import Event, SignIn, SignInAddress
from accounts.services import sign_ins, users
from accounts.tests.callers import caller
from accounts.tests.factories import PASSWORD, AdministratorFactory, UserFactory
from accounts.tests.test_races import at_once
from usermgmt.errors import InvalidCredentials, TooManyRequests
from usermgmt.origin import Origin, coming_from

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("counting")]

HOME, CAFE = "192.0.2.7", "198.51.100.9"
OLGA = "olga@example.com"
INVALID = {"error": "Invalid email or password."}


@pytest.fixture
def clock():
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as clock:
        yield clock


@pytest.fixture
def verifications(monkeypatch):
    """Every password that was verified."""
    tried = []
    original = passwords.verified

    def verified(password, stored):
        tried.append(password)
        return original(password, stored)

    monkeypatch.setattr(passwords, "verified", verified)
    return tried


def sign_in(email=OLGA, password="wrong password", address=HOME, **headers):
    return caller().post("/auth/token", {"email": email, "password": password}, REMOTE_ADDR=address, headers=headers)


def statuses(number, *arguments, **options):
    return [sign_in(*arguments, **options).status_code for _ in range(number)]


def guess(number, address=CAFE, email=OLGA):
    """So many wrong passwords, at the door itself."""
    with coming_from(Origin("native", "", address)):
        for _ in range(number):
            with pytest.raises((InvalidCredentials, TooManyRequests)), door.attempt(email):
                raise InvalidCredentials


# Of an account from an address


def test_after_five_failures_each_try_waits_twice_as_long_up_to_a_quarter_of_an_hour(cast, clock, verifications):
    assert statuses(5) == [401] * 5
    waits = []
    for _ in range(8):
        refused = sign_in()
        assert refused.status_code == 429
        waits.append(int(refused.headers["Retry-After"]))
        clock.shift(timedelta(seconds=waits[-1]))
        assert sign_in().status_code == 401
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900]
    assert len(verifications) == 5 + 8


def test_a_refusal_is_in_the_contracts_words(cast, clock):
    statuses(5)
    clock.shift(timedelta(seconds=3))

    answer = sign_in()

    assert (answer.status_code, answer.json()) == (429, {"error": "Too many requests. Try again in 27 seconds."})
    assert answer.headers["Content-Type"] == "application/json"
    told = {name: answer.headers[name] for name in ("Retry-After", "RateLimit-Limit", "RateLimit-Remaining")}
    assert told == {"Retry-After": "27", "RateLimit-Limit": "5", "RateLimit-Remaining": "0"}
    assert answer.headers["RateLimit-Reset"] == "27"


def test_every_answer_tells_the_nearest_limit(cast, clock):
    told = []
    for password in ["wrong", "wrong", "wrong", "wrong", PASSWORD, "wrong"]:
        answer = sign_in(password=password)
        told.append((answer.status_code, answer.headers["RateLimit-Limit"], answer.headers["RateLimit-Remaining"]))
        assert answer.headers["RateLimit-Reset"] == "86400"
        assert "Retry-After" not in answer.headers
    assert told == [(401, "5", str(n)) for n in (4, 3, 2, 1)] + [(200, "5", "5"), (401, "5", "4")]


def test_the_right_password_waits_too_where_nobody_signed_in_before(cast, clock, verifications):
    statuses(5)
    verifications.clear()

    assert sign_in(password=PASSWORD).status_code == 429

    assert verifications == []
    assert not SignIn.objects.exists()
    clock.shift(timedelta(seconds=30))
    assert sign_in(password=PASSWORD).status_code == 200


def test_hammering_prolongs_nothing_and_verifies_nothing(cast, clock, verifications):
    statuses(5)
    for second in range(30):
        assert int(sign_in().headers["Retry-After"]) == 30 - second
        clock.shift(timedelta(seconds=1))
    assert len(verifications) == 5
    assert sign_in(password=PASSWORD).status_code == 200


def test_a_success_forgets_the_failures(cast, clock):
    for _ in range(3):
        statuses(4)
        assert sign_in(password=PASSWORD).status_code == 200
    assert sign_in().headers["RateLimit-Remaining"] == "4"


def test_failures_are_forgotten_after_a_day_without_any(cast, clock):
    statuses(4)
    clock.shift(timedelta(hours=23, minutes=59))
    assert sign_in().headers["RateLimit-Remaining"] == "0"
    clock.shift(timedelta(days=1))
    assert statuses(5) == [401] * 5


def test_successes_are_not_limited(cast, clock):
    assert statuses(60, password=PASSWORD) == [200] * 60


def test_other_accounts_and_other_addresses_do_not_wait(cast, clock):
    statuses(6)
    assert sign_in("stan@example.com", PASSWORD).status_code == 200
    assert sign_in(password=PASSWORD, address=CAFE).status_code == 200


@pytest.mark.parametrize("spelling", [" OLGA@Example.COM ", "ｏｌｇａ@example.com"])
def test_another_spelling_is_the_same_account(cast, clock, spelling):
    statuses(5)
    assert sign_in(spelling).status_code == 429


def test_the_number_of_failures_is_a_setting(cast, clock, settings):
    settings.SIGN_IN_FAILURES = 2
    assert statuses(3) == [401, 401, 429]


@pytest.mark.parametrize(
    "email", ["nobody@example.com", "dora@example.com", "peter@example.com", "no e-mail", "x" * 100_000, OLGA]
)
def test_accounts_that_are_not_there_are_limited_just_the_same(cast, clock, email):
    users.update(actor=None, user_id=cast.stranger.pk, email="peter@example.com", password=None)
    told = []
    for _ in range(7):
        answer = sign_in(email)
        headers = {name: answer.headers.get(name) for name in answer.headers if name != "X-Request-ID"}
        told.append((answer.status_code, answer.json(), headers))
    assert [status for status, _, _ in told] == [401] * 5 + [429] * 2
    assert [body for _, body, _ in told] == [INVALID] * 5 + [
        {"error": "Too many requests. Try again in 30 seconds."}
    ] * 2
    assert [headers["RateLimit-Remaining"] for _, _, headers in told] == ["4", "3", "2", "1", "0", "0", "0"]
    assert [headers["RateLimit-Reset"] for _, _, headers in told] == ["86400"] * 4 + ["30"] * 3


def test_what_is_no_attempt_is_not_counted(cast, clock):
    for _ in range(10):
        assert caller().post("/auth/token", {"email": OLGA}).status_code == 422
    assert sign_in().headers["RateLimit-Remaining"] == "4"


def test_an_outage_is_nobodys_failure(cast, clock, monkeypatch):
    def broken(**credentials):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(sign_ins, "sign_in", broken)
        assert statuses(10) == [500] * 10
    assert sign_in().headers["RateLimit-Remaining"] == "4"


def test_where_nothing_could_be_counted_nobody_waits_for_what_is_not_verified(cast, clock, monkeypatch):
    def broken(counted):
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(door.limits, "take_all", broken)
        assert statuses(2) == [500] * 2
    assert not door._verifying._numbers


# Of an address


def test_after_fifty_failures_an_address_waits_whatever_the_account(cast, clock, settings):
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 6
    assert [sign_in(f"nobody{n}@example.com").status_code for n in range(7)] == [401] * 6 + [429]

    refused = sign_in(password=PASSWORD)

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert refused.headers["RateLimit-Limit"] == "6"
    assert sign_in(password=PASSWORD, address=CAFE).status_code == 200
    clock.shift(timedelta(seconds=30))
    assert sign_in("nobody@example.com").status_code == 401
    assert sign_in("nobody@example.com").headers["Retry-After"] == "60"


def test_fifty_is_the_default(settings):
    assert (settings.SIGN_IN_FAILURES, settings.SIGN_IN_FAILURES_PER_ADDRESS) == (5, 50)


def test_successes_do_not_count_for_their_address(cast, clock, settings):
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 3
    for _ in range(10):
        assert sign_in(password=PASSWORD).status_code == 200
    assert sign_in("nobody@example.com").headers["RateLimit-Remaining"] == "2"
    assert sign_in(password=PASSWORD).status_code == 200
    assert sign_in("nobody@example.com").headers["RateLimit-Remaining"] == "1"


def test_what_is_refused_for_the_account_does_not_count_for_the_address(cast, clock, settings):
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 10
    statuses(40)
    assert sign_in("nobody@example.com").headers["RateLimit-Remaining"] == "4"


def test_addresses_of_one_ipv6_network_are_one(cast, clock):
    told = [sign_in(address=f"2001:db8:1:2::{n:x}").status_code for n in range(6)]
    assert told == [401] * 5 + [429]
    assert sign_in(address="2001:db8:1:3::1").status_code == 401


def test_callers_without_an_address_are_one(cast, clock):
    assert [sign_in(address=address).status_code for address in ["", "unix:", "", "x", "", ""]] == [401] * 5 + [429]


def test_a_forwarded_address_is_hearsay(cast, clock):
    told = [sign_in(**{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(6)]
    assert told == [401] * 5 + [429]


def test_behind_our_proxy_the_caller_is_who_it_names_last(cast, clock, settings):
    from ipaddress import ip_network

    settings.TRUSTED_PROXIES = [ip_network("192.0.2.0/24")]
    told = [sign_in(**{"X-Forwarded-For": f"10.0.0.{n}, 203.0.113.5"}).status_code for n in range(6)]
    assert told == [401] * 5 + [429]
    assert sign_in(**{"X-Forwarded-For": "203.0.113.5, 203.0.113.6"}).status_code == 401


# Nobody locks somebody else out


@pytest.mark.parametrize(("home", "elsewhere"), [(HOME, CAFE), ("2001:db8:1:2::1", "2001:db8:1:3::1")])
def test_whoever_comes_from_a_familiar_address_is_not_locked_out_by_guesses_from_elsewhere(
    cast, clock, home, elsewhere
):
    assert sign_in(password=PASSWORD, address=home).status_code == 200
    for n in range(30):
        guess(5, f"198.51.100.{n}")
    guess(20, elsewhere)
    assert sign_in(password=PASSWORD, address=elsewhere).status_code == 429
    assert sign_in(password=PASSWORD, address=home).status_code == 200


@pytest.mark.parametrize(("home", "same"), [(HOME, HOME), ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9")])
def test_nor_by_guesses_from_the_very_same_address(cast, clock, home, same):
    sign_in(password=PASSWORD, address=home)
    assert [sign_in(address=same).status_code for _ in range(8)] == [401] * 5 + [429] * 3
    assert sign_in(password=PASSWORD, address=home).status_code == 200


def test_nor_by_the_limit_of_the_address(cast, clock, settings):
    settings.SIGN_IN_FAILURES_PER_ADDRESS = 6
    sign_in(password=PASSWORD)
    for n in range(20):
        sign_in(f"nobody{n}@example.com")
    assert sign_in("stan@example.com", PASSWORD).status_code == 429
    assert sign_in(password=PASSWORD).status_code == 200
    assert sign_in("stan@example.com", PASSWORD).status_code == 429  # which it does not open for others


def test_a_wrong_password_from_a_familiar_address_is_told_to_wait_and_prolongs_nothing(cast, clock, verifications):
    sign_in(password=PASSWORD)
    statuses(5)
    clock.shift(timedelta(seconds=10))
    refused = sign_in()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "20")
    assert len(verifications) == 1 + 5 + 1
    assert sign_in().headers["Retry-After"] == "20"


def test_a_familiar_address_is_trusted_for_a_hundred_failures_a_day(cast, clock, verifications):
    sign_in(password=PASSWORD)
    statuses(99)
    assert len(verifications) == 100
    assert sign_in(password=PASSWORD).status_code == 200


def test_after_a_hundred_failures_a_familiar_address_is_one_like_any_other_for_the_day(cast, clock, verifications):
    sign_in(password=PASSWORD)
    statuses(100)
    verifications.clear()

    assert sign_in(password=PASSWORD).status_code == 429
    assert verifications == []

    clock.shift(timedelta(seconds=30))
    assert sign_in(password=PASSWORD).status_code == 200
    clock.shift(timedelta(days=1))
    statuses(8)
    assert sign_in(password=PASSWORD).status_code == 200


def test_a_distributed_guess_makes_unfamiliar_addresses_wait(cast, clock):
    sign_in(password=PASSWORD)
    for n in range(20):
        guess(5, f"198.51.100.{n}")

    refused = sign_in(password=PASSWORD, address="203.0.113.1")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert refused.headers["RateLimit-Limit"] == "100"
    assert sign_in(password=PASSWORD).status_code == 200
    assert sign_in("stan@example.com", PASSWORD, address="203.0.113.1").status_code == 200

    clock.shift(timedelta(seconds=30))
    assert sign_in(address="203.0.113.2").status_code == 401
    assert sign_in(address="203.0.113.3").headers["Retry-After"] == "60"
    clock.shift(timedelta(hours=1))
    assert statuses(5, address="203.0.113.4") == [401] * 5


# Familiar addresses


def test_a_sign_in_remembers_where_it_came_from(cast, clock):
    sign_in(password=PASSWORD)
    sign_in(password=PASSWORD, address="2001:db8:1:2::7")
    sign_in("stan@example.com")

    known = set(SignInAddress.objects.values_list("user_id", "address", "last_used_at"))
    now = timezone.now()
    assert known == {(cast.owner.pk, HOME, now), (cast.owner.pk, "2001:db8:1:2::/64", now)}


def test_it_is_written_at_most_once_an_hour(cast, clock):
    first = timezone.now()
    sign_in(password=PASSWORD)
    clock.shift(timedelta(minutes=59))
    sign_in(password=PASSWORD)
    assert SignInAddress.objects.get().last_used_at == first
    clock.shift(timedelta(minutes=1))
    sign_in(password=PASSWORD)
    assert SignInAddress.objects.get().last_used_at == timezone.now()


def test_an_address_is_familiar_for_ninety_days(cast, clock):
    sign_in(password=PASSWORD)
    clock.shift(timedelta(days=90, seconds=-1))
    statuses(6)
    assert sign_in(password=PASSWORD).status_code == 200
    clock.shift(timedelta(days=90))
    statuses(6)
    assert sign_in(password=PASSWORD).status_code == 429


def test_an_address_that_is_forgotten_while_the_password_is_verified_is_kept_anew(cast, clock, monkeypatch):
    sign_in(password=PASSWORD)
    clock.shift(timedelta(hours=2))
    verified = passwords.verified

    def forgotten_meanwhile(password, stored):
        SignInAddress.objects.all().delete()
        return verified(password, stored)

    monkeypatch.setattr(passwords, "verified", forgotten_meanwhile)
    assert sign_in(password=PASSWORD).status_code == 200
    assert SignInAddress.objects.get().last_used_at == timezone.now()


def test_familiar_addresses_go_with_their_user(cast, clock):
    sign_in(password=PASSWORD)
    users.delete(actor=None, user_id=cast.owner.pk)
    assert not SignInAddress.objects.exists()


def test_an_address_is_familiar_to_the_account_that_signed_in_and_no_other(cast, clock):
    sign_in("stan@example.com", PASSWORD)
    statuses(5)
    assert sign_in(password=PASSWORD).status_code == 429


# The audit trail


def test_the_audit_trail_tells_once_of_each_wait(cast, clock):
    statuses(30)
    told = Event.objects.filter(action="sign_in.throttled")
    assert [(row.actor_id, row.target_id, row.contract, row.address) for row in told] == [
        (None, cast.owner.pk, "native", HOME)
    ]
    clock.shift(timedelta(seconds=30))
    statuses(30)
    assert told.all().count() == 2
    assert Event.objects.filter(action="sign_in.failed").count() == 6


def test_it_tells_of_accounts_that_are_not_there_too(cast, clock):
    statuses(8, "nobody@example.com")
    assert Event.objects.get(action="sign_in.throttled").target_id is None


# At once


@pytest.mark.django_db(transaction=True)
def test_of_forty_guesses_at_once_five_are_verified(verifications):
    UserFactory(email=OLGA)
    answers = at_once(*[sign_in] * 40)
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 35
    assert len(verifications) == 5
    assert Event.objects.filter(action="sign_in.throttled").count() == 1
    remaining = sorted(answer.headers["RateLimit-Remaining"] for answer in answers if answer.status_code == 429)
    assert remaining == ["0"] * 35


@pytest.fixture
def patient(monkeypatch):
    """Who waits for others who are being verified waits as long as a busy machine takes."""
    monkeypatch.setattr(door, "PATIENCE", 60.0)


@pytest.mark.django_db(transaction=True)
def test_right_passwords_at_once_from_a_new_address_all_pass(patient):
    UserFactory(email=OLGA)
    answers = at_once(*[lambda: sign_in(password=PASSWORD)] * 20)
    assert [answer.status_code for answer in answers] == [200] * 20
    assert sign_in().headers["RateLimit-Remaining"] == "4"


@pytest.mark.django_db(transaction=True)
def test_right_passwords_at_once_from_a_familiar_address_all_pass(patient):
    UserFactory(email=OLGA)
    assert sign_in(password=PASSWORD).status_code == 200
    answers = at_once(*[lambda: sign_in(password=PASSWORD)] * 12)
    assert [answer.status_code for answer in answers] == [200] * 12
    assert sign_in().headers["RateLimit-Remaining"] == "4"
    assert SignInAddress.objects.count() == 1


# The admin site


@pytest.fixture
def page(client):
    """`page(password)` sends the admin site's sign-in form."""

    def send(password="wrong password", email="ada@example.com"):
        return client.post("/admin/login/", {"username": email, "password": password}, REMOTE_ADDR=HOME)

    return send


def test_the_admin_sites_form_is_the_same_door(cast, clock, page, verifications):
    assert [page().status_code for _ in range(3)] == [200] * 3
    assert statuses(2, "ada@example.com") == [401] * 2

    refused = page(PASSWORD)

    assert refused.status_code == 429
    assert refused.headers["Content-Type"].startswith("text/html")
    assert (refused.headers["Retry-After"], refused.headers["RateLimit-Remaining"]) == ("30", "0")
    assert "Too many attempts. Try again in 30 seconds." in refused.content.decode()
    assert len(verifications) == 5
    assert Event.objects.get(action="sign_in.throttled").contract == "admin"
    clock.shift(timedelta(seconds=30))
    assert page(PASSWORD).status_code == 302


def test_a_sign_in_to_the_admin_site_makes_its_address_familiar(cast, clock, page):
    assert page(PASSWORD).status_code == 302
    assert SignInAddress.objects.get().user == cast.administrator
    assert [page().status_code for _ in range(6)] == [200] * 5 + [429]
    assert page(PASSWORD).status_code == 302


def test_who_may_not_enter_the_admin_site_does_not_make_an_address_familiar(cast, clock, page):
    assert page(PASSWORD, OLGA).status_code == 200
    assert not SignInAddress.objects.exists()


def test_the_present_password_is_asked_for_at_the_same_door(db, clock, client):
    ada = AdministratorFactory(email="ada@example.com")
    client.force_login(ada)
    SignInAddress.objects.all().delete()
    form = {"usable_password": "true", "password": "another good one", "password_confirmation": "another good one"}

    def send(present):
        return client.post(f"/admin/accounts/user/{ada.pk}/password/", {**form, "present_password": present})

    assert [send("wrong").status_code for _ in range(6)] == [200] * 5 + [429]
    refused = send(PASSWORD)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "30")
    assert "Too many attempts. Try again in 30 seconds." in refused.content.decode()
    ada.refresh_from_db()
    assert passwords.verified(PASSWORD, ada.password)
