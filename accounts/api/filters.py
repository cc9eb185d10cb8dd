"""What a list of users is narrowed by (native contract 5)."""

from datetime import datetime
from typing import Any

import django_filters
from django import forms
from django.db.models import Q

from accounts.managers import UserQuerySet
from accounts.models import User
from usermgmt.http.ids import is_id
from usermgmt.http.moments import moment_of

NO_CLIENT = "null"  # client_id=null: the administrators
_TRUTH = {"true": True, "false": False}
TEXT_MAX_LENGTH = 255  # characters; no column is longer, and SQLite takes no pattern of more than 50,000 bytes


class MomentField(forms.Field):
    """An RFC 3339 moment, or a date that stands for its first moment; UTC where no offset is given."""

    def to_python(self, value: str | None) -> datetime | None:
        if value is None:
            return None
        try:
            return moment_of(value.replace(" ", "+"))  # an unescaped "+" of an offset arrives as a blank
        except ValueError as error:
            raise forms.ValidationError("is invalid", code="invalid") from error


class ClientIdsField(forms.Field):
    """One or more numbers of clients, or `null`."""

    widget = forms.SelectMultiple

    def to_python(self, value: list[str] | None) -> list[str] | None:
        if not value:
            return None
        if not all(item == NO_CLIENT or is_id(item) for item in value):
            raise forms.ValidationError("is invalid", code="invalid")
        return value


class TruthField(forms.Field):
    """`true` or `false`."""

    def to_python(self, value: str | None) -> bool | None:
        if value is not None and value not in _TRUTH:
            raise forms.ValidationError("is invalid", code="invalid")
        return None if value is None else _TRUTH[value]


class TextField(forms.CharField):
    """Text; an empty exact filter is refused, as it would silently give everybody."""

    def __init__(self, *, blank: bool = False, **options: Any) -> None:
        self.blank = blank
        super().__init__(empty_value=None, max_length=TEXT_MAX_LENGTH, **options)

    def clean(self, value: Any) -> Any:
        if value is not None and not value.strip() and not self.blank:
            raise forms.ValidationError("is invalid", code="invalid")
        return super().clean(value)


class FieldFilter(django_filters.Filter):
    """A filter by a class of field such as those above; None means that it was not sent."""

    def __init__(self, field_class: type[forms.Field], *, method: str, **options: Any) -> None:
        self.field_class = field_class
        super().__init__(method=method, **options)


class UserFilterSet(django_filters.FilterSet):
    search = FieldFilter(TextField, method="by_search", blank=True)
    email = FieldFilter(TextField, method="by_email")
    client_id = FieldFilter(ClientIdsField, method="by_client")
    active = FieldFilter(TruthField, method="by_active")
    created_after = FieldFilter(MomentField, method="by_start")
    created_before = FieldFilter(MomentField, method="by_end")

    class Meta:
        model = User
        fields: list[str] = []

    def by_search(self, users: UserQuerySet, name: str, value: str) -> UserQuerySet:
        return users.matching(value)

    def by_email(self, users: UserQuerySet, name: str, value: str) -> UserQuerySet:
        return users.with_email(value)

    def by_client(self, users: UserQuerySet, name: str, value: list[str]) -> UserQuerySet:
        numbers = [int(item) for item in value if item != NO_CLIENT]
        wanted = Q(client_id__in=numbers)
        return users.filter(wanted | Q(client_id=None) if NO_CLIENT in value else wanted)

    def by_active(self, users: UserQuerySet, name: str, value: bool) -> UserQuerySet:
        return users.filter(is_active=value)

    def by_start(self, users: UserQuerySet, name: str, value: datetime) -> UserQuerySet:
        return users.filter(created_at__gt=value)

    def by_end(self, users: UserQuerySet, name: str, value: datetime) -> UserQuerySet:
        return users.filter(created_at__lt=value)
