"""What a list of the audit trail is narrowed by."""

import re
from datetime import datetime

import django_filters
from django import forms

from accounts.api.filters import FieldFilter, MomentField
from accounts.models import Event
from accounts.models.event import EventQuerySet
from usermgmt.http.contracts import ADMIN_PREFIX, contracts
from usermgmt.http.ids import is_id
from usermgmt.origin import Origin

NOBODY = "null"  # actor=null: the operator, and callers who are not signed in
TARGET = re.compile(r"(?P<kind>[a-z][a-z_]{0,31})(:(?P<id>[0-9]+))?\Z", re.ASCII)
ACTION = re.compile(r"[a-z][a-z_]*\.[a-z][a-z_]*\Z", re.ASCII)


def contract_names() -> list[str]:
    """Every door that a row can name: the contracts, the admin site, the operator's commands."""
    return [*(contract.name for contract in contracts()), ADMIN_PREFIX.rstrip("/"), Origin().contract]


class ActorField(forms.Field):
    """The number of a user, or `null`."""

    def to_python(self, value: str | None) -> str | None:
        if value is not None and value != NOBODY and not is_id(value):
            raise forms.ValidationError("is invalid", code="invalid")
        return value


class TargetField(forms.Field):
    """A kind, or one of it: `user`, `user:12`, `client:3`."""

    def to_python(self, value: str | None) -> tuple[str, int | None] | None:
        if value is None:
            return None
        matched = TARGET.match(value)
        if matched is None or (matched["id"] is not None and not is_id(matched["id"])):
            raise forms.ValidationError("is invalid", code="invalid")
        return matched["kind"], int(matched["id"]) if matched["id"] is not None else None


class ActionsField(forms.Field):
    """One or more actions, whole."""

    widget = forms.SelectMultiple

    def to_python(self, value: list[str] | None) -> list[str] | None:
        longest = Event._meta.get_field("action").max_length or 0
        if value and not all(ACTION.match(item) and len(item) <= longest for item in value):
            raise forms.ValidationError("is invalid", code="invalid")
        return value or None


class ContractField(forms.Field):
    """The name of a contract."""

    def to_python(self, value: str | None) -> str | None:
        if value is not None and value not in contract_names():
            raise forms.ValidationError("is invalid", code="invalid")
        return value


class UserEventFilterSet(django_filters.FilterSet):
    """Of what is about one user."""

    actor = FieldFilter(ActorField, method="by_actor")
    action = FieldFilter(ActionsField, method="by_action")
    contract = FieldFilter(ContractField, method="by_contract")
    since = FieldFilter(MomentField, method="by_start")
    until = FieldFilter(MomentField, method="by_end")

    class Meta:
        model = Event
        fields: list[str] = []

    def by_actor(self, events: EventQuerySet, name: str, value: str) -> EventQuerySet:
        return events.filter(actor_id=None if value == NOBODY else int(value))

    def by_action(self, events: EventQuerySet, name: str, value: list[str]) -> EventQuerySet:
        return events.filter(action__in=value)

    def by_contract(self, events: EventQuerySet, name: str, value: str) -> EventQuerySet:
        return events.filter(contract=value)

    def by_start(self, events: EventQuerySet, name: str, value: datetime) -> EventQuerySet:
        return events.filter(at__gte=value)

    def by_end(self, events: EventQuerySet, name: str, value: datetime) -> EventQuerySet:
        return events.filter(at__lt=value)


class EventFilterSet(UserEventFilterSet):
    """Of the whole trail."""

    target = FieldFilter(TargetField, method="by_target")

    def by_target(self, events: EventQuerySet, name: str, value: tuple[str, int | None]) -> EventQuerySet:
        kind, pk = value
        return events.filter(target_kind=kind) if pk is None else events.filter(target_kind=kind, target_id=pk)
