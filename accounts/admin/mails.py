"""The queue of mails, to be read only; what was given up can be sent again."""

from typing import Any, NoReturn, cast

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from accounts.models import Mail
from accounts.models.mail import MailQuerySet
from accounts.services import delivery
from usermgmt.admin import words
from usermgmt.admin.model_admin import ServiceAdmin, actor_of, badge
from usermgmt.http.ids import is_id

_BADGES = {Mail.State.SENT: "active", Mail.State.FAILED: "inactive"}


class _ChoiceFilter(SimpleListFilter):
    """The values of a column that has few."""

    parameter_name: str  # the column's name, too
    offered: list[tuple[str, str]]

    def lookups(self, request: Any, model_admin: Any) -> list[tuple[str, str]]:
        return self.offered

    def queryset(self, request: Any, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        known = chosen in {value for value, _ in self.offered}
        return queryset.filter(**{self.parameter_name: chosen}) if known else queryset


class MailStateFilter(_ChoiceFilter):
    title = parameter_name = "state"
    offered = list(Mail.State.choices)


class KindFilter(_ChoiceFilter):
    title = parameter_name = "kind"
    offered = list(Mail.Kind.choices)


@admin.register(Mail)
class MailAdmin(ServiceAdmin):
    kind = "mail"
    list_display = ["queued", "kind", "shown_user", "shown_state", "attempts", "error", "sent"]
    list_display_links = ["queued"]
    list_filter = [MailStateFilter, KindFilter]
    list_select_related = ["user"]
    search_fields = ["user_id"]
    search_help_text = "The number of a user."
    ordering = ["-id"]
    sortable_by = ()
    actions = ["send_again"]
    fields = ["id", "kind", "shown_user", "address", "shown_state", "attempts", "error", "queued", "due", "sent"]

    def get_queryset(self, request: HttpRequest) -> MailQuerySet:
        # What is nobody's would tell which addresses somebody tried.
        return cast(MailQuerySet, super().get_queryset(request).exclude(user=None))

    def find(self, rows: MailQuerySet, word: str) -> MailQuerySet:
        return rows.filter(user_id=int(word)) if is_id(word) else rows.none()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Mail | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Mail | None = None) -> bool:
        return False

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> NoReturn:
        raise Http404  # the audit trail tells it of the user

    @admin.action(description="Send again what was given up")
    def send_again(self, request: HttpRequest, queryset: MailQuerySet) -> None:
        self.each(
            request, queryset, lambda mail: delivery.send_again(actor=actor_of(request), mail=mail), done="queued"
        )

    # Columns

    @admin.display(description="queued (UTC)")
    def queued(self, mail: Mail) -> str:
        return words.of_moment(mail.created_at)

    @admin.display(description="next attempt (UTC)")
    def due(self, mail: Mail) -> str:
        return words.of_moment(mail.due_at if mail.state == Mail.State.QUEUED else None)

    @admin.display(description="sent (UTC)")
    def sent(self, mail: Mail) -> str:
        return words.of_moment(mail.sent_at)

    @admin.display(description="user")
    def shown_user(self, mail: Mail) -> str:
        return format_html('<a href="{}">{}</a>', reverse("admin:accounts_user_change", args=[mail.user_id]), mail.user)

    @admin.display(description="state")
    def shown_state(self, mail: Mail) -> str:
        return badge(_BADGES.get(Mail.State(mail.state), "user"), mail.get_state_display())
