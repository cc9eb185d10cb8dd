"""The fields of a user's form that hold the custom fields: one for each definition, or one for them all."""

import json
from typing import Any

from django import forms
from django.contrib.admin import widgets

from accounts.models import CustomField
from usermgmt.admin.forms import Lines


def name_of(definition: CustomField) -> str:
    """What the field of a definition is called in the form."""
    return f"custom_field_{definition.pk}"


def field_for(definition: CustomField, present: Any) -> forms.Field:
    """The field of a definition. present: the value there is, of whatever type; None: none."""
    initial = present if isinstance(present, str) else "" if present is None else json.dumps(present)
    told: dict[str, Any] = {
        "label": definition.name,
        "required": False,  # by the service, when any of them is written
        "initial": initial,
        "help_text": " ".join(_hints(definition)),
    }
    if definition.kind == CustomField.Kind.SELECT:
        offered = list(dict.fromkeys(["", *definition.options, initial]))
        return forms.ChoiceField(choices=[(text, text or "-") for text in offered], **told)
    widget = widgets.AdminTextareaWidget() if "\n" in initial else widgets.AdminTextInputWidget()
    return Lines(max_length=definition.max_length, widget=widget, **told)


def _hints(definition: CustomField) -> list[str]:
    hints = ["Required."] if definition.required else []
    if definition.min_length:
        hints.append(f"At least {definition.min_length} characters.")
    if definition.max_length is not None:
        hints.append(f"At most {definition.max_length} characters.")
    return hints
