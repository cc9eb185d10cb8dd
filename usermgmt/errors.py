"""The domain's errors: a stable code, a field, data; no HTTP.

Services raise them; `usermgmt.http.problems` turns them into problems, and each contract
renders a problem in its own words. `fragment` gives the words that several surfaces share.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

BASE = "base"
"""The field of a fault that concerns the whole, not one field."""


@dataclasses.dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with what was sent.

    field: the domain's name of the field, or `BASE`.
    code: a stable code, a key of `FRAGMENTS`.
    data: what the message needs, e.g. {"maximum": 255}.
    """

    field: str
    code: str
    data: Mapping[str, Any] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Quota:
    """Where somebody stands with a limit.

    limit: how many are free. remaining: of them. reset: whole seconds, at least 1, until there are more.
    """

    limit: int
    remaining: int
    reset: int


class DirectoryError(Exception):
    """Whatever the directory refuses; `code` is stable and says why."""

    code = "error"


class Invalid(DirectoryError):
    """The values sent break rules; carries every fault, not just the first."""

    code = "invalid"

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(sentence(fault) for fault in self.faults))


class NotFound(DirectoryError):
    """There is no such thing, or none that the actor may know of. `kind`: "user", "client"."""

    code = "not_found"

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"{kind} not found")


class Forbidden(DirectoryError):
    """The actor may not do this."""

    code = "forbidden"


class MustChangePassword(Forbidden):
    """The actor may do nothing but choose a new password."""

    code = "must_change_password"


class TooManyRequests(DirectoryError):
    """A limit is used up. wait: whole seconds until it is worth while to try again.

    quota: where the caller stands with it; by itself, that nothing remains of one.
    """

    code = "throttled"

    def __init__(self, wait: int, quota: Quota | None = None) -> None:
        self.wait = wait
        self.quota = quota or Quota(limit=1, remaining=0, reset=wait)
        super().__init__(f"too many requests, again in {wait} seconds")


class InvalidCredentials(DirectoryError):
    """No sign-in: unknown e-mail, wrong password, inactive account, all alike.

    quota: where the caller stands with the limit of tries, if there is one. inactive: the password was right; only for
    contracts that tell such a user so, whoever does not know the password never learns it.
    """

    code = "invalid_credentials"

    def __init__(self, quota: Quota | None = None, *, inactive: bool = False) -> None:
        self.quota = quota
        self.inactive = inactive
        super().__init__()


class InvalidToken(DirectoryError):
    """The token is malformed, expired, revoked or of another class."""

    code = "invalid_token"


class Stale(DirectoryError):
    """The object changed since the caller read it. `version`: the present one."""

    code = "stale"

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(f"the present version is {version}")


FRAGMENTS = {
    "blank": "can't be blank",
    "invalid": "is invalid",
    "missing": "is required",
    "wrong_type": "has the wrong type",
    "not_number": "must be a number",
    "not_integer": "must be a whole number",
    "too_small": "is too small (minimum is {minimum})",
    "too_large": "is too large (maximum is {maximum})",
    "too_short": "is too short (minimum is {minimum} characters)",
    "too_long": "is too long (maximum is {maximum} characters)",
    "taken": "has already been taken",
    "confirmation": "doesn't match {attribute}",
    "must_exist": "must exist",
    "password_too_common": "is too common",
    "password_too_similar": "is too similar to the {attribute}",
    "password_with_run": "has one character more than {maximum} times in a row",
    "password_without_lowercase": "needs a lower case letter",
    "password_without_uppercase": "needs an upper case letter",
    "password_without_digit": "needs a digit",
    "password_without_symbol": "needs a character that is neither a letter nor a digit",
    "password_unchanged": "must differ from the present one",
    "unknown_choice": "is not one of {choices}",
    "token_dead": "is invalid or has expired",
    "has_password": "has a password already",
    "verified": "is verified already",
    "not_failed": "was not given up",
    "invited_with_password": "can't be combined with a password",
    "invited_inactive": "needs an active user",
    "too_many": "is too long (maximum is {maximum} entries)",
    "not_future": "must be in the future",
    "too_far": "is too far in the future",
    "not_both": "can't be given along with {attribute}",
    "inactive": "must be active",
    "too_many_alive": "have reached their maximum of {maximum}: revoke one first",
    "key_reused": "was sent with another request before",
    "not_positive": "must be a positive integer",
    "reserved": "is reserved",
    "domain_not_allowed": "is of a domain that is not allowed",
    "domain_blocked": "is of a domain that is blocked",
    "unknown_role": "has an unknown role: {role}",
    "not_yours_to_give": "can't be given by you: {role}",
    "not_yours_to_set": "can't be set by you",
    "built_in_role": "can't be changed: every directory has this role",
    "too_complex": "is too large: at most 8 levels, 100 keys and 16 KiB",
    "custom_required": "needs {name}",
    "custom_invalid": "has an invalid {name}",
    "custom_too_short": "has a {name} that is too short (minimum is {minimum} characters)",
    "custom_too_long": "has a {name} that is too long (maximum is {maximum} characters)",
    "not_of_client": "must belong to the client of the team",
    "team_of_other_client": "must be teams of the client of the user",
    "too_many_fields": "has as many custom fields as it can: {maximum}",
    "undefined_property": "is not defined",
    "definition_misnamed": "has a name that is not of 1 to 64 letters, digits, hyphens and underscores: {path}",
    "definition_no_object": "needs an object at {path}",
    "definition_of_unknown_type": "is not one of {choices} at {path}",
    "definition_of_more": "has more than a type at {path}",
    "no_options": "needs options to select from",
    "said": "{words}",
    "bad_rule": "{path} {reason}",
    "not_of_sessions": "can't be sent for sessions",
    "too_many_configurations": "has as many form configurations as it can: {maximum}",
    "of_other_client": "is not that of the user who is there",
    "unknown_column": "is no column that there is",
    "too_large_json": "is too large (maximum is {maximum} KiB)",
    "last_administrator": "must leave at least one active administrator",
    "erased": "can't be changed: the person was erased",
    "has_users": "can't be deleted while it has users",
    "claimed": "is named by {by}: change that first",
    "property_claimed": "needs {path}, which is named by {by}",
    "has_records": "can't be deleted while users have records of it",
}
"""The words of each code, without the field's name (native contract 6)."""


def fragment(fault: Fault) -> str:
    """The fault in words that do not repeat the field's name."""
    return FRAGMENTS[fault.code].format(**fault.data)


def sentence(fault: Fault) -> str:
    """The fault as a sentence for people: staff and operators."""
    subject = "The directory" if fault.field == BASE else fault.field.replace("_", " ").capitalize()
    return f"{subject} {fragment(fault)}"


def all_faults(reported: Sequence[Fault], found: Sequence[Fault]) -> list[Fault]:
    """Every fault of what was sent.

    reported: what the contract found while reading. found: what the rules found. A field that could
    not even be read is not judged a second time.
    """
    unread = {fault.field for fault in reported}
    return [*reported, *(fault for fault in found if fault.field not in unread)]


def raise_all(reported: Sequence[Fault], found: Sequence[Fault]) -> None:
    """Raise every fault of a request at once as Invalid; do nothing if there is none. See `all_faults`."""
    faults = all_faults(reported, found)
    if faults:
        raise Invalid(faults)


def check_version(present: int, known: Collection[int] | None) -> None:
    """Raise Stale unless the caller knows the present version; None asks for no check (RFC 9110 13.1.1)."""
    if known is not None and present not in known:
        raise Stale(present)
