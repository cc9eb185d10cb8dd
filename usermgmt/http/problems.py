"""Any exception (domain, Django, DRF, database away) to a `Problem`: the one function that decides.

A contract renders a problem; nothing else builds an error body. So N contracts and M faults cost N + M.
"""

import logging
import math
import sys
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.core import exceptions as django
from django.core.signals import got_request_exception
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.template.loader import render_to_string
from rest_framework import exceptions as drf
from rest_framework.views import set_rollback

from usermgmt import audit, errors
from usermgmt.http.contracts import Problem, Refused, contract_of, is_admin, tell
from usermgmt.http.files import WHAT_TO_DO, NotCollected
from usermgmt.http.parsers import BodyTooLarge

logger = logging.getLogger("usermgmt.problems")

RETRY_AFTER_OUTAGE = 1  # seconds; databases that fail over are back within a few
SAFE_METHODS = ("GET", "HEAD", "OPTIONS", "TRACE")


def etag(version: int) -> str:
    """The entity tag of a version of an object (RFC 9110 8.8.3)."""
    return f'"{version}"'


_UNEXPECTED = Problem(500, "server_error", "An unexpected error occurred.")


def problem_of(error: BaseException) -> Problem:
    """The problem that `error` is; what nobody foresaw is a 500."""
    match error:
        case errors.DirectoryError():
            return _of_domain(error)
        case Refused():
            return error.problem
        case drf.APIException():
            return _of_framework(error)
        case Http404():
            return Problem(404, "not_found")
        case django.PermissionDenied():
            return Problem(403, "forbidden")
        case django.RequestDataTooBig():
            return Problem(413, "too_large", BodyTooLarge.default_detail)
        case django.BadRequest() | django.SuspiciousOperation() | MultiPartParserError() | UnreadablePostError():
            return Problem(400, "bad_request", "The request is malformed.")
        case NotCollected():
            return Problem(503, "not_collected", WHAT_TO_DO)
        case OperationalError() | InterfaceError():
            return Problem(
                503,
                "unavailable",
                "The service is temporarily unavailable.",
                headers={"Retry-After": str(RETRY_AFTER_OUTAGE)},
            )
        case _:
            return _UNEXPECTED


def _of_domain(error: errors.DirectoryError) -> Problem:
    match error:
        case errors.Invalid():
            return Problem(422, error.code, faults=error.faults)
        case errors.NotFound():
            return Problem(404, error.code, data={"kind": error.kind})
        case errors.Forbidden():
            return Problem(403, error.code)
        case errors.TooManyRequests():
            return Problem(
                429,
                error.code,
                data={"wait": error.wait},
                headers={"Retry-After": str(error.wait)},
                quota=error.quota,
            )
        case errors.InvalidCredentials():
            return Problem(401, error.code, data={"inactive": error.inactive}, quota=error.quota)
        case errors.InvalidToken():
            return Problem(401, error.code)
        case errors.Stale():
            return Problem(412, error.code, headers={"ETag": etag(error.version)})
        case _:
            return _UNEXPECTED


_FRAMEWORK_CODES = {
    400: "bad_request",
    401: "unauthenticated",
    403: "forbidden",
    404: "not_found",
    413: "too_large",
    500: "server_error",
}


def _of_framework(error: drf.APIException) -> Problem:
    match error:
        case drf.NotAuthenticated() | drf.AuthenticationFailed():
            # Always 401: DRF makes it 403 where the first authenticator has no WWW-Authenticate.
            return Problem(401, "unauthenticated")
        case drf.Throttled():
            return _of_domain(errors.TooManyRequests(max(1, math.ceil(getattr(error, "wait", None) or 1))))
        case drf.ValidationError():
            # DRF's words are no contract's; the fields are.
            fields = error.detail if isinstance(error.detail, dict) else (errors.BASE,)
            return Problem(422, "invalid", faults=tuple(errors.Fault(str(field), "invalid") for field in fields))
        case drf.MethodNotAllowed() | drf.NotAcceptable() | drf.UnsupportedMediaType():
            return Problem(error.status_code, str(error.default_code), str(error.detail))
        case _:
            code = _FRAMEWORK_CODES.get(error.status_code, str(error.default_code))
            return Problem(error.status_code, code, str(error.detail))


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """DRF's hook: answer `error` in the words of the contract that was called."""
    set_rollback()
    request = context["request"]
    problem = problem_of(error)
    _log(problem, error)
    if problem.status == 500:
        # As Django does for what no view catches: error reporters and the test client listen.
        got_request_exception.send(sender=None, request=request._request)
    if problem.status == 403 and request.method not in SAFE_METHODS:
        _record_refusal(context)
    return contract_of(request).answer(problem)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler400: what fails before a view, such as an unknown host."""
    return _answer(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler403."""
    return _answer(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Django's handler404: what no page of the admin site answers."""
    return _answer(request, exception)


def forged(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW: a form that was not ours, or was open for too long."""
    return _answer(request, django.PermissionDenied(reason))


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500: what escapes middleware or a page."""
    return _answer(request, sys.exc_info()[1] or RuntimeError("handler500 without an exception"))


def _answer(request: HttpRequest, error: BaseException) -> HttpResponse:
    problem = problem_of(error)
    _log(problem, error)
    if is_admin(request) or _is_for_people(request):
        told = {"problem": problem, "site_name": settings.SITE_NAME, "staff": is_admin(request)}
        page = render_to_string("problem.html", told)
        headers = {"Referrer-Policy": "no-referrer"}  # the address may have a token in it
        answer = HttpResponse(page, status=problem.status, headers=headers | dict(problem.headers))
        tell(answer, problem.quota)
        return answer
    return contract_of(request).answer(problem)


def _is_for_people(request: HttpRequest) -> bool:
    """Whether the path is that of a page with a form, which tells of its troubles as pages do."""
    return request.resolver_match is not None and getattr(request.resolver_match.func, "for_people", False)


def _record_refusal(context: Mapping[str, Any]) -> None:
    """A forbidden change is worth knowing of; the service's transaction is over by now."""
    view = context["view"]
    audit.record(
        actor=context["request"].user,
        action="change.refused",
        target=(getattr(view, "kind", "call"), getattr(view, "target_id", None)),
    )


def _log(problem: Problem, error: BaseException) -> None:
    """Tell what is ours to mend, and what an operator must see to."""
    if isinstance(error, Refused):
        return  # foreseen by the contract that answers so
    if isinstance(error, NotCollected):
        logger.error("%s", problem.detail)
    elif problem.status == 503:
        logger.error("database unavailable: %s", error.__class__.__name__)
    elif problem.status >= 500:
        logger.error("unexpected error", exc_info=error)
