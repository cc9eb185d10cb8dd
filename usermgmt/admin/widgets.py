"""Widgets of the admin site's forms and filters."""

from typing import Any

from django.contrib.admin.widgets import AutocompleteSelect

from usermgmt.http.ids import is_id


class RowSelect(AutocompleteSelect):
    """A row, found by typing. Django's own asks the database for whatever text a form holds, and fails."""

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [text for text in value if text == "" or is_id(text)], attrs)
