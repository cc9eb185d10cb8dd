"""Forms of the admin site. No rule of the directory stands in one: the last step of their validation is a service."""

import json
from abc import abstractmethod
from collections.abc import Sequence
from json import JSONDecodeError
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.http import HttpResponse
from django.utils.html import format_html

from usermgmt.actor import Actor
from usermgmt.admin import words
from usermgmt.admin.widgets import Source
from usermgmt.errors import Fault, Invalid, NotFound, Stale, TooManyRequests
from usermgmt.http.contracts import tell
from usermgmt.http.parsers import BadBody, loads
from usermgmt.http.problems import problem_of


class Text(forms.CharField):
    """Text as it was typed. `required` and `max_length` only tell the browser: the service judges."""

    def clean(self, value: Any) -> str:
        return str(self.to_python(value))


class Lines(Text):
    """Text of several lines; browsers send them ended as in mails, and other doors do not."""

    widget = forms.Textarea

    def to_python(self, value: Any) -> Any:
        return str(super().to_python(value)).replace("\r\n", "\n")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return super().has_changed(self.to_python(initial), data)


class JsonObject(Lines):
    """Whatever object somebody typed, or none; the service judges how large it may be. rows: the lines to be seen."""

    def __init__(self, *, rows: int = 4, **options: Any) -> None:
        super().__init__(required=False, strip=False, widget=Source(rows=rows), **options)

    @staticmethod
    def shown(values: dict[str, Any]) -> str:
        """An object as it stands in the field."""
        return json.dumps(values, indent=2, ensure_ascii=False) if values else ""

    def clean(self, value: Any) -> Any:
        text = self.to_python(value)
        try:
            return loads(text.encode(errors="surrogatepass")) if text.strip() else {}
        except BadBody as error:
            reason = error.__cause__
            at = f" Look at line {reason.lineno}, column {reason.colno}." if isinstance(reason, JSONDecodeError) else ""
            raise ValidationError(
                f'Must be a JSON object, as {{"department": "Sales"}}.{at}', code="invalid"
            ) from error


class Throttled(forms.BaseForm):
    """A form that asks for a password, and may be asked too often. refusal: that it was."""

    refusal: TooManyRequests | None = None


def throttled(page: HttpResponse) -> HttpResponse:
    """The page of a form, with the status and the headers of its refusal if it was asked too often."""
    form = (getattr(page, "context_data", None) or {}).get("form")
    if isinstance(form, Throttled) and form.refusal is not None:
        problem = problem_of(form.refusal)
        page.status_code = problem.status
        for name, value in problem.headers.items():
            page.headers[name] = value
        tell(page, problem.quota)
    return page


class ServiceForm(forms.BaseForm):
    """A form that is valid when the service took what is in it: what it refuses stands beside the fields.

    So all faults are told at once, and none can come after the page said that all is well.
    """

    actor: Actor

    @abstractmethod
    def write(self, reported: Sequence[Fault]) -> Any:
        """Call the service, once.

        reported: faults of the fields that could not be read, for the service to raise with its own.
        """

    def place_of(self, fault: Fault) -> str | None:
        """The field that a fault stands beside; None: above them all."""
        return fault.field if fault.field in self.fields else None

    def words_of(self, fault: Fault) -> str:
        """What is told of a fault there."""
        return words.of_fault(fault)

    def _post_clean(self) -> None:
        # Django's own hook for the rules of a model, after those of the fields.
        reported = [Fault(field, "invalid") for field in self.errors]
        try:
            self.instance = self.write(reported)
        except Invalid as refusal:
            for fault in refusal.faults:
                if fault not in reported:
                    self.add_error(self.place_of(fault), self.words_of(fault))
        except Stale:
            self.add_error(
                None,
                format_html(
                    '{} <a href="">Open it anew</a> to see what is there now.',
                    "Somebody changed this since you opened it, and nothing was saved.",
                ),
            )
        except NotFound as error:
            self.add_error(None, f"This {error.kind} is gone: somebody deleted it since you opened it.")


class ServiceModelForm(ServiceForm, forms.ModelForm):  # type: ignore[type-arg]  # generic for the checker only
    """The form of a row: it carries the version that it was opened at, for the service to compare."""

    seen_version = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.fields["seen_version"].initial = self.present_version()

    def present_version(self) -> int:
        """The version of what stands in the form."""
        version: int = self.instance.version
        return version

    @property
    def versions(self) -> list[int]:
        """What the service is to compare; a form that does not say its version is stale."""
        return [self.cleaned_data.get("seen_version") or 0]
