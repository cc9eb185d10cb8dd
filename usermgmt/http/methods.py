"""The methods of plain views: pages, forms, probes."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import MethodNotAllowed

from usermgmt.http.contracts import contract_of
from usermgmt.http.problems import problem_of

READING = ("GET", "HEAD")
FORM = ("GET", "HEAD", "POST")

View = Callable[..., HttpResponse]


def takes(*methods: str) -> Callable[[View], View]:
    """Answer every method but these with 405, in the words of the contract of that path."""

    def decorate(view: View) -> View:
        @csrf_exempt  # no cookie entitles to anything here, and no question of tokens before the 405
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponse:
            if request.method in methods:
                return view(request, *args, **options)
            answer = contract_of(request).answer(problem_of(MethodNotAllowed(str(request.method))))
            answer.headers["Allow"] = ", ".join(methods)
            return answer

        return guarded

    return decorate


read_only = takes(*READING)
"""For what is only read."""
