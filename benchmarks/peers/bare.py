"""The floor of what Django gives: views of one ORM query each (two of a list), no DRF, nobody asked who they are."""

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from benchmarks.load import FIRST_ID
from benchmarks.peers.models import User

PER_PAGE = 25


def shown(user: User) -> dict[str, Any]:
    return {"id": user.pk, "name": user.name, "email": user.email}


def current(request: HttpRequest) -> HttpResponse:
    return JsonResponse(shown(User.objects.get(pk=FIRST_ID)))


def one(request: HttpRequest, user_id: int) -> HttpResponse:
    return JsonResponse(shown(get_object_or_404(User, pk=user_id)))


def listed(request: HttpRequest) -> HttpResponse:
    first = (int(request.GET.get("page", "1")) - 1) * PER_PAGE
    users = User.objects.all()[first : first + PER_PAGE]
    return JsonResponse({"count": User.objects.count(), "results": [shown(user) for user in users]})


def livez(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("livez", livez),
    path("users/current", current),
    path("users/<int:user_id>", one),
    path("users", listed),
]
