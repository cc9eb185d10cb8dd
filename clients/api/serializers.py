"""The native contract's bodies of clients, in and out."""

from typing import Any

from rest_framework import serializers

from clients.api.mapping import to_client
from clients.models import Client
from usermgmt.http.serializers import Reader, StrictStringField


class ClientSerializer(serializers.Serializer[Client]):
    """A client, out: `mapping.to_client` makes it, the fields tell the OpenAPI document of it."""

    id = serializers.IntegerField(min_value=1)
    name = serializers.CharField()

    def to_representation(self, instance: Client) -> dict[str, Any]:
        return to_client(instance)


class ClientReader(Reader):
    """What is sent for a client."""

    name = StrictStringField()
