"""What is held on a person: where it lies, and what of it is told to them (GDPR 15 and 20)."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from django.contrib.admin.models import LogEntry
from django.contrib.sessions.models import Session
from django.db.models import Model, Q, QuerySet

from accounts.models import (
    ApiToken,
    Event,
    Mail,
    Membership,
    OneTimeToken,
    Relationship,
    SignIn,
    SignInAddress,
    Transactable,
    User,
    UserProfile,
)
from accounts.models.event import EventQuerySet
from usermgmt import audit
from usermgmt.models import StoredAnswer


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows that are there because of one user, and go with the person.

    name: what the export calls them. rows: those of a user. shown: the columns that are told; never a secret, nor
    what would help to guess one.
    """

    name: str
    model: type[Model]
    rows: Callable[[User], QuerySet[Any]]
    shown: tuple[str, ...]


def _owned(name: str, model: type[Model], *shown: str, by: str = "user_id") -> Holding:
    manager: Any = model._default_manager
    return Holding(name, model, lambda user: manager.filter(**{by: user.pk}), shown)


def _sessions(user: User) -> QuerySet[Session]:
    # Only its content says whose a session of the admin site is.
    owned = (
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get("_auth_user_id") == str(user.pk)
    )
    return Session.objects.filter(pk__in=list(owned))


def _mails(user: User) -> QuerySet[Mail]:
    # One that was asked for before there was such a user has the address alone.
    return Mail.objects.filter(Q(user=user) | Q(user=None, address__iexact=user.email))


HOLDINGS = (
    _owned("sign_ins", SignIn, "created_at", "expires_at", "ended_at"),
    _owned("one_time_tokens", OneTimeToken, "purpose", "address", "created_at", "expires_at"),
    _owned(
        "api_tokens",
        ApiToken,
        *("name", "kind", "client_id", "read_only", "created_at", "expires_at", "last_used_at", "revoked_at"),
    ),
    Holding("mails", Mail, _mails, ("kind", "address", "state", "created_at", "sent_at")),
    _owned("sign_in_addresses", SignInAddress, "address", "last_used_at"),
    _owned("stored_answers", StoredAnswer, "created_at", by="actor_id"),
    _owned("roles", User.groups.through, "group__name"),
    _owned("teams", Membership, "team__name", "created_at"),
    _owned("permissions", User.user_permissions.through, "permission__codename"),
    Holding("sessions", Session, _sessions, ("expire_date",)),
    _owned("admin_log", LogEntry, "action_time", "action_flag"),
    _owned("profiles", UserProfile, "type__name", "properties", "created_at", "updated_at"),
    _owned("relationships", Relationship, "type__name", "related_user_id", "properties", "created_at", "updated_at"),
    # What others keep of their own relationships is theirs, and who they are, too (GDPR 15, paragraph 4).
    _owned("related_by", Relationship, "type__name", "created_at", by="related_user_id"),
    _owned(
        "transactables",
        Transactable,
        *("type__name", "name", "description", "currency", "enabled", "properties", "created_at", "updated_at"),
    ),
)
"""Every table with rows of a user's own, save the audit trail, whose rows stay."""

TECHNICAL = frozenset(
    {"password", "email_canonical", "username_canonical", "name_sorted", "search_text", "token_version", "version"}
    | {"first_name_shown", "last_name_shown", "password_version", "is_superuser", "imported_cost"}
)
"""Columns of the user that are made of others, or tell nothing of the person; of the password that there is one."""


def of_user(user: User) -> dict[str, Any]:
    """The user's own row, as it is told."""
    return {
        "id": user.pk,
        "name": user.name,
        "given_name": user.given_name,
        "middle_name": user.middle_name,
        "family_name": user.family_name,
        "email": user.email,
        "email_verified": user.email_verified,
        "username": user.username,
        "nickname": user.nickname,
        "bio": user.bio,
        "status_text": user.status_text,
        "custom_fields": user.custom_fields,
        "external_id": user.external_id,
        "featured": user.featured,
        "public_profile": user.public_profile,
        "properties": user.properties,
        "client": None if user.client is None else {"id": user.client.pk, "name": user.client.name},
        "role": str(user.role),
        "is_active": user.is_active,
        "has_password": user.has_usable_password(),
        "must_change_password": user.must_change_password,
        "created_at": user.created_at,
        "updated_at": user.updated_at,
        "last_login": user.last_login,
        "erased_at": user.erased_at,
    }


def held(user: User) -> dict[str, Any]:
    """Everything but the audit trail, table by table."""
    told: dict[str, Any] = {"user": of_user(user)}
    for holding in HOLDINGS:
        told[holding.name] = list(holding.rows(user).order_by("pk").values(*holding.shown))
    return told


def holdings_of(user: User) -> list[tuple[str, QuerySet[Any]]]:
    """The rows of each table, with its name, that go with the person."""
    return [(holding.name, holding.rows(user)) for holding in HOLDINGS]


@dataclass(slots=True)
class Subject:
    """The person as a reader of what is held on them: whatever their role, they read nothing of others."""

    pk: int
    is_superuser: bool = False
    client_id: int | None = None
    scope_id: int | None = None
    token_id: int | None = None
    must_change_password: bool = False
    token_version: int = 0
    grants: Collection[str] = frozenset()


def note_export(user: User) -> None:
    """Keep that the operator took out what is held on the person."""
    audit.record(actor=None, action="user.exported", target=("user", user.pk))


def events_about(user: User) -> EventQuerySet:
    """What happened to the person."""
    return Event.objects.about("user", user.pk).order_by("pk")


def events_by(user: User) -> EventQuerySet:
    """What the person did."""
    return Event.objects.filter(actor_id=user.pk).order_by("pk")
