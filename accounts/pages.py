"""The pages that links in mails lead to, for people: a GET shows a form and consumes nothing, a POST consumes.

Scanners of mail follow links, so only the form's button does anything. The token in the form is the credential,
as it is in the API: there is no session to ride and so no CSRF token to ask for.
"""

from collections.abc import Callable, Collection
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.debug import sensitive_post_parameters

from accounts.models import OneTimeToken, Purpose
from accounts.services import life_cycle, one_time_tokens
from usermgmt.errors import Fault, Invalid, sentence
from usermgmt.http.methods import FORM, takes

DONE = "done"
"""The parameter of the address that a finished form leads to: reloading it does nothing again."""

Page = Callable[[HttpRequest], HttpResponse]


def _linked(page: Page) -> Page:
    """Tell nobody of the address, which has the token in it; and keep no copy."""

    @wraps(page)
    def told(request: HttpRequest) -> HttpResponse:
        response = page(request)
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response

    told.for_people = True  # type: ignore[attr-defined]  # for `usermgmt.http.problems`
    return told


@sensitive_post_parameters()
@takes(*FORM)
@_linked
def reset_password(request: HttpRequest) -> HttpResponse:
    """For whoever asked for a new password."""
    return _choose(request, Purpose.PASSWORD_RESET)


@sensitive_post_parameters()
@takes(*FORM)
@_linked
def accept_invitation(request: HttpRequest) -> HttpResponse:
    """For whoever was invited to choose the first one."""
    return _choose(request, Purpose.INVITATION)


@sensitive_post_parameters()
@takes(*FORM)
@_linked
def verify_email(request: HttpRequest) -> HttpResponse:
    """For whoever is to prove an address."""
    purpose = Purpose.EMAIL_VERIFICATION
    if request.method != "POST":
        return _opened(request, purpose)
    try:
        life_cycle.verify_email(token=_token(request))
    except Invalid:
        return _dead(request, purpose)
    return _done(request)


def _choose(request: HttpRequest, purpose: Purpose) -> HttpResponse:
    """The form of a new password."""
    if request.method != "POST":
        return _opened(request, purpose)
    try:
        life_cycle.choose_password(
            token=_token(request),
            password=request.POST.get("password", ""),
            password_confirmation=request.POST.get("password_confirmation", ""),
            purposes=[purpose],
        )
    except Invalid as refusal:
        found = _found(_token(request), [purpose])
        return _dead(request, purpose) if found is None else _form(request, found, refusal.faults)
    return _done(request)


def _opened(request: HttpRequest, purpose: Purpose) -> HttpResponse:
    """What a GET shows: the form, that all is done, or that the link is dead."""
    if DONE in request.GET:
        return _page(request, "done", purpose)
    found = _found(_token(request), [purpose])
    return _dead(request, purpose) if found is None else _form(request, found)


def _found(token: str, purposes: Collection[Purpose]) -> OneTimeToken | None:
    return one_time_tokens.find(token=token, purposes=purposes)


def _token(request: HttpRequest) -> str:
    return (request.POST if request.method == "POST" else request.GET).get("token", "")


def _form(request: HttpRequest, found: OneTimeToken, faults: Collection[Fault] = ()) -> HttpResponse:
    told = {
        field: [f"{sentence(fault)}." for fault in faults if fault.field == field]
        for field in ("password", "password_confirmation")
    }
    return _page(
        request,
        "form",
        Purpose(found.purpose),
        status=422 if faults else 200,
        token=_token(request),
        address=found.user.email,
        minimum=settings.PASSWORD_MIN_LENGTH,
        faults=told,
    )


def _dead(request: HttpRequest, purpose: Purpose) -> HttpResponse:
    return _page(request, "dead", purpose, status=410)


def _done(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(f"{request.path}?{DONE}")
    response.status_code = 303  # RFC 9110 15.4.4: to be read with GET
    return response


def _page(request: HttpRequest, state: str, purpose: Purpose, status: int = 200, **told: object) -> HttpResponse:
    context = {"site_name": settings.SITE_NAME, "app": settings.PUBLIC_APP_URL, "state": state, **told}
    return render(request, f"links/{purpose}.html", context, status=status)
