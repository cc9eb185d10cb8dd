"""Staff's pages of the records that users have: profiles, relationships, transactables.

A record is written with its user, and its version is the user's.
"""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin import SimpleListFilter, widgets
from django.contrib.admin.utils import unquote
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import Truncator

from accounts.admin import of_client
from accounts.admin.filters import CreatedFilter
from accounts.admin.users import UserAdmin
from accounts.models import RecordType, Relationship, Transactable, User, UserProfile
from accounts.models.record import CURRENCY, DESCRIPTION_MAX_LENGTH, TITLE_MAX_LENGTH
from accounts.services import records, users
from accounts.services.records import NO_RECORDS, ProfileSent, Records, RelationshipSent, TransactableSent
from accounts.services.unset import UNSET, Unset
from usermgmt.admin import words
from usermgmt.admin.filters import RowFilter
from usermgmt.admin.forms import JsonObject, Lines, ServiceModelForm, Text
from usermgmt.admin.model_admin import ServiceAdmin, actor_of
from usermgmt.columns import fold
from usermgmt.errors import BASE, Fault, Invalid, NotFound, fragment, sentence
from usermgmt.http.ids import is_id

SHOWN_PROPERTIES = 60  # characters of them in a list

_NO_SUCH = {"invalid_choice": words.of_fault(Fault("type", "must_exist"))}


class RecordForm(ServiceModelForm):
    """key_fields: what says which record it is, chosen once."""

    key_fields: ClassVar[tuple[str, ...]] = ("user", "type")

    properties = JsonObject(rows=12, help_text="A JSON object; the type may say what it takes.")

    class Meta:
        fields: ClassVar[list[str]] = ["user", "type"]
        error_messages = {"user": _NO_SUCH, "type": _NO_SUCH, "related_user": _NO_SUCH}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial["properties"] = JsonObject.shown(self.instance.properties)

    def present_version(self) -> int:
        version: int = self.instance.user.version
        return version

    def place_of(self, fault: Fault) -> str | None:
        match fault.field.split(".", 3):  # the kind of record, its type, its field, its property
            case [_, _]:
                place = "type"
            case [_, _, "user_id"]:
                place = "related_user"
            case [_, _, field, *_]:
                place = field
            case [field]:
                place = field
        return place if place in self.fields else None

    def words_of(self, fault: Fault) -> str:
        match fault.field.split(".", 3):
            case [_, _, _, name]:
                return f"{name} {fragment(fault)}."
            case _ if fault.field != BASE and self.place_of(fault) is None:
                return f"{sentence(fault)}."
            case _:
                return super().words_of(fault)

    def changed(self, name: str) -> Any | Unset:
        """The value of a field that was changed; all are of what is new, and none that could not be read."""
        is_sent = self.instance.pk is None or name in self.changed_data
        return self.cleaned_data.get(name, UNSET) if is_sent else UNSET

    @abstractmethod
    def records(self, type_name: str) -> Records:
        """The record in the form, of the type of that name, as the service takes it."""

    def check_new(self, user: User) -> Mapping[str, Any]:
        """The `proof` of the service: raises Invalid if the user has a record that a new one would write over."""
        return {}

    def write(self, reported: Sequence[Fault]) -> Any:
        return self._make(reported) if self.instance.pk is None else self._change(reported)

    def _make(self, reported: Sequence[Fault]) -> Any:
        if any(self.cleaned_data.get(name) is None for name in self.key_fields):
            raise Invalid(reported)  # it says so
        user, kept = self.cleaned_data["user"], self.cleaned_data["type"]

        users.update(
            actor=self.actor,
            user_id=user.pk,
            records=self.records(kept.name),
            proof=self.check_new,
            reported=reported,
        )
        rows = self._rows().filter(user=user, type=kept)
        return self._found(rows.order_by("-pk").first())

    def _change(self, reported: Sequence[Fault]) -> Any:
        row = self.instance
        users.update(
            actor=self.actor,
            user_id=row.user_id,
            records=self.records(row.type.name) if self.changed_data else NO_RECORDS,
            versions=self.versions,
            reported=reported,
        )
        return self._found(self._rows().filter(pk=row.pk).first())

    def _rows(self) -> QuerySet[Any]:
        rows: QuerySet[Any] = type(self.instance)._default_manager.select_related("user", "type")
        return rows

    def _found(self, row: Any) -> Any:
        """What was written; raises NotFound, if it was deleted at once."""
        if row is None:
            raise NotFound(str(self.instance._meta.verbose_name))
        return row


