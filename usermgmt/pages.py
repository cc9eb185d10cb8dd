"""The pages for people: the landing page, the OpenAPI documents and their reader."""

from functools import lru_cache
from threading import Lock

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import cache_control
from drf_spectacular.renderers import OpenApiJsonRenderer

from usermgmt.http.contracts import Contract, contract_of, documented_contracts
from usermgmt.http.methods import read_only
from usermgmt.http.schema import ContractGenerator


@read_only
@cache_control(public=True, max_age=300)
def landing(request: HttpRequest) -> HttpResponse:
    """What this is, and the ways in."""
    return render(request, "landing.html", {"site_name": settings.SITE_NAME})


landing.for_people = True  # type: ignore[attr-defined]  # for `usermgmt.http.problems`

_one_at_a_time = Lock()


def document(contract: Contract) -> bytes:
    """The OpenAPI document of a contract, made once a process: that takes longer than a hundred requests.

    By one thread at a time: what makes it keeps notes of its own, which two at once would spoil.
    """
    with _one_at_a_time:
        return _made(contract)


@lru_cache
def _made(contract: Contract) -> bytes:
    schema = ContractGenerator(contract).get_schema(public=True)
    rendered: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return rendered


@read_only
@cache_control(public=True, max_age=300)
def openapi(request: HttpRequest, name: str | None = None) -> HttpResponse:
    """The OpenAPI document of a contract: of the one that is named, else of the one that answers for this path."""
    contract = _documented(contract_of(request).name if name is None else name)
    return HttpResponse(document(contract), content_type="application/json")


@read_only
@cache_control(public=True, max_age=300)
def docs(request: HttpRequest) -> HttpResponse:
    """The reader of those documents: Swagger UI from this host, no inline script or style (CSP).

    `?contract=` says whose document; without it, that of the contract that answers for this path.
    """
    own = contract_of(request).name
    shown = _documented(request.GET.get("contract", own))
    told = [
        {
            "title": contract.document.title if contract.document else name,
            "page": reverse("docs") + ("" if name == own else f"?contract={name}"),
            "document": reverse("openapi") if name == own else reverse("openapi-of", args=[name]),
            "is_shown": contract is shown,
        }
        for name, contract in documented_contracts().items()
    ]
    (chosen,) = (each for each in told if each["is_shown"])
    return render(request, "docs.html", {"site_name": settings.SITE_NAME, "documents": told, "shown": chosen})


docs.for_people = True  # type: ignore[attr-defined]  # for `usermgmt.http.problems`


def _documented(name: str) -> Contract:
    try:
        return documented_contracts()[name]
    except KeyError as error:
        raise Http404 from error
