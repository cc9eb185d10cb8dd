"""The native contract's bodies, in and out."""

from typing import Any

from rest_framework import serializers

from accounts.api.mapping import to_user
from accounts.models import User
from clients.api.serializers import ClientSerializer
from usermgmt.http.serializers import Reader, StrictBooleanField, StrictIntegerField, StrictStringField


class UserSerializer(serializers.Serializer[User]):
    """A user, out: `mapping.to_user` makes it, the fields tell the OpenAPI document of it."""

    id = serializers.IntegerField(min_value=1)
    name = serializers.CharField()
    email = serializers.CharField()
    client = ClientSerializer(allow_null=True)

    def to_representation(self, instance: User) -> dict[str, Any]:
        return to_user(instance, self.context.get("include", ()))


class UserChangesReader(Reader):
    """What is sent to change a user; what is not sent stays."""

    name = StrictStringField(required=False)
    email = StrictStringField(required=False)
    password = StrictStringField(required=False)
    password_confirmation = StrictStringField(required=False)
    client_id = StrictIntegerField(required=False, allow_null=True)
    active = StrictBooleanField(required=False)


class NewUserReader(UserChangesReader):
    """What is sent to make a user."""

    name = StrictStringField()
    email = StrictStringField()
    password = StrictStringField()
    password_confirmation = StrictStringField()


class CredentialsReader(Reader):
    email = StrictStringField()
    password = StrictStringField()


class RefreshReader(Reader):
    refresh = StrictStringField()


class TokenReader(Reader):
    token = StrictStringField()


class TokensSerializer(serializers.Serializer[Any]):
    """A pair of tokens, out."""

    access = serializers.CharField()
    refresh = serializers.CharField()


class SignedInSerializer(TokensSerializer):
    """A pair of tokens and whose they are, out."""

    user = UserSerializer()