class TypeFilter(RowFilter):
    title = parameter_name = column = "type"


class UserFilter(RowFilter):
    title = parameter_name = column = "user"


class RelatedUserFilter(RowFilter):
    title, parameter_name, column = "related user", "related_user", "related_user"


class ClientFilter(RowFilter):
    title, parameter_name, column = "client", "client", "user__client"

    def key_of(self, model: Any) -> Any:
        return User._meta.get_field("client")


class EnabledFilter(SimpleListFilter):
    title = parameter_name = "enabled"

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "yes"), ("no", "no")]

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        match self.value():
            case "yes" | "no" as wanted:
                return queryset.filter(enabled=wanted == "yes")
            case _:
                return queryset


class RecordAdmin(ServiceAdmin):
    """What the pages of all records have.

    kind: of its types. facts: the fields that can be changed.
    """

    kind: ClassVar[RecordType.Kind]
    form: type[RecordForm]
    facts: ClassVar[list[str]] = ["properties"]
    list_display = ["shown_id", "shown_user", "shown_client", "shown_type"]
    list_filter = [TypeFilter, UserFilter, ClientFilter, CreatedFilter]
    search_fields = ["user__search_text"]
    search_help_text = "Any part of the user's name, e-mail or user name; or a number."
    ordering = ["-id"]
    autocomplete_fields = ["user", "type"]
    readonly_fields = ["id", "shown_user", "shown_client", "shown_type", "created", "updated"]

    class Media(UserAdmin.Media):
        """The filters', as on the list of users."""

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        found: Any = super().get_queryset(request)
        return found.select_related("type", "user__client")  # type: ignore[no-any-return]

    def find(self, rows: QuerySet[Any], word: str) -> QuerySet[Any]:
        wanted = self.found_by(word)
        return rows.filter(wanted | Q(pk=int(word)) if is_id(word) else wanted)

    def found_by(self, word: str) -> Q:
        """The records that a word of a search means."""
        return Q(user__search_text__contains=fold(word))

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        if obj is None:
            return [(None, {"fields": [*self.form.key_fields, *self.facts]})]
        return [
            (None, {"fields": [*(f"shown_{name}" for name in self.form.key_fields), *self.facts, "seen_version"]}),
            ("Record", {"fields": ["id", "shown_client", "created", "updated"]}),
        ]

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        if db_field.name == "type":
            options["queryset"] = RecordType.objects.filter(kind=self.kind)
        return super().formfield_for_foreignkey(db_field, request, **options)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Whom, and which type, the list was narrowed to when somebody went on to add one."""
        listed = QueryDict(request.GET.get("_changelist_filters", ""))
        narrowed = {name: listed[name] for name in ("user", "type") if is_id(listed.get(name, ""))}
        return {**super().get_changeform_initial_data(request), **narrowed}

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        """The user's: there it stands what was written of the record."""
        row = self.get_object(request, unquote(object_id))
        if row is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        return HttpResponseRedirect(reverse("admin:accounts_user_history", args=[row.user_id]))

    def delete(self, request: HttpRequest, row: Any) -> None:
        records.delete(actor=actor_of(request), kind=self.kind, record_id=row.pk)

    # Columns

    @admin.display(description="number", ordering="id")
    def shown_id(self, row: Any) -> int:
        number: int = row.pk
        return number

    @admin.display(description="user", ordering="user__email_canonical")
    def shown_user(self, row: Any) -> str:
        return _page_of(row.user)

    @admin.display(description="client", ordering="user__client__name_folded")
    def shown_client(self, row: Any) -> str:
        return row.user.client.name if row.user.client is not None else "-"

    @admin.display(description="type", ordering="type__name")
    def shown_type(self, row: Any) -> str:
        return str(row.type)

    @admin.display(description="properties")
    def shown_properties(self, row: Any) -> str:
        """As JSON, or as much of it as a list has room for."""
        return Truncator(words.of_value(row.properties)).chars(SHOWN_PROPERTIES)


