"""The contract's table. Paths have dots: no suffix is read as a format."""

from django.urls import path

from usermgmt.dialects.rocketchat.errors import render
from usermgmt.dialects.rocketchat.sessions import LoginViewSet, SessionViewSet
from usermgmt.dialects.rocketchat.views import UserViewSet
from usermgmt.http.contracts import Contract

contract = Contract(
    name="rocketchat",
    prefix="api/v1/",
    urls=[
        path("login", LoginViewSet.as_view({"post": "create"})),
        path("logout", SessionViewSet.as_view({"get": "log_out", "post": "log_out"})),
        path("me", SessionViewSet.as_view({"get": "me"})),
        path("users.create", UserViewSet.as_view({"post": "create"})),
    ],
    render=render,
)
