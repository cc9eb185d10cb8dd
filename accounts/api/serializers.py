"""The native contract's bodies, in and out."""

from typing import Any

from django.conf import settings
from drf_spectacular.utils import extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from accounts import emails, passwords, profile, usernames
from accounts.api.mapping import to_api_token, to_user
from accounts.models import NAME_MAX_LENGTH, ApiToken, Role, User
from accounts.services.api_tokens import MAX_LIFETIME
from clients.api.serializers import ClientSerializer
from usermgmt.http.schema import ID, ecma
from usermgmt.http.serializers import (
    Reader,
    StrictBooleanField,
    StrictIntegerField,
    StrictListField,
    StrictMomentField,
    StrictStringField,
)
from usermgmt.text import LINE_PATTERN

NAME = {"minLength": 1, "maxLength": NAME_MAX_LENGTH, "pattern": LINE_PATTERN}
EMAIL = {"minLength": emails.MIN_LENGTH, "maxLength": emails.MAX_LENGTH, "pattern": ecma(emails.FORM)}
PASSWORD = {"minLength": settings.PASSWORD_MIN_LENGTH, "maxLength": passwords.MAX_LENGTH, "pattern": r"\S"}
MAX_USERS = 1000  # of one call
# In an update, null and "" are no password and change none (native contract 4).
NEW_PASSWORD = {"type": ["string", "null"], "anyOf": [{"enum": ["", None]}, {"type": "string", **PASSWORD}]}


@extend_schema_field(
    {"type": "object", "additionalProperties": True, "description": "By their names: what staff want to know besides."}
)
class CustomFieldsField(serializers.Field):  # type: ignore[type-arg]
    """`custom_fields` of a profile; only described, never used."""


class ProfileSerializer(serializers.Serializer[User]):
    """What is known of a user beyond the keys of their own."""

    given_name = serializers.CharField(max_length=NAME_MAX_LENGTH)
    middle_name = serializers.CharField(max_length=NAME_MAX_LENGTH)
    family_name = serializers.CharField(max_length=NAME_MAX_LENGTH)
    nickname = serializers.CharField(max_length=profile.NICKNAME_MAX_LENGTH)
    bio = serializers.CharField(max_length=profile.BIO_MAX_LENGTH)
    status_text = serializers.CharField(max_length=profile.STATUS_TEXT_MAX_LENGTH)
    custom_fields = CustomFieldsField()
    roles = serializers.ListField(
        child=serializers.CharField(),
        min_length=1,
        help_text="As contracts with roles tell them: `admin` of an administrator, `user` where nobody gave any.",
    )
    teams = serializers.ListField(child=serializers.CharField(), help_text="Names, in their order.")
    must_change_password = serializers.BooleanField(help_text="Whether that comes before anything else.")


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
    profile = ProfileSerializer(required=False, help_text="The parts of the name, and what else is known of the user.")

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
    must_change_password = StrictBooleanField(
        required=False,
        write_only=True,
        help_text="Whether the user must choose a new password before anything else. For administrators to set.",
    )


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
    invite = StrictBooleanField(
        required=False, schema={"const": False, "default": False}, help_text="Whether to invite instead: see there."
    )


@extend_schema_serializer(component_name="InvitedUser")
class InvitedUserReader(Reader):
    """What is sent to make a user who is invited by mail to choose a password; only described, `NewUser` reads it."""

    name = StrictStringField(schema=NAME)
    email = StrictStringField(schema=EMAIL)
    client_id = StrictIntegerField(
        required=False, allow_null=True, schema=ID, help_text="The client; null or absent makes an administrator."
    )
    active = StrictBooleanField(required=False, schema={"const": True}, help_text="Nobody else can be invited.")
    invite = StrictBooleanField(schema={"const": True}, help_text="A mail with a link to set the first password.")
    password = StrictStringField(
        required=False, write_only=True, schema={"type": ["string", "null"], "enum": ["", None]}, help_text="None."
    )


@extend_schema_serializer(component_name="NewUsers")
class NewUsersReader(Reader):
    """What is sent to make many users."""

    users = StrictListField(
        schema={
            "items": {
                "anyOf": [{"$ref": f"#/components/schemas/{name}Request"} for name in ("NewUser", "InvitedUser")]
            },
            "minItems": 1,
            "maxItems": MAX_USERS,
        },
        help_text="Each as in `POST /users`.",
    )


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


@extend_schema_serializer(component_name="Address")
class AddressReader(Reader):
    """Whose password is to be reset."""

    email = StrictStringField(schema=EMAIL)


@extend_schema_serializer(component_name="ChosenPassword")
class ChosenPasswordReader(Reader):
    """A password that the holder of a link has chosen."""

    token = StrictStringField(write_only=True, schema={"minLength": 1}, help_text="Of the link in the mail.")
    password = StrictStringField(write_only=True, schema=PASSWORD)
    password_confirmation = StrictStringField(
        write_only=True, schema={"minLength": 1}, help_text="The password once more."
    )


@extend_schema_serializer(component_name="Proof")
class ProofReader(Reader):
    """The proof that an address is the user's."""

    token = StrictStringField(write_only=True, schema={"minLength": 1}, help_text="Of the link in the mail.")


class ApiTokenSerializer(serializers.Serializer[ApiToken]):
    """A token for a program. The token itself is shown once, to whoever makes it."""

    id = serializers.IntegerField(min_value=1)
    name = serializers.CharField(max_length=NAME_MAX_LENGTH, help_text="What it is for, in your words.")
    client = ClientSerializer(
        allow_null=True,
        help_text="The client that it is bound to: nothing else is there for it. null: all that its owner has.",
    )
    read_only = serializers.BooleanField(  # type: ignore[assignment]  # a field, and not the option of that name
        help_text="Whether it only opens GET and HEAD."
    )
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField(allow_null=True, help_text="null: never.")
    last_used_at = serializers.DateTimeField(allow_null=True, help_text="To the minute. null: never.")

    def to_representation(self, instance: ApiToken) -> dict[str, Any]:
        return to_api_token(instance)


class MadeApiTokenSerializer(ApiTokenSerializer):
    """A token that was just made."""

    token = serializers.CharField(help_text="For `Authorization: Bearer {token}`. It is not shown again.")


class NewApiTokenReader(Reader):
    """What is sent to make a token."""

    name = StrictStringField(schema=NAME, help_text="What it is for, in your words.")
    client_id = StrictIntegerField(
        required=False,
        allow_null=True,
        schema=ID,
        help_text="The client to bind it to. Administrators name any, others their own. null: to none.",
    )
    expires_in = StrictIntegerField(
        required=False,
        allow_null=True,
        schema={"minimum": 1, "maximum": int(MAX_LIFETIME.total_seconds())},
        help_text="Seconds that it is good for. null: no end.",
    )
    expires_at = StrictMomentField(
        required=False, allow_null=True, help_text="The end, instead of `expires_in`; in the future. null: no end."
    )
    read_only = StrictBooleanField(  # type: ignore[assignment]  # likewise
        required=False, schema={"default": False}, help_text="Whether it is to open only GET and HEAD."
    )


class TokensSerializer(serializers.Serializer[Any]):
    """A pair of tokens."""

    access = serializers.CharField(help_text="Opens every call, as `Authorization: Bearer {access}`.")
    refresh = serializers.CharField(help_text="Is exchanged, once, for the next pair.")


class SignedInSerializer(TokensSerializer):
    """A pair of tokens, and whose they are."""

    user = UserSerializer()
