"""Rocket.Chat clients, logged in as somebody."""

import contextlib
from collections.abc import Iterator
from functools import cache
from typing import Any

from django.apps import apps
from django.db import connection
from rest_framework.test import APIClient

from accounts.grants import Grant
from accounts.models import ApiToken, Event, User
from accounts.services import roles
from accounts.tests.callers import api_token_of, caller

JSON = "application/json"
LOGGED_OUT = {
    "status": "error",
    "message": "You must be logged in to do this.",
    "success": False,
    "error": "You must be logged in to do this.",
}
UNAUTHORIZED = {"status": "error", "error": "Unauthorized", "message": "Unauthorized", "success": False}
NOT_PERMITTED = {
    "success": False,
    "error": "User does not have the permissions required for this action [error-unauthorized]",
}
MUST_CHANGE = {
    "success": False,
    "error": "You must change your password. [error-password-change-required]",
    "errorType": "error-password-change-required",
}


def pair(user_id: Any, token: str) -> dict[str, str]:
    """The two headers that say who calls."""
    return {"HTTP_X_USER_ID": str(user_id), "HTTP_X_AUTH_TOKEN": token}


def logged_in(user: User, **columns: Any) -> APIClient:
    """A client that calls by a token of a login of `user`; columns: of another kind of token."""
    client = caller()
    token = api_token_of(user, **{"kind": ApiToken.Kind.LOGIN, **columns})[1]
    client.credentials(**pair(user.pk, token))
    return client


def allow(user: User, *grants: Grant, role: str = "clerk") -> User:
    """Give a user a role that allows these things."""
    group = roles.create(actor=None, name=role, grants=[grant.value for grant in grants])
    user.groups.add(group)
    return user


def acting(cast: Any, name: str, *how: Any) -> APIClient:
    """One of the cast, by a role that allows the grants among `how`, and by a token of the columns among them, in which
    a client is named as the cast has it."""
    user = getattr(cast, name)
    granted = [grant for grant in how if isinstance(grant, Grant)]
    if granted:
        allow(user, *granted)
    columns = {key: value for told in how if isinstance(told, dict) for key, value in told.items()}
    if "client" in columns:
        columns["client"] = getattr(cast, columns["client"])
    return logged_in(user, **columns)


def told(answer: Any) -> tuple[int, Any]:
    """Status and body of an answer, which is JSON by exactly that name."""
    assert answer.headers["Content-Type"] == JSON
    return answer.status_code, answer.json()


def rows() -> dict[str, int]:
    """How many rows each table has, but for what is counted of calls and what tells of refusals."""
    with connection.cursor() as cursor:
        cursor.execute(_counting())
        counts = dict(cursor.fetchall())
    counts["accounts.Event"] -= _refusals()
    return counts


@cache
def _counting() -> str:
    """Counts every table, at once: one by one, through Django, takes longer than the call that a test is about."""
    models = [
        model
        for app in ("accounts", "clients")
        for model in apps.get_app_config(app).get_models(include_auto_created=True)
    ]
    return " UNION ALL ".join(
        f"SELECT '{model._meta.label}', count(*) FROM {model._meta.db_table}"  # noqa: S608
        for model in models
    )


@contextlib.contextmanager
def nothing_made() -> Iterator[None]:
    """Asserts at the end of the block that there is as much of everything as before."""
    before = rows()
    yield
    assert rows() == before


def _refusals() -> int:
    return Event.objects.filter(action__in=["change.refused", "sign_in.failed", "sign_in.throttled"]).count()
