"""The table of the native contract's calls on users and tokens."""

from django.urls import path

from accounts.api.auth import KeyViewSet, TokenViewSet
from accounts.api.views import UserViewSet

urlpatterns = [
    path("auth/token", TokenViewSet.as_view({"post": "obtain"}), name="token"),
    path("auth/token/refresh", TokenViewSet.as_view({"post": "refresh"}), name="token-refresh"),
    path("auth/token/revoke", TokenViewSet.as_view({"post": "revoke"}), name="token-revoke"),
    path("auth/token/verify", TokenViewSet.as_view({"post": "verify"}), name="token-verify"),
    path(".well-known/jwks.json", KeyViewSet.as_view({"get": "retrieve"}), name="jwks"),
    path("users", UserViewSet.as_view({"get": "list", "post": "create"}), name="users"),
    path(
        "users/current",
        UserViewSet.as_view({"get": "current", "put": "update_current", "patch": "update_current"}),
        name="current-user",
    ),
    path(
        "users/<str:id>",
        UserViewSet.as_view({"get": "retrieve", "put": "update", "patch": "update", "delete": "destroy"}),
        name="user",
    ),
    path("users/<str:id>/sign_out", UserViewSet.as_view({"post": "sign_out"}), name="user-sign-out"),
]
