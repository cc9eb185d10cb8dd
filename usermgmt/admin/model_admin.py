"""Pages of a model whose every write is a service's, and whose history is the audit trail."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin import actions, helpers
from django.contrib.admin.utils import model_ngettext, quote, unquote
from django.core.exceptions import BadRequest, PermissionDenied
from django.core.paginator import Page, Paginator
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.text import capfirst

from usermgmt import audit
from usermgmt.admin import words
from usermgmt.admin.widgets import RowSelect
from usermgmt.errors import DirectoryError, NotFound
from usermgmt.http.ids import is_id
from usermgmt.text import has_control_characters
from usermgmt.windows import Key, window

ACTION_MAX_ROWS = 500  # one by one through the services, a few milliseconds each, while somebody waits
MAX_TOLD_ROWS = 20  # refused rows that are told one by one; the rest as a number
HISTORY_PAGE = 50  # audit records


class WindowPaginator(Paginator):  # type: ignore[type-arg]  # generic for the checker only
    """Pages of rows sorted by columns of their own (usermgmt.windows); rows without a value come last."""

    def page(self, number: int | str) -> Any:
        number = self.validate_number(number)
        names = [str(name) for name in self.object_list.query.order_by]  # type: ignore[attr-defined]
        keys = [
            Key("id" if name.lstrip("-") == "pk" else name.lstrip("-"), descending=name.startswith("-"))
            for name in names
        ]
        rows: Any = self.object_list
        shown = window(rows, keys, (number - 1) * self.per_page, self.per_page, self.count)
        return Page(shown, number, self)


class DirectoryAdmin(admin.ModelAdmin):  # type: ignore[type-arg]  # generic for the checker only
    """Lists: searched by folded columns, filtered by what `list_filter` names and by nothing else.

    search_column: of rows without a `matching` of their own, the one that is searched, without regard to case.
    """

    search_column: ClassVar[str | None] = None
    show_full_result_count = False  # would count the whole table once more
    show_facets = admin.ShowFacets.NEVER  # would count it for every choice of every filter
    list_per_page = 50

    def find(self, rows: Any, word: str) -> Any:
        """The rows that `word` of a search means: what the rows' own `matching` finds, and a row by its number."""
        column = self.search_column
        found = rows.matching(word) if column is None else rows.filter(**{f"{column}__icontains": word})
        return found | rows.filter(pk=int(word)) if is_id(word) else found

    def label(self, row: Any) -> str:
        """What a row is called where it is chosen among others."""
        return str(row)

    def narrowed(self, request: HttpRequest, rows: Any) -> Any:
        """The rows that autocompletion may offer, by what the widget put into its address."""
        return rows

    @admin.display(description="created (UTC)", ordering="created_at")
    def created(self, row: Any) -> str:
        """A column of rows that keep when they were made."""
        return words.of_moment(row.created_at)

    @admin.display(description="updated (UTC)", ordering="updated_at")
    def updated(self, row: Any) -> str:
        """A column of rows that keep when they were last written."""
        return words.of_moment(row.updated_at)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row of that number; to Django "1_0" is one, too."""
        return super().get_object(request, object_id, from_field) if is_id(object_id) else None

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> tuple[Any, bool]:
        queryset = self.narrowed(request, queryset)
        for word in search_term.split():
            # No column holds control characters, and PostgreSQL takes no NUL.
            queryset = queryset.none() if has_control_characters(word) else self.find(queryset, word)
        return queryset, False

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Only the filters shown. Django's own rule would let a query string guess a hash letter by letter."""
        return lookup in {chosen.parameter_name for chosen in self.list_filter}  # type: ignore[union-attr]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        title = capfirst(self.opts.verbose_name_plural)
        return super().changelist_view(request, {"title": title, **(extra_context or {})})


