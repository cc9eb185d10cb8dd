"""The pages for people: the landing page, the OpenAPI document and its reader."""

from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import cache_control
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer
from drf_spectacular.views import SpectacularSwaggerSplitView


@require_safe
@cache_control(public=True, max_age=300)
def landing(request: HttpRequest) -> HttpResponse:
    """What this is, and the ways in."""
    return render(request, "landing.html", {"site_name": settings.SITE_NAME})


@lru_cache(maxsize=1)
def document() -> bytes:
    """The OpenAPI document, made once a process: making it takes longer than a hundred requests."""
    schema = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    rendered: bytes = OpenApiJsonRenderer().render(schema, renderer_context={})
    return rendered


@require_safe
@cache_control(public=True, max_age=300)
def openapi(request: HttpRequest) -> HttpResponse:
    """The OpenAPI document of the native contract."""
    return HttpResponse(document(), content_type="application/json")


docs = SpectacularSwaggerSplitView.as_view(url_name="openapi")
