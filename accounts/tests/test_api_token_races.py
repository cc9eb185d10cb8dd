"""API tokens in requests that arrive at once: threads with connections of their own, on either database."""

from collections import Counter

import pytest

from accounts.models import ApiToken, Event, User
from accounts.models.api_token import ApiTokenQuerySet
from accounts.services import api_tokens, users
from accounts.tests.callers import UNAUTHENTICATED, api_token_of, bearing, caller
from accounts.tests.factories import AdministratorFactory, UserFactory
from accounts.tests.test_races import CROWD, at_once
from clients.tests.factories import ClientFactory

pytestmark = pytest.mark.django_db(transaction=True)


def reading(text):
    client = bearing(text)
    return lambda: client.get("/users/current")


def test_of_twelve_uses_in_a_minute_one_is_kept(monkeypatch):
    token, text = api_token_of(UserFactory())
    written = []
    update = ApiTokenQuerySet.update
    monkeypatch.setattr(ApiTokenQuerySet, "update", lambda rows, **values: written.append(update(rows, **values)))

    answers = at_once(*(reading(text) for _ in range(CROWD)))

    assert [answer.status_code for answer in answers] == [200] * CROWD
    assert sum(written) == 1
    token.refresh_from_db()
    assert token.last_used_at is not None


def test_no_use_begins_after_a_revocation_has_ended():
    token, text = api_token_of(UserFactory())

    def revoke():
        api_tokens.revoke(actor=None, token_id=token.pk)
        return bearing(text).get("/users/current")

    *uses, after = at_once(*(reading(text) for _ in range(CROWD)), revoke)

    assert {answer.status_code for answer in uses} <= {200, 401}
    assert (after.status_code, after.json()) == (401, UNAUTHENTICATED)
    assert all(answer.json() == UNAUTHENTICATED for answer in uses if answer.status_code == 401)


def test_of_twelve_who_revoke_one_token_one_does():
    owner = UserFactory()
    token, _ = api_token_of(owner)
    clients = [caller(owner) for _ in range(CROWD)]

    answers = at_once(*(lambda client=client: client.delete(f"/tokens/{token.pk}") for client in clients))

    assert Counter(answer.status_code for answer in answers) == {204: 1, 404: CROWD - 1}
    assert Event.objects.filter(action="api_token.revoked").count() == 1


def test_of_twelve_who_pass_the_maximum_none_does(monkeypatch):
    monkeypatch.setattr(api_tokens, "MAX_ALIVE", 3)
    owner = UserFactory()
    clients = [caller(owner) for _ in range(CROWD)]

    answers = at_once(*(lambda client=client: client.post("/tokens", {"name": "x"}) for client in clients))

    assert Counter(answer.status_code for answer in answers) == {201: 3, 422: CROWD - 3}
    assert ApiToken.objects.alive().count() == 3


def test_a_token_made_while_its_owner_is_signed_out_is_dead_or_made_after():
    owner = UserFactory()

    made, _ = at_once(
        lambda: api_tokens.create(actor=None, user_id=owner.pk, name="x"),
        lambda: users.sign_out(actor=None, user_id=owner.pk),
    )

    version = User.objects.get(pk=owner.pk).token_version
    assert ApiToken.objects.alive().filter(pk=made[0].pk).exists() is (made[0].version == version)


def test_who_leaves_a_client_while_its_token_writes_is_changed_before_or_not_at_all():
    acme, globex = ClientFactory(), ClientFactory()
    ada, user = AdministratorFactory(), UserFactory(client=acme, name="Before")
    bound = bearing(api_token_of(ada, client=acme)[1])

    answer, _ = at_once(
        lambda: bound.patch(f"/users/{user.pk}", {"name": "After"}),
        lambda: users.update(actor=None, user_id=user.pk, client_id=globex.pk),
    )

    after = User.objects.get(pk=user.pk)
    assert (answer.status_code, after.name) in {(200, "After"), (404, "Before")}
    assert after.client == globex
    events = list(Event.objects.filter(action="user.updated").order_by("pk"))
    if answer.status_code == 200:  # then it came first
        assert ["name" in event.changes for event in events] == [True, False]
