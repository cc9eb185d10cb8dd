"""The contract's table. Paths have dots: no suffix is read as a format."""

from django.urls import path

from usermgmt.dialects.rocketchat.changing import ChangingViewSet
from usermgmt.dialects.rocketchat.creating import UserViewSet
from usermgmt.dialects.rocketchat.errors import quota_headers, render
from usermgmt.dialects.rocketchat.listing import ReadingViewSet
from usermgmt.dialects.rocketchat.registering import RegistrationViewSet
from usermgmt.dialects.rocketchat.schema.document import DOCUMENT
from usermgmt.dialects.rocketchat.sessions import InfoViewSet, LoginViewSet, SessionViewSet
from usermgmt.http.contracts import Contract

contract = Contract(
    name="rocketchat",
    prefix="api/v1/",
    urls=[
        path("login", LoginViewSet.as_view({"post": "create"}), name="rocketchat-login"),
        path("logout", SessionViewSet.as_view({"get": "log_out", "post": "log_out"}), name="rocketchat-logout"),
        path("me", SessionViewSet.as_view({"get": "me"}), name="rocketchat-me"),
        path("users.create", UserViewSet.as_view({"post": "create"}), name="rocketchat-users-create"),
        path("users.info", ReadingViewSet.as_view({"get": "retrieve"}), name="rocketchat-users-info"),
        path("users.list", ReadingViewSet.as_view({"get": "list"}), name="rocketchat-users-list"),
        path("users.update", ChangingViewSet.as_view({"post": "update"}), name="rocketchat-users-update"),
        path(
            "users.setActiveStatus",
            ChangingViewSet.as_view({"post": "set_active"}),
            name="rocketchat-users-set-active-status",
        ),
        path("users.delete", ChangingViewSet.as_view({"post": "destroy"}), name="rocketchat-users-delete"),
        path("users.register", RegistrationViewSet.as_view({"post": "create"}), name="rocketchat-users-register"),
    ],
    render=render,
    document=DOCUMENT,
    quota_headers=quota_headers,
    outside={"api/info": InfoViewSet.as_view({"get": "retrieve"})},
)
