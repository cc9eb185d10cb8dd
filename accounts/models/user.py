"""A user of the directory; one of no client is an administrator."""

from collections.abc import Collection, Sequence
from typing import ClassVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import PermissionsMixin
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts import emails, hashers, names, profile, usernames
from accounts.grants import PERMISSIONS
from accounts.managers import UserManager
from accounts.named_users import Along
from clients.models import Client
from usermgmt.columns import ComputedNumberField, FoldedField, FoldsColumns, fold

NAME_MAX_LENGTH = 255
EXTERNAL_ID_MAX_LENGTH = 255
SORTED_LENGTH = 255  # characters of the folded name that sorting looks at; bounds the index


def _sort_key(name: str) -> str:
    return fold(name)[:SORTED_LENGTH]


def _search_text(*values: str) -> str:
    # The line break keeps a search from matching across two columns; no column can hold one.
    return "\n".join(map(fold, values))


class Role(models.TextChoices):
    """What the one fact, client or none, makes of a user."""

    ADMINISTRATOR = "administrator", "administrator"
    USER = "user", "user"


class User(FoldsColumns, AbstractBaseUser, PermissionsMixin):
    """A person or a program that signs in."""

    email = models.CharField("e-mail", max_length=emails.MAX_LENGTH)
    email_canonical = FoldedField(sources=["email"], compute=emails.canonical)
    email_verified = models.BooleanField("e-mail verified", default=False)
    username = models.CharField("user name", max_length=usernames.MAX_LENGTH)
    username_canonical = FoldedField(sources=["username"])
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    given_name = models.CharField(max_length=NAME_MAX_LENGTH, blank=True)
    family_name = models.CharField(max_length=NAME_MAX_LENGTH, blank=True)
    middle_name = models.CharField(max_length=NAME_MAX_LENGTH, blank=True)
    name_sorted = FoldedField(sources=["name"], compute=_sort_key)
    # As contracts show it that know a first and a last name; sorted byte by byte.
    first_name_shown = FoldedField(sources=["name", "given_name", "family_name"], compute=names.first_shown)
    last_name_shown = FoldedField(sources=["name", "given_name", "family_name"], compute=names.last_shown)
    nickname = models.CharField(max_length=profile.NICKNAME_MAX_LENGTH, blank=True)
    bio = models.TextField(max_length=profile.BIO_MAX_LENGTH, blank=True)
    status_text = models.CharField(max_length=profile.STATUS_TEXT_MAX_LENGTH, blank=True)
    custom_fields = models.JSONField(default=dict, blank=True)
    external_id = models.CharField(max_length=EXTERNAL_ID_MAX_LENGTH, blank=True)  # in some other system
    featured = models.BooleanField(default=False)
    public_profile = models.BooleanField(default=False)
    properties = models.JSONField(default=dict, blank=True)  # whatever a contract lets programs add
    search_text = FoldedField(sources=["name", "email_canonical", "username_canonical"], compute=_search_text)
    # Without an index of its own: `user_by_client` has it.
    client = models.ForeignKey(
        Client, on_delete=models.PROTECT, null=True, blank=True, related_name="users", db_index=False
    )
    is_active = models.BooleanField("active", default=True)
    must_change_password = models.BooleanField(default=False)  # before anything else, at the next sign-in
    password_version = models.PositiveIntegerField(default=1, editable=False)  # raised by every new password
    # Of an imported hash: failed sign-ins of whoever else take as long as it does (accounts.timing).
    imported_cost = ComputedNumberField(sources=["password"], compute=hashers.imported_cost, null=True)
    # Raised whenever every token of the user must die at once (DESIGN 2, "Tokens").
    token_version = models.PositiveIntegerField(default=1, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)  # raised by every write; the ETag
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)
    erased_at = models.DateTimeField(null=True, editable=False)  # the person is gone, the row stands for them

    objects: ClassVar[UserManager] = UserManager()

    # The one client that the caller is bound to (DESIGN 2, "Tokens"): set by the authentication, kept nowhere.
    scope_id: int | None = None
    token_id: int | None = None  # the API token at hand; likewise
    along: Along | None = None  # whom the call at hand names, read along (accounts.named_users); likewise
    grants: Collection[str] = frozenset()  # what the roles allow, where the contract knows roles; likewise

    roles_read: Sequence[str] | None = None  # by whoever shows users (accounts.roles.read_of); likewise

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ["id"]
        permissions = PERMISSIONS
        constraints = [
            models.UniqueConstraint(fields=["email_canonical"], name="user_email_unique", violation_error_code="taken"),
            models.UniqueConstraint(
                fields=["username_canonical"], name="user_username_unique", violation_error_code="taken"
            ),
            models.CheckConstraint(
                condition=Q(is_superuser=True, client__isnull=True) | Q(is_superuser=False, client__isnull=False),
                name="user_administrator_has_no_client",
                violation_error_code="invalid",
            ),
            models.CheckConstraint(
                condition=Q(email__regex=emails.FORM), name="user_email_form", violation_error_code="invalid"
            ),
            models.CheckConstraint(
                condition=Q(username__regex=usernames.FORM), name="user_username_form", violation_error_code="invalid"
            ),
            models.CheckConstraint(
                condition=Q(name__regex=r"\S"), name="user_name_not_blank", violation_error_code="blank"
            ),
            models.UniqueConstraint(
                fields=["client", "external_id"],
                condition=Q(client__isnull=False) & ~Q(external_id=""),
                name="user_external_id_unique",
                violation_error_code="taken",
            ),
            models.UniqueConstraint(
                fields=["external_id"],
                condition=Q(client__isnull=True) & ~Q(external_id=""),
                name="user_external_id_unique_among_administrators",
                violation_error_code="taken",
            ),
        ]
        indexes = [
            # One per ordering that a list offers, each ending in id: pages walk them. E-mail and user name have
            # theirs by being unique. On PostgreSQL `search_text` has one of trigrams (accounts.trigrams).
            models.Index(fields=["name_sorted", "id"], name="user_by_name"),
            models.Index(fields=["created_at", "id"], name="user_by_created_at"),  # the filters by date, too
            models.Index(fields=["updated_at", "id"], name="user_by_updated_at"),  # Rocket.Chat's `_updatedAt`
            # On PostgreSQL a second one has those who never signed in at the other end (migration 0013).
            models.Index(fields=["last_login", "id"], name="user_by_last_sign_in"),
            # The resource contract's orderings, which compare bytes.
            models.Index(fields=["first_name_shown", "id"], name="user_by_first_name_shown"),
            models.Index(fields=["last_name_shown", "id"], name="user_by_last_name_shown"),
            models.Index(fields=["email", "id"], name="user_by_email"),
            # The users of a client in the order of most lists, and the administrators; the foreign key's, too.
            models.Index(fields=["client", "id"], name="user_by_client"),
            # Most users are active: who is not is found here, and whoever is, anywhere.
            models.Index(fields=["id"], condition=Q(is_active=False), name="user_inactive"),
            models.Index(
                fields=["imported_cost"], condition=Q(imported_cost__isnull=False), name="user_by_imported_cost"
            ),
        ]

    def __str__(self) -> str:
        return self.email

    @property
    def role(self) -> str:
        """The role in a word: one fact decides, whether there is a client."""
        return Role.ADMINISTRATOR if self.is_superuser else Role.USER

    @property
    def is_staff(self) -> bool:
        """Whether the admin site is open to the user: for administrators, by the one fact there is."""
        return self.is_superuser

    def get_full_name(self) -> str:
        return self.name

    def get_short_name(self) -> str:
        return self.given_name or self.name

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """What a session of the admin site is bound to: it dies with the tokens, and with nothing else.

        Not to the stored password, as Django has it: a sign-in may hash the same password anew.
        """
        return salted_hmac(
            "accounts.User.session", f"{self.pk} {self.token_version}", secret=secret, algorithm="sha256"
        ).hexdigest()
