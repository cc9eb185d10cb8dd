"""The admin site: the product's name, staff's way in, the newest audit records on its first page."""

from functools import wraps
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import admin
from django.contrib.admin.exceptions import NotRegistered
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.admin.views.autocomplete import AutocompleteJsonView
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from usermgmt import audit
from usermgmt.admin import words
from usermgmt.admin.forms import Throttled, throttled
from usermgmt.errors import TooManyRequests

LATEST = 10  # audit records on the first page


class SignInForm(Throttled, AdminAuthenticationForm):
    """By e-mail and password, for administrators."""

    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "No administrator signs in with this e-mail and password.",
    }

    def clean(self) -> dict[str, Any]:
        try:
            return super().clean()
        except TooManyRequests as refusal:
            self.refusal = refusal
            raise ValidationError(words.of_wait(refusal)) from refusal

    def confirm_login_allowed(self, user: Any) -> None:
        try:
            super().confirm_login_allowed(user)
        except ValidationError:
            # The credentials were right: the one refusal that the service behind the backend can't tell of.
            audit.record(actor=user, action="sign_in.refused", target=("user", user.pk))
            raise


class Offered(AutocompleteJsonView):
    """What autocompletion finds, by the names that the pages of the model give."""

    def serialize_result(self, obj: Any, to_field_name: str) -> dict[str, str]:
        model_admin: Any = self.model_admin
        return {"id": str(getattr(obj, to_field_name)), "text": model_admin.label(obj)}


class DirectorySite(admin.AdminSite):
    """Django's site; the project's own stands in `usermgmt.apps`."""

    login_form = SignInForm
    enable_nav_sidebar = False  # so few lists need no second menu

    @property
    def site_title(self) -> str:  # type: ignore[override]
        return str(settings.SITE_NAME)

    @property
    def site_header(self) -> str:  # type: ignore[override]
        return str(settings.SITE_NAME)

    @property
    def index_title(self) -> str:  # type: ignore[override]
        return f"{settings.SITE_NAME} administration"

    def get_model_admin(self, model: Any) -> Any:
        """The pages of a model, or of its proxy: Django's groups are roles here."""
        for known, pages in self._registry.items():
            if model in (known, known._meta.concrete_model):
                return pages
        raise NotRegistered(f"The model {model.__name__} is not registered.")

    def autocomplete_view(self, request: HttpRequest) -> Any:
        return Offered.as_view(admin_site=self)(request)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        return throttled(super().login(request, extra_context))

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        latest = [(record, words.of_changes(record.changes)) for record in audit.history(limit=LATEST)]
        return super().index(request, {"latest": latest, **(extra_context or {})})

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """Whoever must change the password is led there from every page, and to none but the way out."""

        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **options: Any) -> Any:
            if getattr(request.user, "must_change_password", False):
                own = self.own_password_page(request)
                if request.path not in (own, reverse("admin:logout")):
                    wanted = {"next": request.get_full_path()} if request.method == "GET" else {}
                    return HttpResponseRedirect(f"{own}?{urlencode(wanted)}" if wanted else own)
            return view(request, *args, **options)

        return super().admin_view(guarded, cacheable)

    def own_password_page(self, request: HttpRequest) -> str:
        """The path of the page where the member of staff at work sets the own password."""
        member: Any = request.user
        page = f"admin:{member._meta.app_label}_{member._meta.model_name}_password"
        return reverse(page, args=[member.pk])

    def password_change(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """One's own password has the same page as everybody's."""
        return HttpResponseRedirect(self.own_password_page(request))
