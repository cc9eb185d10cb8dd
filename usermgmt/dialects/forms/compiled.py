"""Configurations as requests use them: compiled once, and kept in each process until the row changes."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from usermgmt.dialects.forms.models import NAME_FORM, FormConfiguration
from usermgmt.dialects.forms.rules.compiling import compiled
from usermgmt.dialects.forms.rules.form import Form
from usermgmt.errors import Fault, Invalid, raise_all

logger = logging.getLogger("usermgmt.dialects.forms")

KEPT = 1000  # compiled configurations in a process

_NAME = re.compile(NAME_FORM)

Resource = FormConfiguration.Resource


class NoConfiguration(LookupError):
    """There is no configuration of that name for that resource, or none that programs may use."""


@dataclass(frozen=True, slots=True)
class Configuration:
    """A row and its form. number: the row's. only_self: of update, whether callers change nobody but themselves."""

    number: int
    form: Form
    only_self: bool
    payload: Mapping[str, Any]
    policies: tuple[str, ...]
    notifications: frozenset[str]

    def laid_over(self, form: Mapping[str, Any]) -> dict[str, Any]:
        """What a client sent, with the default payload over it (contract 5, step 5)."""
        return _merged(form, self.payload)


def normalised(name: str) -> str:
    """A name as configurations are stored under it (contract 4)."""
    return name.strip().lower().replace(" ", "_")


def named(name: str, resource: Resource) -> Configuration:
    """The configuration of that name. Raises NoConfiguration."""
    wanted = normalised(name)
    if not _NAME.match(wanted):  # also a NUL in a query, which no database can be asked for
        raise NoConfiguration
    names = [wanted]
    if resource == Resource.SESSION and wanted.endswith("s"):
        names.append(wanted.removesuffix("s"))  # clients write the vendor's with a final "s", too
    return _found({"name__in": names}, resource)


def numbered(number: int, resource: Resource) -> Configuration:
    """The configuration of that number. Raises NoConfiguration."""
    return _found({"pk": number}, resource)


def declared_of_users() -> dict[str, Any]:
    """What the configurations of users declare together, nested as `Form.declared`."""
    rows = FormConfiguration.objects.filter(resource=Resource.USER).values_list("pk", "revision")
    found = (_kept(pk, revision) for pk, revision in rows)
    together: dict[str, Any] = {}
    for configuration in found:
        if configuration is not None:
            together = _merged(together, configuration.form.declared)
    return together


def _found(where: Mapping[str, Any], resource: Resource) -> Configuration:
    rows = FormConfiguration.objects.filter(resource=resource, request_allowed=True, **where)
    # The longer name first: it is the one that was sent.
    row = rows.order_by("-name").values_list("pk", "revision").first()
    found = None if row is None else _kept(*row)
    if found is None:
        raise NoConfiguration
    return found


@lru_cache(maxsize=KEPT)
def _kept(pk: int, revision: UUID) -> Configuration | None:
    """The configuration of a row that has that revision, or one after it; None for one that can't be used any more."""
    row = FormConfiguration.objects.filter(pk=pk).first()
    if row is None:
        return None
    try:
        return made(row, known=True)
    except Invalid as error:  # written before its rules became stricter, or by somebody's own hand
        logger.error("form configuration %s can't be used: %s", row.name, error)
        return None


def made(row: FormConfiguration, *, known: bool = False) -> Configuration:
    """The configuration of a row, be it stored or not. Raises Invalid.

    known: whether its patterns were tried out when it was stored, and need not be again.
    """
    _check_shapes(row)
    return Configuration(
        number=row.pk,
        form=compiled(row.resource, row.fields, known=known),
        only_self=row.resource_owner == FormConfiguration.Owner.SELF,
        payload=row.default_payload,
        policies=tuple(row.authorization_policies),
        notifications=frozenset(row.email_notifications),
    )


def _check_shapes(row: FormConfiguration) -> None:
    """Raise Invalid if a column holds JSON of another shape than its own."""
    faults = [] if isinstance(row.default_payload, dict) else [Fault("default_payload", "wrong_type")]
    for column in ("authorization_policies", "email_notifications"):
        names = getattr(row, column)
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            faults.append(Fault(column, "wrong_type"))
    raise_all([], faults)


def _merged(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, key by key; where not both have an object, the value of `over`."""
    merged = dict(under)
    for key, value in over.items():
        other = merged.get(key)
        merged[key] = _merged(other, value) if isinstance(other, Mapping) and isinstance(value, Mapping) else value
    return merged
