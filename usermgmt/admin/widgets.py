"""Widgets and fields of the admin site's forms and filters."""

from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib.admin.widgets import AdminTextareaWidget, AutocompleteSelect, AutocompleteSelectMultiple
from django.core.exceptions import ValidationError

from usermgmt.http.ids import is_id

MAX_CHOSEN = 500  # rows in one field


class Source(AdminTextareaWidget):
    """Text that programs read: all letters of one width, and no word of it misspelt. rows: the lines to be seen."""

    def __init__(self, *, rows: int) -> None:
        super().__init__(attrs={"rows": rows, "spellcheck": "false", "class": "vLargeTextField source"})


class Narrowed:
    """A select of rows found by typing. parameters: what the search is narrowed by; see `DirectoryAdmin.narrowed`."""

    parameters: dict[str, int] | None = None

    def get_url(self) -> str:
        address = str(super().get_url())  # type: ignore[misc]  # of the select that this is mixed into
        return f"{address}?{urlencode(self.parameters)}" if self.parameters else address


class RowSelect(Narrowed, AutocompleteSelect):
    """A row, found by typing. Django's own asks the database for whatever text a form holds, and fails."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [text for text in value if text == "" or is_id(text)], attrs)


class RowsSelect(Narrowed, AutocompleteSelectMultiple):
    """Any number of rows, found by typing."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [text for text in value if is_id(text)][:MAX_CHOSEN], attrs)


class Rows(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]  # generic for the checker only
    """The rows of a `RowsSelect`; the value is a list of their numbers."""

    default_error_messages = {
        "invalid_choice": "Has one that is not there (any more).",
        "too_many": f"Is too long (maximum is {MAX_CHOSEN} entries).",
    }

    def clean(self, value: Any) -> Any:
        sent = list(value or [])
        if len(sent) > MAX_CHOSEN:
            raise ValidationError(self.error_messages["too_many"], code="too_many")
        if not all(is_id(str(pk)) for pk in sent):
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        wanted = {int(pk) for pk in sent}
        rows: Any = self.queryset
        found = set(rows.filter(pk__in=wanted).values_list("pk", flat=True)) if wanted else set()
        if found != wanted:
            raise ValidationError(self.error_messages["invalid_choice"], code="invalid_choice")
        return sorted(found)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return {str(pk) for pk in initial or ()} != {str(pk) for pk in data or ()}
