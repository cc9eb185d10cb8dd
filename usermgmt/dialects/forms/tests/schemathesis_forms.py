"""The forms contract, for Schemathesis (see `usermgmt.tests.schemathesis_hooks`)."""

from itertools import count

from accounts.tests.callers import api_token_of
from accounts.tests.factories import PASSWORD, UserFactory
from usermgmt.dialects.forms.models import FormConfiguration
from usermgmt.dialects.forms.schema.forms import CREATE_SESSION, CREATE_USER, DELETE_SESSION, UPDATE_USER

_numbers = count(1)
_clients = {}  # of whoever called last: by a regular user's token nobody of another client opens a session


def sign(case, user):
    _clients["client"] = user.client
    case.headers["Authorization"] = f"Token token={api_token_of(user)[1]}"


def ask(case):
    """By the name of a configuration that is there."""
    if "form_configuration_name" in (case.query or {}):
        case.query["form_configuration_name"] = DELETE_SESSION


def true(path, body):
    """The body with a configuration that is there, and a form that it takes."""
    match path.removeprefix("/api/"):
        case "sessions":
            return _naming(body, CREATE_SESSION) | {"form": {"email": _person().email, "password": PASSWORD}}
        case "users":
            email = f"person.{next(_numbers)}@example.org"
            form = {"first_name": "Example", "email": email, "password": PASSWORD}
            return _naming(body, CREATE_USER) | {"form": body["form"] | form}
        case _:
            return _naming(body, UPDATE_USER) | {"form": body["form"] | {"first_name": "Mike"}}


def _person():
    return UserFactory(client=_clients["client"]) if _clients.get("client") else UserFactory()


def _naming(body, name):
    real = dict.fromkeys(("form_configuration_name", "form_name"), name)
    real |= dict.fromkeys(
        ("form_configuration_id", "form_id"), FormConfiguration.objects.values_list("pk", flat=True).get(name=name)
    )
    return body | {key: value for key, value in real.items() if key in body}


def is_beyond(failure, case, response):
    return False
