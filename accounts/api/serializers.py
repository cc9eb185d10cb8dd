"""The native contract's bodies, in and out."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from accounts import emails, passwords, usernames
from accounts.api.mapping import to_user
from accounts.models import NAME_MAX_LENGTH, Role, User
from clients.api.serializers import ClientSerializer
from usermgmt.http.schema import ID, ecma
from usermgmt.http.serializers import Reader, StrictBooleanField, StrictIntegerField, StrictStringField
from usermgmt.text import LINE_PATTERN

NAME = {"minLength": 1, "maxLength": NAME_MAX_LENGTH, "pattern": LINE_PATTERN}
EMAIL = {"minLength": emails.MIN_LENGTH, "maxLength": emails.MAX_LENGTH, "pattern": ecma(emails.FORM)}
PASSWORD = {"minLength": settings.PASSWORD_MIN_LENGTH, "maxLength": passwords.MAX_LENGTH, "pattern": r"\S"}
# In an update, null and "" are no password and change none (native contract 4).
NEW_PASSWORD = {"type": ["string", "null"], "anyOf": [{"enum": ["", None]}, {"type": "string", **PASSWORD}]}


class ProfileSerializer(serializers.Serializer[User]):
    """The parts of a user's name."""

    given_name = serializers.CharField()
    middle_name = serializers.CharField()
    family_name = serializers.CharField()


@extend_schema_serializer(component_name="User")
class UserSerializer(serializers.Serializer[User]):
    """A user. The first four keys are always there, the others where `include` asks for them."""

    id = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=NAME_MAX_LENGTH, help_text="The name that is shown.")
    email = serializers.CharField(max_length=emails.MAX_LENGTH, help_text="As it was given; one user's alone.")
    client = ClientSerializer(
        allow_null=True, help_text="The client that the user belongs to; null for administrators."
    )
    active = serializers.BooleanField(required=False, help_text="Whether the user may sign in.")
    username = serializers.CharField(required=False, max_length=usernames.MAX_LENGTH)
    email_verified = serializers.BooleanField(required=False)
    created_at = serializers.DateTimeField(required=False)
    updated_at = serializers.DateTimeField(required=False)
    last_sign_in = serializers.DateTimeField(required=False, allow_null=True, help_text="null: never.")
    role = StrictStringField(required=False, schema={"enum": Role.values}, help_text="By `client` alone.")
    profile = ProfileSerializer(required=False, help_text="The parts of the name.")

    def to_representation(self, instance: User) -> dict[str, Any]:
        return to_user(instance, self.context.get("include", ()))


@extend_schema_serializer(component_name="UserChanges")
class UserChangesReader(Reader):
    """What is sent to change a user; what is not sent stays."""

    name = StrictStringField(required=False, schema=NAME)
    email = StrictStringField(required=False, schema=EMAIL)
    password = StrictStringField(
        required=False,
        write_only=True,
        schema=NEW_PASSWORD,
        help_text="A new one ends every sign-in of the user. Blank: unchanged.",
    )
    password_confirmation = StrictStringField(
        required=False, write_only=True, schema={"type": ["string", "null"]}, help_text="The same once more."
    )
    client_id = StrictIntegerField(
        required=False, allow_null=True, schema=ID, help_text="null makes an administrator. For administrators to set."
    )
    active = StrictBooleanField(required=False, help_text="Whether the user may sign in. For administrators to set.")


@extend_schema_serializer(component_name="NewUser")
class NewUserReader(UserChangesReader):
    """What is sent to make a user."""

    name = StrictStringField(schema=NAME)
    email = StrictStringField(schema=EMAIL)
    password = StrictStringField(write_only=True, schema=PASSWORD)
    password_confirmation = StrictStringField(
        write_only=True, schema={"minLength": 1}, help_text="The password once more."
    )
    client_id = StrictIntegerField(
        required=False, allow_null=True, schema=ID, help_text="The client; null or absent makes an administrator."
    )
    active = StrictBooleanField(required=False, schema={"default": True}, help_text="Whether the user may sign in.")


@extend_schema_serializer(component_name="Credentials")
class CredentialsReader(Reader):
    """Who signs in, and by which password."""

    email = StrictStringField(schema={"minLength": 1})
    password = StrictStringField(write_only=True, schema={"minLength": 1})


@extend_schema_serializer(component_name="Refresh")
class RefreshReader(Reader):
    """A refresh token."""

    refresh = StrictStringField(schema={"minLength": 1})


@extend_schema_serializer(component_name="Token")
class TokenReader(Reader):
    """A token, of either class."""

    token = StrictStringField(schema={"minLength": 1})


class TokensSerializer(serializers.Serializer[Any]):
    """A pair of tokens."""

    access = serializers.CharField(help_text="Opens every call, as `Authorization: Bearer {access}`.")
    refresh = serializers.CharField(help_text="Is exchanged, once, for the next pair.")


class SignedInSerializer(TokensSerializer):
    """A pair of tokens, and whose they are."""

    user = UserSerializer()
