"""djoser's own URLs, with JWTs, as its documentation begins."""

from django.http import HttpRequest, HttpResponse
from django.urls import include, path


def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("livez", livez),
    path("auth/", include("djoser.urls")),
    path("auth/", include("djoser.urls.jwt")),
]
