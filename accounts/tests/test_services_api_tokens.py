"""Making, revoking and knowing API tokens (DESIGN 2, "Tokens")."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts import opaque_tokens
from accounts.models import ApiToken, Event, SignIn, User
from accounts.services import api_tokens, users
from accounts.tests.callers import api_token_of
from accounts.tests.rows import everything, stored
from usermgmt.errors import Fault, Forbidden, Invalid, InvalidToken, NotFound

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def create(user, actor=None, **values):
    return api_tokens.create(actor=actor, user_id=user.pk, **{"name": "Nightly import", **values})


def faults(user, **values):
    with pytest.raises(Invalid) as refusal:
        create(user, **values)
    return list(refusal.value.faults)


def is_dead(text):
    with pytest.raises(InvalidToken):
        api_tokens.user_of(text)
    return True


# Making


def test_a_token_is_of_its_owner_and_opens_calls(cast):
    token, text = create(cast.owner, name="  Nightly import ")

    user, found = api_tokens.user_of(text)
    assert (user, found) == (cast.owner, token)
    assert (user.scope_id, user.token_id, user.client) == (None, token.pk, cast.acme)
    assert (token.name, token.read_only, token.expires_at, token.revoked_at) == ("Nightly import", False, None, None)


def test_no_column_holds_the_token_or_its_secret(cast):
    token, text = create(cast.owner)
    secret = text[-opaque_tokens.SECRET_LENGTH :]

    row = stored(token)
    assert row["digest"] == opaque_tokens.digest_of(text)
    assert row["lookup"] == opaque_tokens.lookup_of(text)
    assert secret not in str(row)
    assert text not in repr(token) and secret not in repr(token) and row["digest"] not in repr(token)


@pytest.mark.parametrize("ending", [{"password": "Kirsche-Anker-42"}, {"email": "new@example.com"}])
def test_whoever_waited_while_the_own_tokens_died_makes_none_that_outlives_them(cast, ending):
    users.update(actor=cast.administrator, user_id=cast.owner.pk, **ending)

    with pytest.raises(InvalidToken):
        create(cast.owner, actor=cast.owner)  # as they were let in, before that
    assert not ApiToken.objects.exists()


def test_making_one_is_kept_without_the_token(cast):
    token, text = create(
        cast.owner,
        actor=cast.administrator,
        client_id=cast.acme.pk,
        read_only=True,
        expires_at=datetime.max.replace(year=2050, tzinfo=UTC),
    )

    event = Event.objects.get()
    assert (event.action, event.actor_id) == ("api_token.created", cast.administrator.pk)
    assert (event.target_kind, event.target_id) == ("user", cast.owner.pk)
    assert event.changes == {
        "token": [None, token.pk],
        "name": [None, "Nightly import"],
        "client_id": [None, cast.acme.pk],
        "read_only": [None, True],
        "expires_at": [None, "2050-12-31T23:59:59.999999+00:00"],
    }
    told = str(Event.objects.values())
    assert text[-43:] not in told and token.digest not in told and token.lookup not in told


def test_of_a_token_that_is_bound_to_no_client_and_has_no_end_nothing_is_told_of_either(cast):
    token, _ = create(cast.owner, actor=cast.administrator)

    changes = Event.objects.get().changes
    assert changes == {"token": [None, token.pk], "name": [None, token.name], "read_only": [None, False]}


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("", Fault("name", "blank")),
        (" \u200b ", Fault("name", "blank")),
        ("x" * 256, Fault("name", "too_long", {"maximum": 255})),
        ("a\nb", Fault("name", "invalid")),
    ],
)
def test_a_name_is_a_line_that_can_be_seen(cast, name, fault):
    assert faults(cast.owner, name=name) == [fault]
    assert create(cast.owner, name="x" * 255)


@time_machine.travel(NOW, tick=False)
def test_an_end_is_in_the_future_and_within_a_hundred_years(cast):
    assert faults(cast.owner, expires_at=NOW) == [Fault("expires_at", "not_future")]
    assert faults(cast.owner, expires_at=datetime.max.replace(tzinfo=UTC)) == [Fault("expires_at", "too_far")]
    assert create(cast.owner, expires_at=NOW + timedelta(microseconds=1))
    assert create(cast.owner, expires_at=NOW + api_tokens.MAX_LIFETIME)


def test_every_fault_is_told_at_once(cast):
    found = faults(
        cast.disabled,
        name="",
        client_id=987654321,
        expires_at=NOW - timedelta(days=9999),
        reported=[Fault("read_only", "invalid")],
    )

    assert {(fault.field, fault.code) for fault in found} == {
        ("read_only", "invalid"),
        ("name", "blank"),
        ("expires_at", "not_future"),
        ("user", "inactive"),
        ("client", "must_exist"),
    }
    assert not ApiToken.objects.exists() and not Event.objects.exists()


def test_an_administrators_token_is_bound_to_any_client_a_users_to_their_own(cast):
    assert create(cast.administrator, client_id=cast.globex.pk)[0].client == cast.globex
    assert create(cast.owner, client_id=cast.acme.pk)[0].client == cast.acme
    # Of other clients a user knows nothing, not even that they are there.
    others = [faults(cast.owner, client_id=pk) for pk in (cast.globex.pk, 987654321)]
    assert others == [[Fault("client", "must_exist")]] * 2
    assert faults(cast.administrator, client_id=2**70) == [Fault("client", "must_exist")]


def test_users_make_their_own_and_administrators_anyones(cast):
    assert create(cast.owner, actor=cast.owner)
    assert create(cast.owner, actor=cast.administrator)
    for other in (cast.stranger, cast.administrator):
        with pytest.raises(Forbidden):
            create(other, actor=cast.owner)
    with pytest.raises(NotFound):
        api_tokens.create(actor=cast.administrator, user_id=987654321, name="x")


def test_a_token_breeds_no_tokens(cast):
    before = ApiToken.objects.count()
    _, text = api_token_of(cast.administrator)
    actor, _ = api_tokens.user_of(text)

    with pytest.raises(Forbidden):
        create(cast.administrator, actor=actor)
    with pytest.raises(Forbidden):
        create(cast.owner, actor=actor)
    assert ApiToken.objects.count() == before + 1


def test_a_user_has_a_hundred_tokens_alive_at_most(cast, monkeypatch):
    monkeypatch.setattr(api_tokens, "MAX_ALIVE", 3)
    first, *_ = [create(cast.owner)[0] for _ in range(3)]
    api_token_of(cast.owner, revoked_at=timezone.now())
    api_token_of(cast.owner, expires_at=timezone.now() - timedelta(seconds=1))

    assert faults(cast.owner) == [Fault("tokens", "too_many_alive", {"maximum": 3})]
    assert create(cast.stranger)
    api_tokens.revoke(actor=None, token_id=first.pk)
    assert create(cast.owner)


# Revoking


def test_a_revoked_token_is_dead_and_told_of_once(cast):
    token, text = create(cast.owner)

    api_tokens.revoke(actor=cast.owner, token_id=token.pk)

    assert is_dead(text)
    event = Event.objects.get(action="api_token.revoked")
    assert (event.action, event.actor_id, event.target_id) == ("api_token.revoked", cast.owner.pk, cast.owner.pk)
    assert event.changes == {"token": [token.pk, None], "name": ["Nightly import", None]}
    with pytest.raises(NotFound):
        api_tokens.revoke(actor=cast.owner, token_id=token.pk)
    assert Event.objects.filter(action="api_token.revoked").count() == 1


def test_users_revoke_their_own_and_administrators_anyones(cast):
    mine, _ = create(cast.owner)
    theirs, text = create(cast.stranger)

    with pytest.raises(NotFound):
        api_tokens.revoke(actor=cast.owner, token_id=theirs.pk)
    with pytest.raises(NotFound):
        api_tokens.revoke(actor=cast.administrator, token_id=theirs.pk, user_id=cast.administrator.pk)
    assert api_tokens.user_of(text)
    api_tokens.revoke(actor=cast.administrator, token_id=theirs.pk)
    api_tokens.revoke(actor=cast.owner, token_id=mine.pk)
    assert is_dead(text)


# What kills


KILLERS = {
    "a new password": lambda user: users.update(actor=None, user_id=user.pk, password="a password nobody has"),
    "no password": lambda user: users.update(actor=None, user_id=user.pk, password=None),
    "a new e-mail": lambda user: users.update(actor=None, user_id=user.pk, email="other@example.com"),
    "deactivation": lambda user: users.update(actor=None, user_id=user.pk, active=False),
    "sign-out": lambda user: users.sign_out(actor=None, user_id=user.pk),
    "another role": lambda user: users.update(actor=None, user_id=user.pk, client_id=None),
    "deletion": lambda user: users.delete(actor=None, user_id=user.pk),
}


@pytest.mark.parametrize("killer", KILLERS)
def test_what_ends_every_sign_in_ends_every_api_token(cast, killer):
    bound, unbound = create(cast.owner, client_id=cast.acme.pk)[1], create(cast.owner)[1]

    KILLERS[killer](cast.owner)

    assert is_dead(bound) and is_dead(unbound)


def test_a_token_does_not_follow_its_owner_to_another_client(cast):
    _, text = create(cast.owner, client_id=cast.acme.pk)

    users.update(actor=None, user_id=cast.owner.pk, client_id=cast.globex.pk)

    assert is_dead(text)


def test_a_dead_one_does_not_come_back_with_its_owner(cast):
    _, text = create(cast.owner)

    users.update(actor=None, user_id=cast.owner.pk, active=False)
    users.update(actor=None, user_id=cast.owner.pk, active=True)

    assert is_dead(text)


def test_a_new_name_kills_nothing(cast):
    _, text = create(cast.owner)

    users.update(actor=None, user_id=cast.owner.pk, name="Olga", email="OLGA@example.com")

    assert api_tokens.user_of(text)


def test_the_end_of_a_sign_in_is_not_the_end_of_a_token(cast):
    _, text = create(cast.owner)

    SignIn.objects.filter(user=cast.owner).end()

    assert api_tokens.user_of(text)


def test_a_token_dies_with_its_client(cast):
    cast.outsider.delete()
    _, text = create(cast.administrator, client_id=cast.globex.pk)

    cast.globex.delete()

    assert is_dead(text)


def test_a_token_is_good_until_its_end_and_no_longer(cast):
    with time_machine.travel(NOW, tick=False) as clock:
        _, text = create(cast.owner, expires_at=NOW + timedelta(days=1))
        clock.move_to(NOW + timedelta(days=1) - timedelta(microseconds=1))
        assert api_tokens.user_of(text)
        clock.move_to(NOW + timedelta(days=1))
        assert is_dead(text)


def test_a_token_of_another_kind_is_none(cast):
    _, text = create(cast.owner, kind=ApiToken.Kind.LOGIN)

    assert is_dead(text)
    assert api_tokens.user_of(text, kinds=[ApiToken.Kind.LOGIN])


# Knowing


def test_a_token_is_known_in_one_query_and_one_more_a_minute(cast):
    _, text = create(cast.owner, client_id=cast.acme.pk)

    with CaptureQueriesContext(connection) as first:
        api_tokens.user_of(text)
    with CaptureQueriesContext(connection) as second:
        user, token = api_tokens.user_of(text)
        assert (user.client.name, token.client_id) == ("Acme", cast.acme.pk)

    assert [query["sql"].split()[0] for query in first.captured_queries] == ["SELECT", "UPDATE"]
    assert [query["sql"].split()[0] for query in second.captured_queries] == ["SELECT"]


def test_a_use_is_kept_once_a_minute(cast):
    token, text = create(cast.owner)
    kept = []
    with time_machine.travel(NOW, tick=False) as clock:
        for seconds in (0, 59, 60, 61, 119, 121):
            clock.move_to(NOW + timedelta(seconds=seconds))
            api_tokens.user_of(text)
            kept.append((stored(token)["last_used_at"] - NOW).total_seconds())

    assert kept == [0, 0, 60, 60, 60, 121]


def test_a_use_changes_nothing_else(cast):
    token, text = create(cast.owner)
    before, row = everything(), stored(token)

    api_tokens.user_of(text)

    assert everything() == before
    assert {name for name, value in stored(token).items() if value != row[name]} == {"last_used_at"}


def test_a_wrong_token_is_not_used(cast):
    token, text = create(cast.owner)

    assert is_dead(text[:-1] + ("a" if text[-1] != "a" else "b"))
    assert stored(token)["last_used_at"] is None


def test_an_unknown_token_costs_a_comparison_as_a_known_one_does(cast, monkeypatch):
    compared = []
    verified = opaque_tokens.verified
    monkeypatch.setattr(opaque_tokens, "verified", lambda *given: compared.append(given[1]) or verified(*given))
    token, _ = create(cast.owner)

    assert is_dead(opaque_tokens.made()[1])
    assert is_dead(f"um_{token.lookup}_{'x' * 43}")
    assert compared == [None, token.digest]


def test_a_database_that_can_not_be_written_still_knows_a_token(cast, monkeypatch):
    _, text = create(cast.owner)

    def refuse(execute, sql, params, many, context):
        if sql.startswith("UPDATE"):
            from django.db import OperationalError

            raise OperationalError("attempt to write a readonly database")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(refuse):
        assert api_tokens.user_of(text)[0] == cast.owner


# Forgetting


def test_tokens_that_ended_long_ago_are_forgotten(cast):
    long_ago, lately = NOW - timedelta(days=91), NOW - timedelta(days=89)
    columns = {
        "revoked": {"revoked_at": long_ago},
        "past": {"expires_at": long_ago},
        "just revoked": {"revoked_at": lately},
        "just past": {"expires_at": lately},
        "alive": {},
    }
    for name, row in columns.items():
        api_token_of(cast.owner, name=name, **row)
    api_token_of(cast.owner, name="ended", version=0)

    with time_machine.travel(NOW, tick=False) as clock:
        assert api_tokens.forget_expired() == 2
        assert set(ApiToken.objects.values_list("name", flat=True)) == {"just revoked", "just past", "alive", "ended"}
        clock.move_to(NOW + timedelta(days=91))
        assert api_tokens.forget_expired() == 3
    assert [token.name for token in ApiToken.objects.all()] == ["alive"]
    assert User.objects.filter(pk=cast.owner.pk).exists()


# States


def test_a_state_says_why_a_token_opens_nothing(cast):
    now = timezone.now()
    rows = {
        "alive": api_token_of(cast.owner)[0],
        "revoked": api_token_of(cast.owner, revoked_at=now, version=0)[0],
        "ended": api_token_of(cast.owner, version=0, expires_at=now)[0],
        "expired": api_token_of(cast.owner, expires_at=now)[0],
    }
    api_token_of(cast.disabled)

    assert {state: token.state for state, token in rows.items()} == {state: state for state in rows}
    for state, token in rows.items():
        found = list(ApiToken.objects.in_state(state).order_by("pk"))
        assert found[0] == token
        assert {row.state for row in found} == {state}
    assert list(ApiToken.objects.alive()) == [rows["alive"]]