class ServiceAdmin(DirectoryAdmin):
    """kind: what the audit trail calls the model."""

    kind: ClassVar[str]
    actions = ["delete_selected"]

    def delete(self, request: HttpRequest, row: Any) -> None:
        """Delete `row`, through its service; none is, unless a page says how."""
        raise PermissionDenied

    def reason_to_spare(self, request: HttpRequest, row: Any) -> str | None:
        """Why an action that takes something away skips `row`, if it does."""
        return None

    # Writes: the form has called the service when it is valid. Services open and end their own
    # transactions, and hash outside of them; so these pages open none around them.

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        found = isinstance(db_field, models.ForeignKey) and db_field.name in self.autocomplete_fields
        if found:
            options["widget"] = RowSelect(db_field, self.admin_site)
        field: Any = super().formfield_for_dbfield(db_field, request, **options)
        if found:
            # To look at or to make one on the way is handy; to change or delete one belongs to its own page.
            field.widget.can_change_related = field.widget.can_delete_related = False
        return field

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:
        form = super().get_form(request, obj, change=change, **options)
        form.actor = request.user  # type: ignore[attr-defined]  # made for this request alone
        return form

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        if "_saveasnew" in request.POST:
            raise BadRequest  # no page of ours offers it, but Django's would do it
        return self._changeform_view(request, object_id, form_url, extra_context)  # type: ignore[attr-defined]

    def save_form(self, request: Any, form: Any, change: bool) -> Any:
        return form.instance

    def save_model(self, request: Any, obj: Any, form: Any, change: bool) -> None:
        """Nothing: see above."""

    def save_related(self, request: Any, form: Any, formsets: Any, change: bool) -> None:
        """Nothing: see above."""

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        try:
            return self._delete_view(request, object_id, extra_context)  # type: ignore[attr-defined]
        except DirectoryError as error:
            self.message_user(request, f"Not deleted: {words.of_refusal(error)}.", messages.ERROR)
            page = "changelist" if isinstance(error, NotFound) else "change"
            return HttpResponseRedirect(self.address(page, *([] if page == "changelist" else [object_id])))

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        self.delete(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Only what was chosen. Django would load whatever hangs on it: a million users of one client."""
        shown = [self.link(row) for row in objs]
        return shown, {self.opts.verbose_name_plural: len(shown)}, set(), []

    # Actions, row by row

    def each(
        self,
        request: HttpRequest,
        rows: models.QuerySet[Any],
        do: Callable[[Any], str | None],
        *,
        done: str,
    ) -> None:
        """Do something to every row and tell what came of it.

        do: gives the reason if it skipped the row; may raise a domain error. done: e.g. "deleted".
        """
        chosen = self.chosen(request, rows)
        skipped = []
        for row in chosen:
            try:
                reason = do(row)
            except DirectoryError as error:
                reason = words.of_refusal(error)
            if reason is not None:
                skipped.append(f"{row}: {reason}.")
        count = len(chosen) - len(skipped)
        self.tell(request, f"{count} {model_ngettext(self.opts, count)} {done}." if count else "", skipped)

    def tell(self, request: HttpRequest, done: str, skipped: Sequence[str]) -> None:
        """Tell what came of many: of what was done as a whole, blank for nothing; of what was skipped one by one."""
        if done:
            self.message_user(request, done, messages.SUCCESS)
        for told in skipped[:MAX_TOLD_ROWS]:
            self.message_user(request, f"Skipped {told}", messages.WARNING)
        if len(skipped) > MAX_TOLD_ROWS:
            self.message_user(request, f"Skipped {len(skipped) - MAX_TOLD_ROWS} more.", messages.WARNING)

    def chosen(self, request: HttpRequest, rows: models.QuerySet[Any]) -> list[Any]:
        """The rows of an action; none if they are too many, which is told."""
        found = list(rows[: ACTION_MAX_ROWS + 1])
        if len(found) <= ACTION_MAX_ROWS:
            return found
        self.message_user(
            request, f"At most {ACTION_MAX_ROWS} at once, please: nothing was done. Filters narrow it.", messages.ERROR
        )
        return []

    @admin.action(description="Delete")
    def delete_selected(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> HttpResponse | None:
        """Ask, on a page of its own; then delete row by row."""

        def delete(row: Any) -> str | None:
            reason = self.reason_to_spare(request, row)
            if reason is None:
                self.delete(request, row)
            return reason

        if request.POST.get("post"):
            self.each(request, queryset, delete, done="deleted")
            return None
        return actions.delete_selected(self, request, queryset) if self.chosen(request, queryset) else None

    def response_action(self, request: HttpRequest, queryset: Any) -> Any:
        # What is no number can't have been chosen on the page; Django would fail on it.
        sent = request.POST.copy()
        name = helpers.ACTION_CHECKBOX_NAME
        sent.setlist(name, [pk for pk in sent.getlist(name) if is_id(pk)])
        request.POST = sent  # type: ignore[assignment]
        return super().response_action(request, queryset)

    # History: the audit trail's; Django's own log is not kept

    def log_addition(self, request: Any, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The service has told the audit trail."""

    def log_change(self, request: Any, obj: Any, message: Any) -> None:  # type: ignore[override]
        """The service has told the audit trail."""

    def log_deletions(self, request: Any, queryset: Any) -> None:  # type: ignore[override]
        """The service tells the audit trail."""

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> Any:
        obj = self.get_object(request, unquote(object_id))
        if obj is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        if not self.has_view_permission(request, obj):
            raise PermissionDenied
        before = request.GET.get("before", "")
        records = audit.history(
            target=(self.kind, obj.pk), before=int(before) if is_id(before) else None, limit=HISTORY_PAGE + 1
        )
        shown = records[:HISTORY_PAGE]
        context = {
            **self.admin_site.each_context(request),
            "title": f"History of {obj}",
            "module_name": capfirst(self.opts.verbose_name_plural),
            "object": obj,
            "opts": self.opts,
            "records": [(record, words.of_changes(record.changes)) for record in shown],
            "older": shown[-1].id if len(records) > HISTORY_PAGE else None,
            "newest": not is_id(before),
        }
        return TemplateResponse(request, "admin/object_history.html", context)

    def address(self, page: str, *args: Any) -> str:
        """The path of one of this model's pages."""
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}", args=[quote(arg) for arg in args])

    def link(self, row: Any) -> str:
        """The row's name as a link to its page."""
        return format_html('<a href="{}">{}</a>', self.address("change", row.pk), row)


def actor_of(request: HttpRequest) -> Any:
    """The member of staff at work; strangers do not come as far as these pages."""
    return request.user


def badge(kind: str, text: str) -> str:
    """A short word in colour; `kind` names the CSS class."""
    return format_html('<span class="badge badge-{}">{}</span>', kind, text)


def parameters(request: HttpRequest, *, without: Iterable[str]) -> list[tuple[str, str]]:
    """The query of the page at hand, less some names, for a form that keeps it."""
    return [(name, value) for name, values in request.GET.lists() if name not in without for value in values]
