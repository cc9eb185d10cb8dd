"""Every write to API tokens, and whose one is (DESIGN 2, "Tokens")."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache

from django.db import InternalError, OperationalError, transaction
from django.db.models import F, Q
from django.utils import timezone

from accounts import opaque_tokens, policies
from accounts.models import ApiToken, User
from accounts.models.api_token import NAME_MAX_LENGTH
from accounts.services import authority
from accounts.services.users import NO_SUCH_CLIENT
from clients.models import Client
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import Fault, Forbidden, InvalidToken, NotFound, raise_all
from usermgmt.statements import Statement
from usermgmt.text import has_control_characters, is_blank

MAX_ALIVE = 100  # of one user; sign-ins have a maximum of their own (accounts.services.logins)
MAX_LIFETIME = timedelta(days=36_525)  # a hundred years; what is to live longer has no end
USE_NOTED_EVERY = timedelta(minutes=1)
KEPT_FOR = timedelta(days=90)  # after a token's end, for whoever asks what it was


def create(
    *,
    actor: Actor | None,
    user_id: int,
    name: str,
    client_id: int | None = None,
    expires_at: datetime | None = None,
    read_only: bool = False,
    kind: ApiToken.Kind = ApiToken.Kind.API,
    reported: Sequence[Fault] = (),
) -> tuple[ApiToken, str]:
    """Make a token of a user; gives its row, and the token itself, which is nowhere else.

    client_id: the one client that is there for it; None: whatever is there for its owner. expires_at: None: never.
    reported: faults that the contract found while reading; raised together with the rules' own.
    Raises Forbidden, Invalid, InvalidToken (see `authority.check_signed_in`), NotFound.
    """
    if actor is not None and not policies.can_manage_tokens(actor, user_id):
        raise Forbidden
    with transaction.atomic():
        # Locked: whatever ends the owner's tokens ends this one too, and no two requests pass the maximum together.
        owner = User.objects.select_for_update().filter(pk=user_id).first()
        if owner is None:
            raise NotFound("user")
        authority.check_signed_in(actor, owner)
        client, faults = _client(owner, client_id)
        alive = ApiToken.objects.alive().of_programs().filter(user=owner)
        if kind == ApiToken.Kind.API and alive.count() >= MAX_ALIVE:
            faults.append(Fault("tokens", "too_many_alive", {"maximum": MAX_ALIVE}))
        raise_all(reported, [*_faults(owner, name.strip(), expires_at), *faults])
        lookup, text = opaque_tokens.made()
        token = ApiToken.objects.create(
            user=owner,
            client=client,
            kind=kind,
            name=name.strip(),
            lookup=lookup,
            digest=opaque_tokens.digest_of(text),
            read_only=read_only,
            version=owner.token_version,
            expires_at=expires_at,
        )
        told = {
            "token": token.pk,
            "name": token.name,
            "client_id": client_id,
            "read_only": read_only,
            "expires_at": None if expires_at is None else expires_at.isoformat(),
        }
        audit.record(
            actor=actor,
            action="api_token.created",
            target=("user", owner.pk),
            changes={field: (None, value) for field, value in told.items() if value is not None},
        )
    return token, text


def revoke(*, actor: Actor | None, token_id: int, user_id: int | None = None) -> None:
    """End a token; no call after this one is opened by it.

    user_id: only if it is that user's. Raises NotFound: there is none, none that the actor may revoke, or it is
    revoked already.
    """
    with transaction.atomic():
        token = ApiToken.objects.select_for_update().filter(pk=token_id, revoked_at=None).order_by().first()
        if (
            token is None
            or (user_id is not None and token.user_id != user_id)
            or (actor is not None and not policies.can_manage_tokens(actor, token.user_id))
        ):
            raise NotFound("token")
        token.revoked_at = timezone.now()
        token.save(update_fields=["revoked_at"])
        audit.record(
            actor=actor,
            action="api_token.revoked",
            target=("user", token.user_id),
            changes={"token": (token.pk, None), "name": (token.name, None)},
        )


def user_of(text: str, *, kinds: Collection[ApiToken.Kind] = (ApiToken.Kind.API,)) -> tuple[User, ApiToken]:
    """Whose live token of one of these kinds this is, client included, in one query; the user acts by it from then on.

    Raises InvalidToken, for whatever reason.
    """
    lookup = opaque_tokens.lookup_of(text)
    if lookup is None:
        raise InvalidToken
    token = _alive(tuple(kinds)).one(lookup=lookup, now=timezone.now())
    right = opaque_tokens.verified(text, token.digest if token is not None else None)
    if token is None or not right:
        raise InvalidToken
    _note_use(token)
    user = token.user
    user.scope_id = token.client_id
    # Whoever has one of a sign-in has signed in: it may what a sign-in may.
    user.token_id = token.pk if token.kind == ApiToken.Kind.API else None
    return user, token


@cache
def _alive(kinds: tuple[ApiToken.Kind, ...]) -> Statement[ApiToken]:
    """What finds a live token of one of these kinds, with its owner and the owner's client."""
    return Statement(
        lambda lookup, now: (
            ApiToken.objects.alive(now).filter(lookup=lookup, kind__in=kinds).select_related("user__client")
        ),
        lookup=str,
        now=datetime,
    )


def forget_expired() -> int:
    """Delete tokens that ended long ago; gives how many."""
    now = timezone.now()
    # Those that died with every other token of their owner have no end of their own yet.
    outdated = ApiToken.objects.filter(revoked_at=None).exclude(version=F("user__token_version"))
    ApiToken.objects.filter(pk__in=outdated.values("pk")).update(revoked_at=now)
    past = now - KEPT_FOR
    return ApiToken.objects.filter(Q(revoked_at__lt=past) | Q(expires_at__lt=past)).delete()[0]


def _client(owner: User, client_id: int | None) -> tuple[Client | None, list[Fault]]:
    """The client to bind to: any for an administrator, the own one for others; to them no other is there."""
    if client_id is None:
        return None, []
    client = Client.objects.visible_to(owner).filter(pk=client_id).first()
    return client, [] if client is not None else [NO_SUCH_CLIENT]


def check_name(name: str) -> list[Fault]:
    """The faults of a name."""
    name = name.strip()
    if is_blank(name):
        return [Fault("name", "blank")]
    if len(name) > NAME_MAX_LENGTH:
        return [Fault("name", "too_long", {"maximum": NAME_MAX_LENGTH})]
    return [Fault("name", "invalid")] if has_control_characters(name) else []


def _faults(owner: User, name: str, expires_at: datetime | None) -> list[Fault]:
    faults = check_name(name)
    now = timezone.now()
    if expires_at is not None and expires_at <= now:
        faults.append(Fault("expires_at", "not_future"))
    elif expires_at is not None and expires_at > now + MAX_LIFETIME:
        faults.append(Fault("expires_at", "too_far"))
    if not owner.is_active:
        faults.append(Fault("user", "inactive"))
    return faults


def _note_use(token: ApiToken) -> None:
    """Keep when the token was last used, once a minute, of parallel requests by one; a transaction of its own."""
    now = timezone.now()
    before = now - USE_NOTED_EVERY
    if token.last_used_at is not None and token.last_used_at > before:
        return
    unnoted = ApiToken.objects.filter(Q(last_used_at=None) | Q(last_used_at__lte=before), pk=token.pk)
    # A database that is only read, or busy, is no reason to turn the caller away.
    with suppress(OperationalError, InternalError):
        unnoted.update(last_used_at=now)
