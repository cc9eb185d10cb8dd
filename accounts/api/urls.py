"""The table of the native contract's calls on users, tokens and links."""

from django.urls import path

from accounts.api.auth import KeyViewSet, TokenViewSet
from accounts.api.bulk import BulkViewSet
from accounts.api.events import EventViewSet, UserEventViewSet
from accounts.api.life_cycle import HolderViewSet, LinkViewSet
from accounts.api.tokens import ApiTokenViewSet
from accounts.api.views import UserViewSet

urlpatterns = [
    # The most asked first: a path is found by going down the table.
    path("users", UserViewSet.as_view({"get": "list", "post": "create"}), name="users"),
    path(
        "users/current",
        UserViewSet.as_view({"get": "current", "put": "update_current", "patch": "update_current"}),
        name="current-user",
    ),
    path("users/bulk", BulkViewSet.as_view({"post": "create"}), name="bulk-users"),
    path(
        "users/<str:id>",
        UserViewSet.as_view({"get": "retrieve", "put": "update", "patch": "update", "delete": "destroy"}),
        name="user",
    ),
    path("users/<str:id>/sign_out", UserViewSet.as_view({"post": "sign_out"}), name="user-sign-out"),
    path("users/<str:id>/events", UserEventViewSet.as_view({"get": "list"}), name="user-events"),
    path("events", EventViewSet.as_view({"get": "list"}), name="events"),
    path("users/<str:id>/invitation", LinkViewSet.as_view({"post": "invite"}), name="user-invitation"),
    path("users/<str:id>/verification", LinkViewSet.as_view({"post": "ask_for_proof"}), name="user-verification"),
    path("auth/token", TokenViewSet.as_view({"post": "obtain"}), name="token"),
    path("auth/token/refresh", TokenViewSet.as_view({"post": "refresh"}), name="token-refresh"),
    path("auth/token/revoke", TokenViewSet.as_view({"post": "revoke"}), name="token-revoke"),
    path("auth/token/verify", TokenViewSet.as_view({"post": "verify"}), name="token-verify"),
    path("auth/password/reset", HolderViewSet.as_view({"post": "reset"}), name="password-reset"),
    path(
        "auth/password/reset/confirm", HolderViewSet.as_view({"post": "confirm_reset"}), name="password-reset-confirm"
    ),
    path("auth/email/verify", HolderViewSet.as_view({"post": "verify_email"}), name="email-verify"),
    path(".well-known/jwks.json", KeyViewSet.as_view({"get": "retrieve"}), name="jwks"),
    path("tokens", ApiTokenViewSet.as_view({"get": "list", "post": "create"}), name="api-tokens"),
    path("tokens/<str:id>", ApiTokenViewSet.as_view({"delete": "destroy"}), name="api-token"),
]
