"""The native contract's bodies of clients, in and out."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from clients.api.mapping import to_client
from clients.models import NAME_MAX_LENGTH, Client
from usermgmt.http.serializers import Reader, StrictStringField
from usermgmt.text import LINE_PATTERN

NAME = {"minLength": 1, "maxLength": NAME_MAX_LENGTH, "pattern": LINE_PATTERN}


@extend_schema_serializer(component_name="Client")
class ClientSerializer(serializers.Serializer[Client]):
    """A client: a customer, a tenant."""

    id = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=NAME_MAX_LENGTH)

    def to_representation(self, instance: Client) -> dict[str, Any]:
        return to_client(instance)


@extend_schema_serializer(component_name="ClientChanges")
class ClientChangesReader(Reader):
    """What is sent to change a client; what is not sent stays."""

    name = StrictStringField(required=False, schema=NAME, help_text="Unique, without regard to case.")


@extend_schema_serializer(component_name="NewClient")
class NewClientReader(ClientChangesReader):
    """What is sent to make a client."""

    name = StrictStringField(schema=NAME, help_text="Unique, without regard to case.")
