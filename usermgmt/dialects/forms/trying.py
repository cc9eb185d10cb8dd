"""A form tried out: what would be answered, and written, by a configuration that need not be stored. Nothing is."""

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from django.http import HttpResponse
from rest_framework import status

from accounts.models import User
from usermgmt.actor import Actor
from usermgmt.dialects.forms import submitting
from usermgmt.dialects.forms.compiled import Configuration, Resource
from usermgmt.dialects.forms.errors import BUSY, render
from usermgmt.errors import DirectoryError, NotFound, Stale
from usermgmt.http.contracts import Refused
from usermgmt.http.problems import problem_of

HIDDEN: Final = "(hidden)"


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it. status, errors: of the answer. written: what of the form would be; None where it is refused."""

    status: int
    errors: Mapping[str, Sequence[str]]
    written: Mapping[str, Any] | None


def tried(actor: Actor, configuration: Configuration, form: Mapping[str, Any], user_id: str) -> Trial:
    """What a form would come to that `actor` sends by a token of no client.

    user_id: who is to be changed, as it stands in the path; blank: nobody, a user is to be made. Whom the
    configuration's policies and its resource owner let use it is not asked, nor are the credentials of a session right.
    """
    try:
        if configuration.form.resource == Resource.SESSION:
            submitting.credentials(configuration, form)
            return _taken(configuration, form, None, status.HTTP_201_CREATED)
        user = _user(actor, user_id)
        with suppress(submitting.Enough):
            if user is None:
                submitting.create(actor, configuration, form, rehearsal=True)
            else:
                submitting.update(actor, configuration, form, user, rehearsal=True)
        done = status.HTTP_201_CREATED if user is None else status.HTTP_204_NO_CONTENT
        return _taken(configuration, form, user, done)
    except Stale:
        return _refused(render(BUSY))
    except (DirectoryError, Refused) as error:
        return _refused(render(problem_of(error)))


def _user(actor: Actor, user_id: str) -> User | None:
    """Who is to be changed. Raises NotFound."""
    if not user_id:
        return None
    user = submitting.found(actor, user_id)
    if user is None:
        raise NotFound("user")
    return user


def _taken(configuration: Configuration, form: Mapping[str, Any], user: User | None, done: int) -> Trial:
    return Trial(done, {}, _without_passwords(submitting.judged(configuration, form, user).written))


def _refused(answer: HttpResponse) -> Trial:
    return Trial(answer.status_code, json.loads(answer.content)["errors"], None)


def _without_passwords(value: Any) -> Any:
    """The value with each password in it hidden, whatever object it stands in."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN if "password" in key.lower() and item else _without_passwords(item)
            for key, item in value.items()
        }
    return [_without_passwords(item) for item in value] if isinstance(value, list) else value
