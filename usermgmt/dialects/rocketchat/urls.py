"""The contract's table. Paths have dots: no suffix is read as a format."""

from django.urls import path

from usermgmt.dialects.rocketchat.errors import quota_headers, render
from usermgmt.dialects.rocketchat.sessions import InfoViewSet, LoginViewSet, SessionViewSet
from usermgmt.dialects.rocketchat.views import UserViewSet
from usermgmt.http.contracts import Contract

contract = Contract(
    name="rocketchat",
    prefix="api/v1/",
    urls=[
        path("login", LoginViewSet.as_view({"post": "create"}), name="rocketchat-login"),
        path("logout", SessionViewSet.as_view({"get": "log_out", "post": "log_out"}), name="rocketchat-logout"),
        path("me", SessionViewSet.as_view({"get": "me"}), name="rocketchat-me"),
        path("users.create", UserViewSet.as_view({"post": "create"}), name="rocketchat-users-create"),
    ],
    render=render,
    quota_headers=quota_headers,
    outside={"api/info": InfoViewSet.as_view({"get": "retrieve"})},
)
