"""Each exception and the Problem that it is: the one table of faults (DESIGN 1, "Errors")."""

import logging

import pytest
from django.core import exceptions as django
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404
from django.http.multipartparser import MultiPartParserError
from django.test import RequestFactory
from rest_framework import exceptions as drf

from usermgmt import errors
from usermgmt.http import problems
from usermgmt.http.contracts import Problem, Refused
from usermgmt.http.parsers import BadBody, BodyTooLarge
from usermgmt.http.problems import etag, problem_of

TAKEN = errors.Fault("email", "taken")
MALFORMED = "The request is malformed."
UNEXPECTED = Problem(500, "server_error", "An unexpected error occurred.")
AWAY = Problem(503, "unavailable", "The service is temporarily unavailable.", headers={"Retry-After": "1"})


def waiting(seconds):
    """The refusal of which no more is known than when to come again."""
    quota = errors.Quota(limit=1, remaining=0, reset=seconds)
    return Problem(429, "throttled", data={"wait": seconds}, headers={"Retry-After": str(seconds)}, quota=quota)


class Teapot(drf.APIException):
    status_code = 418
    default_detail = "No coffee."
    default_code = "teapot"


class UnknownDomainError(errors.DirectoryError):
    """One that nobody gave a status."""


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        # The domain's
        (errors.Invalid([TAKEN]), Problem(422, "invalid", faults=(TAKEN,))),
        (errors.NotFound("client"), Problem(404, "not_found", data={"kind": "client"})),
        (errors.Forbidden(), Problem(403, "forbidden")),
        (errors.InvalidCredentials(), Problem(401, "invalid_credentials", data={"inactive": False})),
        (errors.InvalidToken(), Problem(401, "invalid_token")),
        (errors.Stale(7), Problem(412, "stale", headers={"ETag": '"7"'})),
        (UnknownDomainError(), UNEXPECTED),
        # A contract's own
        (Refused(Problem(409, "clash", data={"with": 1})), Problem(409, "clash", data={"with": 1})),
        # DRF's
        (BadBody("The JSON has a duplicate key."), Problem(400, "bad_request", "The JSON has a duplicate key.")),
        (drf.ParseError(), Problem(400, "bad_request", "Malformed request.")),
        (BodyTooLarge(), Problem(413, "too_large", "The request body is too large.")),
        (drf.NotAuthenticated(), Problem(401, "unauthenticated")),
        (drf.AuthenticationFailed("secret reason"), Problem(401, "unauthenticated")),
        (drf.PermissionDenied(), Problem(403, "forbidden", "You do not have permission to perform this action.")),
        (drf.NotFound(), Problem(404, "not_found", "Not found.")),
        (drf.MethodNotAllowed("PUT"), Problem(405, "method_not_allowed", 'Method "PUT" not allowed.')),
        (drf.NotAcceptable(), Problem(406, "not_acceptable", "Could not satisfy the request Accept header.")),
        (
            drf.UnsupportedMediaType("text/plain"),
            Problem(415, "unsupported_media_type", 'Unsupported media type "text/plain" in request.'),
        ),
        (
            drf.ValidationError({"email": ["odd"], "name": ["odd", "odder"]}),
            Problem(422, "invalid", faults=(errors.Fault("email", "invalid"), errors.Fault("name", "invalid"))),
        ),
        (drf.ValidationError("odd"), Problem(422, "invalid", faults=(errors.Fault(errors.BASE, "invalid"),))),
        (drf.Throttled(wait=1.2), waiting(2)),
        (drf.Throttled(wait=0), waiting(1)),
        (drf.Throttled(), waiting(1)),
        (drf.APIException("Broken."), Problem(500, "server_error", "Broken.")),
        (Teapot(), Problem(418, "teapot", "No coffee.")),
        # Django's
        (Http404("No User matches the given query."), Problem(404, "not_found")),
        (django.PermissionDenied("why"), Problem(403, "forbidden")),
        (django.RequestDataTooBig(), Problem(413, "too_large", "The request body is too large.")),
        (django.DisallowedHost("evil"), Problem(400, "bad_request", MALFORMED)),
        (django.TooManyFieldsSent(), Problem(400, "bad_request", MALFORMED)),
        (django.BadRequest("why"), Problem(400, "bad_request", MALFORMED)),
        (MultiPartParserError("why"), Problem(400, "bad_request", MALFORMED)),
        # The database's
        (OperationalError("password=hunter2"), AWAY),
        (InterfaceError("connection already closed"), AWAY),
        (IntegrityError("UNIQUE constraint failed"), UNEXPECTED),
        (DataError("invalid byte sequence"), UNEXPECTED),
        (DatabaseError("?"), UNEXPECTED),
        # And the rest
        (KeyError("secret"), UNEXPECTED),
        (RecursionError(), UNEXPECTED),
        (KeyboardInterrupt(), UNEXPECTED),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, BaseException) else "",
)
def test_each_exception_is_one_problem(error, problem):
    assert problem_of(error) == problem


def test_an_entity_tag_is_a_quoted_version():
    assert etag(12) == '"12"'


def test_an_outage_is_logged_without_what_the_database_said(caplog, rf):
    problems._log(AWAY, OperationalError("connection to postgres://user:hunter2@db failed"))
    (record,) = caplog.records
    assert record.getMessage() == "database unavailable: OperationalError"
    assert (record.levelno, record.exc_info) == (logging.ERROR, None)


def test_an_unexpected_error_is_logged_with_its_trace(caplog):
    error = KeyError("x")
    problems._log(UNEXPECTED, error)
    (record,) = caplog.records
    assert record.exc_info[1] is error


def test_what_callers_do_wrong_is_not_logged_as_an_error(caplog):
    problems._log(Problem(422, "invalid"), errors.Invalid([TAKEN]))
    busy = Problem(503, "unavailable")
    problems._log(busy, Refused(busy))
    assert caplog.records == []


@pytest.mark.parametrize(
    ("path", "media_type", "text"),
    [
        ("/users", "application/json", '{"error":"An unexpected error occurred."}'),
        ("/admin/", "text/html; charset=utf-8", "<h1>Something went wrong</h1>"),
    ],
)
def test_what_escapes_middleware_is_json_for_programs_and_html_for_staff(path, media_type, text):
    try:
        raise KeyError("secret")
    except KeyError:
        answer = problems.server_error(RequestFactory().get(path))
    assert (answer.status_code, answer["Content-Type"]) == (500, media_type)
    assert text in answer.content.decode()
    assert "secret" not in answer.content.decode()


def test_a_handler_without_an_exception_still_answers():
    answer = problems.server_error(RequestFactory().get("/users"))
    assert (answer.status_code, answer.content) == (500, b'{"error":"An unexpected error occurred."}')
