"""A form on its way into the directory: judged by its configuration, written by the services, all or nothing
(contract 5)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import OperationalError
from django.db.models import prefetch_related_objects
from django.utils import timezone

from accounts import passwords
from accounts.models import User
from accounts.services import users
from accounts.services.users import HOME
from clients.services import default_client
from usermgmt.actor import Actor
from usermgmt.dialects.forms import uniqueness
from usermgmt.dialects.forms.compiled import Configuration
from usermgmt.dialects.forms.errors import invalid_session, told
from usermgmt.dialects.forms.mapping import from_form, path_of, state_of
from usermgmt.dialects.forms.notifications import INVITATION, VERIFICATION, WELCOME
from usermgmt.dialects.forms.policies import client_of
from usermgmt.dialects.forms.rules.form import Outcome
from usermgmt.errors import Fault, Invalid
from usermgmt.http.ids import is_id
from usermgmt.integrity import is_deadlock

RECORDS = {
    "profiles": "profiles__type",
    "relationship_users": "relationships__type",
    "transactables": "transactables__type",
}
"""The fields that are records, to what reads them and their types along."""
CREDENTIALS = ("email", "password")

_NOBODYS = 0  # the number of the default client before there is one; no client has it


class Enough(Exception):
    """Everything that could refuse a form was asked: whoever rehearses goes no further, and nothing is written."""


class Overtaken(Exception):
    """Nothing was written, as somebody else's write got in the way; it is worth while to try again."""


def found(actor: Actor, id: str, fields: Collection[str] = RECORDS.keys()) -> User | None:
    """The user of a number, with the records among `fields`; None: there is none for the caller."""
    if not is_id(id):
        return None
    user = User.objects.visible_one(actor, int(id))
    if user is not None:
        prefetch_related_objects([user], *(read for field, read in RECORDS.items() if field in fields))
    return user


def judged(configuration: Configuration, form: Mapping[str, Any], user: User | None) -> Outcome:
    """What the configuration makes of a form; None: a user is to be made."""
    stored = state_of(user) if user is not None else None
    return configuration.form.judge(configuration.laid_over(form), stored, now=timezone.now())


def credentials(configuration: Configuration, form: Mapping[str, Any]) -> tuple[str, str]:
    """Address and password out of a form, neither blank, whatever the configuration asks for. Raises Refused."""
    outcome = judged(configuration, form, None)
    email, password = (str(outcome.written.get(name) or "") for name in CREDENTIALS)
    faults = told(outcome.errors)
    faults += [
        Fault(name, "blank")
        for name, text in zip(CREDENTIALS, (email, password), strict=True)
        if not text.strip() and name not in outcome.errors
    ]
    if faults:
        raise invalid_session(faults)
    return email, password


def create(actor: Actor, configuration: Configuration, form: Mapping[str, Any], *, rehearsal: bool = False) -> User:
    """Make the user of a form, in the client of the token or the default one.

    rehearsal: write nothing, and raise Enough where all is well. Raises Forbidden, Invalid, Overtaken.
    """
    outcome = judged(configuration, form, None)
    sent, faults = from_form(outcome.written, None)
    client_id = client_of(actor) or default_client.present().pk or _NOBODYS
    reported = [*_told(outcome, client_id=client_id, user_id=None), *_news(faults, outcome)]
    wanted = configuration.notifications
    with _of_fields_sent(outcome), _in_line():
        return users.create(
            actor=actor,
            client_id=HOME,
            welcome=WELCOME in wanted,
            invite=INVITATION in wanted and "password" not in sent,
            prove_email=VERIFICATION in wanted,
            password_policy=password_policy(),
            proof=lambda user: _prove(outcome, user, rehearsal=rehearsal),
            reported=reported,
            **sent,
        )


def update(
    actor: Actor, configuration: Configuration, form: Mapping[str, Any], user: User, *, rehearsal: bool = False
) -> User:
    """Change a user, who was read with records, by a form.

    rehearsal: as in `create`.
    Raises Forbidden, Invalid, NotFound, Overtaken, and Stale where somebody changed the user since: what is to be
    written depends on what was there.
    """
    outcome = judged(configuration, form, user)
    sent, faults = from_form(outcome.written, user)
    reported = [*_told(outcome, client_id=user.client_id, user_id=user.pk), *_news(faults, outcome)]
    wanted = configuration.notifications

    def proof(locked: User) -> dict[str, Any]:
        _prove(outcome, locked, rehearsal=rehearsal)
        return {}

    with _of_fields_sent(outcome), _in_line():
        return users.update(
            actor=actor,
            user_id=user.pk,
            welcome=WELCOME in wanted,
            invite=INVITATION in wanted,
            prove_email=VERIFICATION in wanted,
            password_policy=password_policy(),
            versions=[user.version],
            proof=proof,
            reported=reported,
            **sent,
        )


def password_policy() -> passwords.Policy:
    """A length alone (contract 3)."""
    return passwords.Policy(minimum=settings.FORMS_PASSWORD_MIN_LENGTH, guessable=True)


def _prove(outcome: Outcome, user: User, *, rehearsal: bool) -> None:
    """The last thing that can refuse a form, in the transaction that would write it."""
    uniqueness.check(outcome.uniques, user)
    if rehearsal:
        raise Enough


def _told(outcome: Outcome, *, client_id: int | None, user_id: int | None) -> Sequence[Fault]:
    """Every fault that the configuration's rules find."""
    return [*told(outcome.errors), *uniqueness.faults_of(outcome.uniques, client_id=client_id, user_id=user_id)]


def _news(faults: Sequence[Fault], outcome: Outcome) -> list[Fault]:
    """Those of the faults of entries that the rules did not tell of, for the rules know the place in a list."""
    known = tuple(outcome.errors)
    return [fault for fault in faults if not _is_told(path_of(fault.field), known)]


def _is_told(path: str, known: Sequence[str]) -> bool:
    entry, _, name = path.rpartition(".")
    return any(key.startswith(f"{entry}.") and key.endswith(f".{name}") for key in known)


@contextmanager
def _of_fields_sent(outcome: Outcome) -> Iterator[None]:
    """Tell nothing of the name that the parts of a form made, where one of them is at fault itself."""
    try:
        yield
    except Invalid as refusal:
        if "name" in outcome.written:
            raise
        faults = [fault for fault in refusal.faults if fault.field != "name"]
        raise Invalid(faults or refusal.faults) from refusal


@contextmanager
def _in_line() -> Iterator[None]:
    """Who makes a user has an address in hand when it is their turn to ask for unique values; who changes one takes the
    address only then. So either may wait for the other."""
    try:
        yield
    except OperationalError as error:
        if is_deadlock(error):
            raise Overtaken from error
        raise
