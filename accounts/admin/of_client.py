"""Autocompletion among the teams, or the users, of one client."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest

from usermgmt.admin.widgets import Narrowed, RowsSelect
from usermgmt.http.ids import is_id

_PARAMETER = "of_client"


def select(key: Any, site: AdminSite, client_id: int | None) -> RowsSelect:
    """The widget for rows that `key` points to. client_id: None offers none."""
    widget = RowsSelect(key, site)
    narrow(widget, client_id)
    return widget


def narrow(widget: Narrowed, client_id: int | None) -> None:
    """Let a widget offer rows of one client only. client_id: None offers none."""
    widget.parameters = {_PARAMETER: client_id or 0}


def narrowed(request: HttpRequest, rows: Any) -> Any:
    """Of `rows` those of the client that the widget asks for; all, if it asks for none in particular."""
    if _PARAMETER not in request.GET:
        return rows
    client_id = request.GET[_PARAMETER]
    return rows.filter(client_id=int(client_id)) if is_id(client_id) else rows.none()