def _page_of(user: User) -> str:
    """A user, as a link."""
    return format_html('<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[user.pk]), user)


class ProfileForm(RecordForm):
    class Meta(RecordForm.Meta):
        model = UserProfile
        help_texts = {"type": "A user has at most one profile of each."}

    def records(self, type_name: str) -> Records:
        return Records(profiles=[ProfileSent(type=type_name, properties=self.cleaned_data.get("properties", {}))])

    def check_new(self, user: User) -> Mapping[str, Any]:
        if user.profiles.filter(type=self.cleaned_data["type"]).exists():
            raise Invalid([Fault("type", "taken")])
        return {}


@admin.register(UserProfile)
class ProfileAdmin(RecordAdmin):
    kind = RecordType.Kind.PROFILE
    form = ProfileForm
    list_display = [*RecordAdmin.list_display, "shown_properties", "created", "updated"]


class RelationshipForm(RecordForm):
    key_fields = ("user", "type", "related_user")

    class Meta(RecordForm.Meta):
        model = Relationship
        fields = ["user", "type", "related_user"]
        help_texts = {"related_user": "Of the same client. A user is related to another one once by each type."}

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        chosen = str(self["user"].value()) if "user" in self.fields else ""
        user = User.objects.filter(pk=int(chosen)).first() if is_id(chosen) else None
        if user is not None and user.client_id is not None:
            widget: Any = self.fields["related_user"].widget
            of_client.narrow(widget.widget, user.client_id)

    def records(self, type_name: str) -> Records:
        row = self.instance
        related = self.cleaned_data["related_user"] if row.pk is None else row.related_user
        sent = RelationshipSent(type=type_name, user_id=related.pk, properties=self.changed("properties"), id=row.pk)
        return Records(relationships=[sent])

    def check_new(self, user: User) -> Mapping[str, Any]:
        values = self.cleaned_data
        if user.relationships.filter(type=values["type"], related_user=values["related_user"]).exists():
            raise Invalid([Fault("related_user", "taken")])
        return {}


@admin.register(Relationship)
class RelationshipAdmin(RecordAdmin):
    kind = RecordType.Kind.RELATIONSHIP
    form = RelationshipForm
    list_display = [*RecordAdmin.list_display, "shown_related_user", "shown_properties", "updated"]
    list_filter = [TypeFilter, UserFilter, RelatedUserFilter, ClientFilter, CreatedFilter]
    search_help_text = "Any part of the name, e-mail or user name of either user; or a number."
    autocomplete_fields = ["user", "type", "related_user"]
    readonly_fields = [*RecordAdmin.readonly_fields, "shown_related_user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("type", "user__client", "related_user")

    def found_by(self, word: str) -> Q:
        return super().found_by(word) | Q(related_user__search_text__contains=fold(word))

    @admin.display(description="related user", ordering="related_user__email_canonical")
    def shown_related_user(self, row: Relationship) -> str:
        return _page_of(row.related_user)


_COLUMNS = ("name", "description", "currency", "enabled")


class TransactableForm(RecordForm):
    name = Text(required=False, max_length=TITLE_MAX_LENGTH, widget=widgets.AdminTextInputWidget)
    description = Lines(
        required=False, max_length=DESCRIPTION_MAX_LENGTH, widget=widgets.AdminTextareaWidget(attrs={"rows": 6})
    )
    currency = Text(
        max_length=3,
        initial=CURRENCY,
        widget=widgets.AdminTextInputWidget(attrs={"size": 3}),
        help_text="Of its prices: three capital letters (ISO 4217).",
    )
    enabled = forms.BooleanField(required=False, initial=True)

    class Meta(RecordForm.Meta):
        model = Transactable

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk is not None:
            self.initial.update({name: getattr(self.instance, name) for name in _COLUMNS})

    def records(self, type_name: str) -> Records:
        sent = TransactableSent(
            type=type_name,
            id=self.instance.pk,
            name=self.changed("name"),
            description=self.changed("description"),
            currency=self.changed("currency"),
            enabled=self.changed("enabled"),
            properties=self.changed("properties"),
        )
        return Records(transactables=[sent])


@admin.register(Transactable)
class TransactableAdmin(RecordAdmin):
    kind = RecordType.Kind.TRANSACTABLE
    form = TransactableForm
    facts = [*_COLUMNS, "properties"]
    list_display = ["shown_name", *RecordAdmin.list_display[1:], "currency", "enabled", "created", "updated"]
    list_filter = [TypeFilter, UserFilter, ClientFilter, EnabledFilter, CreatedFilter]
    search_help_text = "Any part of its name, or of its user's name, e-mail or user name; or a number."

    def found_by(self, word: str) -> Q:
        return super().found_by(word) | Q(name__icontains=word)

    @admin.display(description="name", ordering="name")
    def shown_name(self, row: Transactable) -> str:
        return row.name or f"number {row.pk}"
