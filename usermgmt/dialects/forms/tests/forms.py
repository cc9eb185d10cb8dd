"""Programs that send forms, configurations for them, and how tests read answers."""

from typing import Any

from rest_framework.test import APIClient

from accounts.models import ApiToken, User
from accounts.tests.callers import api_token_of, caller
from clients.models import Client
from usermgmt.dialects.forms import configurations
from usermgmt.dialects.forms.authentication import COOKIE
from usermgmt.dialects.forms.models import FormConfiguration

CREATE, UPDATE = "reference_rest_api_create_user", "reference_rest_api_update_user"
OPEN, CLOSE = "reference_rest_api_create_session", "reference_rest_api_delete_session"
EXAMPLE = {"first_name": "Example", "email": "example1@example.com", "password": "somepassword"}
MEDIA_TYPE = "application/vnd.api+json"
PRESENT = {"validation": {"presence": True}}
PERSON = dict.fromkeys(("email", "password", "first_name"), PRESENT)
"""The fields of a configuration by which a whole person is made."""


def program(owner: User, *, client: Client | None = None, **columns: Any) -> APIClient:
    """A program that calls by an API token of `owner`, bound to `client`."""
    return bearing(api_token_of(owner, client=client, **columns)[1])


def bearing(token: str) -> APIClient:
    """A program that calls by that token."""
    made = caller()
    made.credentials(HTTP_AUTHORIZATION=f"Token token={token}")
    return made


def seated(client: APIClient, person: User) -> APIClient:
    """The program, in a browser that has the cookie of a session of that person."""
    client.cookies[COOKIE] = api_token_of(person, kind=ApiToken.Kind.LOGIN)[1]
    return client


def configured(fields: dict[str, Any] | None = None, *, name: str = "test", **columns: Any) -> str:
    """The name of a new configuration, by which a person can be made, with these fields, too."""
    configurations.create(actor=None, name=name, fields={**PERSON, **(fields or {})}, **columns)
    return name


def changing(fields: dict[str, Any], *, name: str = "change", **columns: Any) -> str:
    """The name of a new configuration that changes anyone, by these fields alone."""
    configurations.create(
        actor=None, name=name, fields=fields, resource_owner=FormConfiguration.Owner.ANYONE, **columns
    )
    return name


def asked(form: Any, name: str = CREATE) -> dict[str, Any]:
    """The body of a call."""
    return {"form_configuration_name": name, "form": form}


def made(answer: Any) -> User:
    """The user whom a call made, as it says."""
    assert (answer.status_code, answer["Content-Type"]) == (201, MEDIA_TYPE), answer.content
    told = answer.json()
    user: User = User.objects.get(pk=told["id"])
    assert told == {"id": user.pk, "errors": {}}
    return user


def shown(client: APIClient, user: User) -> dict[str, Any]:
    """What GET tells of a user."""
    answer = client.get(f"/api/users/{user.pk}")
    assert (answer.status_code, answer["Content-Type"]) == (200, MEDIA_TYPE), answer.content
    told: dict[str, Any] = answer.json()
    return told


def errors_of(answer: Any, status: int = 422) -> dict[str, list[str]]:
    """What is told of each field where values of a user break rules; else of the whole."""
    assert (answer.status_code, answer["Content-Type"]) == (status, MEDIA_TYPE), answer.content
    told: dict[str, Any] = answer.json()
    assert told == ({"id": None} if status == 422 else {}) | {"errors": told["errors"]}
    errors: dict[str, list[str]] = told["errors"]
    return errors
