"""Staff's pages of form configurations, where each can be tried out as it is typed, before it is saved."""

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.admin import helpers, widgets
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.decorators import method_decorator
from django.views.decorators.debug import sensitive_post_parameters

from usermgmt.admin.forms import JsonObject, ServiceModelForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.dialects.forms import configurations, trying
from usermgmt.dialects.forms.configurations import Draft
from usermgmt.dialects.forms.models import NAME_MAX_LENGTH, FormConfiguration
from usermgmt.dialects.forms.trying import Trial
from usermgmt.errors import Fault, fragment

TRY = "_try"
"""The name of the button that tries what is typed, and saves nothing."""

_POLICIES = {
    "administrator": "administrator: callers who are one",
    "authenticated": "authenticated: every caller, as all have a token",
    "same_client": "same_client: callers of the client of the user",
    "nobody": "nobody",
}
_NOTIFICATIONS = {
    "welcome": "welcome: greets",
    "invitation": "invitation: a link to set the first password, to who has none",
    "verification": "verification: a link that proves the address, to who has not proved it",
}


def _boxes(names: Mapping[str, str], label: str, help_text: str) -> forms.MultipleChoiceField:
    widget = forms.CheckboxSelectMultiple(attrs={"class": "radiolist"})
    return forms.MultipleChoiceField(
        label=label, choices=list(names.items()), required=False, widget=widget, help_text=help_text
    )


class SampleForm(forms.Form):
    """What is tried: what a program might send, and whom it is to change."""

    sample = JsonObject(
        label="Sample form", rows=8, help_text="The values of a call, as a JSON object: what stands in it as “form”."
    )
    sample_user = forms.CharField(
        label="User to change",
        required=False,
        widget=widgets.AdminTextInputWidget(attrs={"inputmode": "numeric"}),
        help_text="A user's number. Without one, a user is to be made, or a session.",
    )


class FormConfigurationForm(ServiceModelForm):
    """Saves what is typed; or tries it, where it was sent by that button, and then is not valid: nothing is saved.

    sample: what it is tried with. trial: what came of it.
    """

    trial: Trial | None = None

    name = Text(
        max_length=NAME_MAX_LENGTH,
        widget=widgets.AdminTextInputWidget,
        help_text="Small letters, digits and . / _ - only; programs call the configuration by it.",
    )
    resource = forms.ChoiceField(
        choices=[
            (FormConfiguration.Resource.USER, "User: its forms make and change users"),
            (FormConfiguration.Resource.SESSION, "Session: its forms sign people in and out"),
        ],
        initial=FormConfiguration.Resource.USER,
        widget=widgets.AdminRadioSelect(attrs={"class": "radiolist"}),
    )
    fields = JsonObject(  # type: ignore[assignment]  # Django takes fields away from classes, be they named so
        rows=24,
        help_text="A JSON object of the fields that programs may send, each with its rules, as "
        '{"email": {"validation": {"presence": true}}}. Whatever else is sent is dropped.',
    )
    resource_owner = forms.ChoiceField(
        choices=[
            (FormConfiguration.Owner.SELF, "Self: callers change themselves"),
            (FormConfiguration.Owner.ANYONE, "Anyone: callers change every user whom they may change"),
        ],
        initial=FormConfiguration.Owner.SELF,
        widget=widgets.AdminRadioSelect(attrs={"class": "radiolist"}),
    )
    default_payload = JsonObject(rows=6, help_text="A JSON object that is laid over each form: its values win.")
    authorization_policies = _boxes(_POLICIES, "Authorization policies", "All of those chosen must let a caller pass.")
    email_notifications = _boxes(_NOTIFICATIONS, "E-mail notifications", "Sent when a form was taken.")
    request_allowed = forms.BooleanField(
        required=False, initial=True, help_text="Programs may use it; else to them there is none of the name."
    )

    class Meta:
        model = FormConfiguration
        fields: list[str] = []

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial.update({column: getattr(self.instance, column) for column in configurations.COLUMNS})
            for column in ("fields", "default_payload"):
                self.initial[column] = JsonObject.shown(self.initial[column])
        self.tries = TRY in self.data
        kept = {name: self.data.get(name, "") for name in SampleForm.base_fields}
        self.sample = SampleForm(self.data if self.tries else None, initial=kept)

    def is_valid(self) -> bool:
        return super().is_valid() and not self.tries

    def write(self, reported: Sequence[Fault]) -> FormConfiguration:
        draft = self._draft()
        if self.tries:
            return self._tried(draft, reported)
        if self.instance.pk is None:
            return configurations.create(actor=self.actor, reported=reported, **draft.columns())
        return configurations.update(
            actor=self.actor,
            configuration_id=self.instance.pk,
            versions=self.versions,
            reported=reported,
            **draft.columns(),
        )

    def words_of(self, fault: Fault) -> str:
        # A path stays as it is typed.
        return f"{fragment(fault)}." if fault.code == "bad_rule" else super().words_of(fault)

    def _tried(self, draft: Draft, reported: Sequence[Fault]) -> FormConfiguration:
        configuration = configurations.judged(
            actor=self.actor, draft=draft, configuration_id=self.instance.pk, reported=reported
        )
        if self.sample.is_valid():
            sent = self.sample.cleaned_data
            self.trial = trying.tried(self.actor, configuration, sent["sample"], sent["sample_user"])
        row: FormConfiguration = self.instance
        return row

    def _draft(self) -> Draft:
        values = self.cleaned_data
        return Draft(
            name=values["name"],
            resource=values.get("resource", ""),
            fields=values.get("fields", {}),
            resource_owner=values.get("resource_owner", ""),
            default_payload=values.get("default_payload", {}),
            authorization_policies=self._chosen("authorization_policies"),
            request_allowed=values["request_allowed"],
            email_notifications=self._chosen("email_notifications"),
        )

    def _chosen(self, column: str) -> Sequence[str]:
        """The boxes that are ticked; where they are those that were, in the order that they had."""
        if column not in self.changed_data:
            return list(self.initial.get(column, ()))
        return list(self.cleaned_data.get(column, ()))


