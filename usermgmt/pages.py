"""The pages for people: the landing page, the OpenAPI documents and their reader."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from drf_spectacular.renderers import OpenApiJsonRenderer

from usermgmt.http.contracts import Contract, contract_of
from usermgmt.http.methods import read_only
from usermgmt.http.schema import ContractGenerator


@read_only
@cache_control(public=True, max_age=300)
def landing(request: HttpRequest) -> HttpResponse:
    """What this is, and the ways in."""
    return render(request, "landing.html", {"site_name": settings.SITE_NAME})


@lru_cache
def document(contract: Contract) -> bytes:
    """The OpenAPI document of a contract, made once a process: that takes longer than a hundred requests."""
    schema = ContractGenerator(contract).get_schema(public=True)
    rendered: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return rendered


@read_only
@cache_control(public=True, max_age=300)
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document of the contract below whose prefix this is mounted."""
    return HttpResponse(document(contract_of(request)), content_type="application/json")


@read_only
@cache_control(public=True, max_age=300)
def docs(request: HttpRequest) -> HttpResponse:
    """The reader of that document: Swagger UI from this host, no inline script or style (CSP)."""
    return render(request, "docs.html", {"site_name": settings.SITE_NAME})
