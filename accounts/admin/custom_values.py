"""The fields of a user's form that hold the custom fields: one for each definition, or one for them all."""

import json
from typing import Any

from django import forms
from django.contrib.admin import widgets
from django.core.exceptions import ValidationError

from accounts.models import CustomField
from usermgmt.admin.forms import Lines
from usermgmt.http.parsers import BadBody, loads


class JsonObject(Lines):
    """Whatever object somebody typed, or none; the service judges how large it may be."""

    def __init__(self, **options: Any) -> None:
        widget = widgets.AdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"})
        super().__init__(required=False, widget=widget, **options)

    @staticmethod
    def shown(values: dict[str, Any]) -> str:
        """An object as it stands in the field."""
        return json.dumps(values, indent=2, ensure_ascii=False) if values else ""

    def clean(self, value: Any) -> Any:
        text = self.to_python(value)
        try:
            return loads(text.encode(errors="surrogatepass")) if text else {}
        except BadBody as error:
            raise ValidationError('Must be a JSON object, as {"department": "Sales"}.', code="invalid") from error


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
