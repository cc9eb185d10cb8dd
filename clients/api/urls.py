"""The table of the native contract's calls on clients."""

from django.urls import path

from clients.api.views import ClientViewSet

urlpatterns = [
    path("clients", ClientViewSet.as_view({"get": "list", "post": "create"}), name="clients"),
    path(
        "clients/<str:id>",
        ClientViewSet.as_view({"get": "retrieve", "put": "update", "patch": "update", "delete": "destroy"}),
        name="client",
    ),
]
