"""Whom a call names is read with who calls, where that is an administrator; for others everything is as it was."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from accounts.named_users import Finder
from accounts.services import sign_ins, users
from accounts.tests.callers import api_token_of, bearing, tokens_of
from accounts.tokens import AccessToken

ON_POSTGRESQL = connection.vendor == "postgresql"
NOBODY = (0, 987_654_321, 2**63 - 1, 2**63, 10**30)


@pytest.fixture
def finder():
    return Finder(lambda user_id: User.objects.select_related("client").filter(pk=user_id))


@pytest.fixture
def seen(finder):
    """`seen(caller, user_id)`: the caller, and how many questions it takes to find somebody for them."""

    def find(caller, user_id):
        token = AccessToken.read(tokens_of(caller).access)
        values = {"user_id": token.user_id, "version": token["ver"], "sign_in_id": token["sid"]}
        with CaptureQueriesContext(connection) as asked:
            actor = finder.along(sign_ins._CALLER, user_id, values)
            found = finder.one(actor, user_id)
        return actor, found, len(asked)

    return find


def test_for_an_administrator_both_are_found_by_one_question(cast, seen, django_assert_num_queries):
    actor, found, questions = seen(cast.administrator, cast.owner.pk)
    assert (actor, found, questions) == (cast.administrator, cast.owner, 2 - ON_POSTGRESQL)
    with django_assert_num_queries(0):
        assert found.client == cast.acme
        assert found.custom_fields == cast.owner.custom_fields
    assert actor.get_deferred_fields() >= {"bio"}  # read as callers are


@pytest.mark.parametrize("user_id", NOBODY)
def test_nobody_is_found_where_nobody_is(cast, seen, user_id):
    actor, found, _ = seen(cast.administrator, user_id)
    assert (actor, found) == (cast.administrator, None)


def test_for_others_nobody_is_looked_for_along(cast, seen):
    """By its time, too, the question that finds a regular user tells nothing of anybody else."""
    actor, found, questions = seen(cast.owner, cast.stranger.pk)
    assert (actor.along, found, questions) == (None, cast.stranger, 2)


def test_a_dead_token_finds_nobody(cast, finder):
    token = AccessToken.read(tokens_of(cast.administrator).access)
    values = {"user_id": token.user_id, "version": token["ver"], "sign_in_id": token["sid"]}
    for changed in ({"version": 99}, {"sign_in_id": 0}, {"user_id": 2**70}):
        assert finder.along(sign_ins._CALLER, cast.owner.pk, values | changed) is None


def test_who_asks_again_is_told_what_is_there_then(cast, seen, finder):
    actor, found, _ = seen(cast.administrator, cast.owner.pk)
    User.objects.filter(pk=found.pk).update(name="Another")
    assert finder.one(actor, found.pk).name == "Another"


def test_what_was_read_for_one_is_given_for_no_other(cast, finder):
    token = AccessToken.read(tokens_of(cast.administrator).access)
    values = {"user_id": token.user_id, "version": token["ver"], "sign_in_id": token["sid"]}
    actor = finder.along(sign_ins._CALLER, cast.owner.pk, values)
    assert finder.one(actor, cast.stranger.pk) == cast.stranger
    assert Finder(lambda user_id: User.objects.filter(pk=user_id, name="nobody's")).one(actor, cast.owner.pk) is None
    assert finder.one(actor, cast.owner.pk) == cast.owner


def test_a_token_bound_to_a_client_sees_nobody_outside_of_it(cast):
    _, text = api_token_of(cast.administrator, client=cast.acme)
    assert bearing(text).get(f"/users/{cast.owner.pk}").status_code == 200
    assert bearing(text).get(f"/users/{cast.outsider.pk}").status_code == 404
    assert bearing(text).patch(f"/users/{cast.outsider.pk}", {"name": "x"}).status_code == 404


def test_a_user_is_shown_and_changed_as_without_it(cast, call, monkeypatch):
    client = call(cast.administrator)
    path = f"/users/{cast.owner.pk}"

    def answers():
        read = client.get(path)
        changed = client.patch(path, {"name": cast.owner.name})
        missing = [client.get("/users/987654321"), client.patch("/users/987654321", {"name": "x"})]
        return [
            (answer.status_code, answer.content, answer.headers.get("ETag")) for answer in (read, changed, *missing)
        ]

    along = answers()
    monkeypatch.setattr("usermgmt.statements.can_ask_along", lambda model: False)
    assert answers() == along


def test_who_is_changed_between_the_question_and_the_change_is_judged_anew(cast, call, monkeypatch):
    """Another's change comes right after the caller, and whom the path names, were read."""
    authenticated = sign_ins.user_of

    def renamed_meanwhile(token, named=None):
        user = authenticated(token, named=named)
        users.update(actor=None, user_id=cast.owner.pk, bio="of another")
        return user

    client = call(cast.administrator)
    monkeypatch.setattr(sign_ins, "user_of", renamed_meanwhile)
    path = f"/users/{cast.owner.pk}"
    assert client.patch(path, {"name": "Renamed"}, headers={"If-Match": '"1"'}).status_code == 412
    assert client.patch(path, {"name": "Renamed"}).json()["name"] == "Renamed"
    stored = User.objects.get(pk=cast.owner.pk)
    assert (stored.name, stored.bio) == ("Renamed", "of another")
