"""Plain views that are only read, such as pages and probes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from usermgmt.http.contracts import contract_of
from usermgmt.http.problems import problem_of

READING = ("GET", "HEAD")

View = Callable[..., HttpResponse]


def read_only(view: View) -> View:
    """Answer every method but GET and HEAD with 405, in the words of the contract of that path."""

    @csrf_exempt  # nothing to forge, and no question of tokens before the 405
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
        if request.method in READING:
            return view(request, *args, **options)
        answer = contract_of(request).render(problem_of(MethodNotAllowed(str(request.method))))
        answer.headers["Allow"] = ", ".join(READING)
        return answer

    return guarded