class ResourceFilter(admin.SimpleListFilter):
    title = parameter_name = "resource"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return list(FormConfiguration.Resource.choices)

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() not in FormConfiguration.Resource.values:
            return queryset
        return queryset.filter(resource=self.value())


class RequestAllowedFilter(admin.SimpleListFilter):
    title, parameter_name = "request allowed", "request_allowed"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Yes"), ("no", "No")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(request_allowed=self.value() == "yes") if self.value() in ("yes", "no") else queryset


@admin.register(FormConfiguration)
class FormConfigurationAdmin(ServiceAdmin):
    kind = "form_configuration"
    form = FormConfigurationForm
    list_display = ["shown_name", "shown_resource", "shown_fields", "shown_request_allowed", "updated"]
    list_filter = [ResourceFilter, RequestAllowedFilter]
    search_fields = ["name"]
    search_column = "name"
    search_help_text = "Any part of the name; or a number."
    ordering = ["name"]
    readonly_fields = ["id", "created", "updated"]

    def get_fieldsets(self, request: HttpRequest, obj: FormConfiguration | None = None) -> Any:
        form = [
            (None, {"fields": ["name", "resource", "fields", "default_payload", "seen_version"]}),
            ("Who may use it", {"fields": ["request_allowed", "authorization_policies", "resource_owner"]}),
            ("Mails", {"fields": ["email_notifications"]}),
        ]
        return form if obj is None else [*form, ("Record", {"fields": ["id", "created", "updated"]})]

    @method_decorator(sensitive_post_parameters(*SampleForm.base_fields))
    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        return super().changeform_view(request, object_id, form_url, extra_context)

    def render_change_form(self, request: Any, context: Any, *args: Any, **options: Any) -> Any:
        form: FormConfigurationForm = context["adminform"].form
        sample: Any = form.sample
        context |= {
            "try_button": TRY,
            "sample": helpers.AdminForm(sample, [("Try it", {"fields": list(SampleForm.base_fields)})], {}),
            "trial": None if form.trial is None else _shown(form.trial),
        }
        return super().render_change_form(request, context, *args, **options)

    def delete(self, request: HttpRequest, row: FormConfiguration) -> None:
        configurations.delete(actor=actor_of(request), configuration_id=row.pk)

    # Columns

    @admin.display(description="name", ordering="name")
    def shown_name(self, configuration: FormConfiguration) -> str:
        return configuration.name

    @admin.display(description="resource", ordering="resource")
    def shown_resource(self, configuration: FormConfiguration) -> str:
        return configuration.resource

    @admin.display(description="fields")
    def shown_fields(self, configuration: FormConfiguration) -> int:
        """How many; a section, as of profiles, is one."""
        return len(configuration.fields)

    @admin.display(description="request allowed", ordering="request_allowed", boolean=True)
    def shown_request_allowed(self, configuration: FormConfiguration) -> bool:
        return configuration.request_allowed


def _shown(trial: Trial) -> dict[str, Any]:
    """What came of a trial, as the page shows it."""
    return {
        "status": f"{trial.status} {HTTPStatus(trial.status).phrase}",
        "errors": [(path, words) for path, several in trial.errors.items() for words in several],
        "is_taken": trial.written is not None,
        "written": json.dumps(trial.written, indent=2, ensure_ascii=False),
    }
