"""Every door on one screen: pages, the admin site, health, and the contracts."""

from django.contrib import admin
from django.urls import path
from django.views.generic import RedirectView

from accounts import pages as link_pages
from accounts.api.errors import render as render_native
from accounts.api.schema.document import DOCUMENT
from accounts.api.urls import urlpatterns as users
from clients.api.urls import urlpatterns as clients
from usermgmt import pages
from usermgmt.dialects.forms.urls import contract as forms
from usermgmt.dialects.resource.urls import contract as resource
from usermgmt.dialects.rocketchat.urls import contract as rocketchat
from usermgmt.http.contracts import ADMIN_PREFIX, Contract, mounted
from usermgmt.http.health import livez, readyz

NATIVE = Contract(
    name="native",
    prefix="",
    urls=[*users, *clients],
    render=render_native,
    document=DOCUMENT,
    idempotency_keys=True,
)

CONTRACTS = [NATIVE, resource, rocketchat, forms]
"""A dialect adds itself here; the one of the longest prefix answers for a path."""

urlpatterns = [
    path("", pages.landing, name="landing"),
    path("openapi.json", pages.openapi, name="openapi"),
    path("openapi/<str:name>.json", pages.openapi, name="openapi-of"),
    path("docs", pages.docs, name="docs"),
    path("password/reset", link_pages.reset_password, name="reset-password"),
    path("invitation", link_pages.accept_invitation, name="accept-invitation"),
    path("email/verify", link_pages.verify_email, name="verify-email"),
    path("livez", livez, name="livez"),
    path("readyz", readyz, name="readyz"),
    path(ADMIN_PREFIX.rstrip("/"), RedirectView.as_view(pattern_name="admin:index"), name="admin"),
    path(ADMIN_PREFIX, admin.site.urls),
    *mounted(CONTRACTS),
]

handler400 = "usermgmt.http.problems.bad_request"
handler403 = "usermgmt.http.problems.forbidden"
handler404 = "usermgmt.http.problems.not_found"
handler500 = "usermgmt.http.problems.server_error"
