"""Signing in, staying signed in, and signing out (native contract 1)."""

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import emails, passwords, timing
from accounts.models import SignIn, SignInAddress, User
from accounts.models.sign_in import SignInQuerySet
from accounts.named_users import Named
from accounts.services import events, familiar_addresses
from accounts.tokens import AccessToken, RefreshToken
from usermgmt import audit, statements
from usermgmt.errors import InvalidCredentials, InvalidToken
from usermgmt.origin import current
from usermgmt.statements import Statement

_OF_CALLERS = (
    *("name", "email", "client__name", "is_superuser", "is_active", "must_change_password"),
    *("token_version", "version"),
)
"""What calls ask of who makes them: to read all else, texts and moments and JSON, took as long as to find the row."""
_CALLER: Statement[User] = Statement(
    lambda user_id, version, sign_in_id: (
        User.objects.select_related("client")
        .only(*_OF_CALLERS)
        .filter(pk=user_id, is_active=True, token_version=version, sign_ins__pk=sign_in_id, sign_ins__ended_at=None)
    ),
    user_id=int,
    version=int,
    sign_in_id=int,
)
"""Whose live access token it is."""
_WHOLE: Statement[User] = Statement(
    lambda user_id, version: User.objects.select_related("client").filter(
        pk=user_id, is_active=True, token_version=version
    ),
    user_id=int,
    version=int,
)
_NAMED: Statement[User] = Statement(lambda email: User.objects.with_address(email).select_related("client"), email=str)
_NAMED_OF_CLIENT: Statement[User] = Statement(
    lambda email, client_id: User.objects.with_address(email).select_related("client").filter(client_id=client_id),
    email=str,
    client_id=int,
)
"""Whose address it is, in its canonical spelling."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """A pair as it goes out; `repr` keeps the secrets to itself."""

    access: str
    refresh: str

    def __repr__(self) -> str:
        return "Tokens(...)"


def verified_user(*, email: str, password: str, client_id: int | None = None) -> User:
    """The active user of these credentials; raises InvalidCredentials, for whatever reason, in about the same time.

    client_id: whose users alone are there; None: everybody. How often it may be asked is for its doors to say:
    `accounts.door`.
    """
    watch = timing.Stopwatch()
    named = {"email": emails.canonical(email)}
    user = _NAMED.one(**named) if client_id is None else _NAMED_OF_CLIENT.one(**named, client_id=client_id)
    with watch.hashing():
        right = passwords.verified(password, user.password if user is not None else "")
    if user is None or not right or not user.is_active:
        audit.record(actor=None, action="sign_in.failed", target=("user", user.pk if user is not None else None))
        watch.even_out()
        raise InvalidCredentials(inactive=right and user is not None)
    if passwords.outdated(user.password):
        _rehash(user, password)
    return user


def address_of(username: str) -> str:
    """The e-mail address of whoever has a user name, for contracts that take either; of nobody, what is no address."""
    found = User.objects.with_username(username).values_list("email", flat=True).first()
    return found or username.replace("@", "")


def sign_in(*, email: str, password: str, familiar: SignInAddress | None = None) -> tuple[User, Tokens]:
    """Open a new sign-in. familiar: as in `note_sign_in`. Raises InvalidCredentials."""
    user = verified_user(email=email, password=password)
    refresh = RefreshToken()
    opened = SignIn(user=user, jti=refresh["jti"], expires_at=timezone.now() + _refresh_lifetime())
    note_sign_in(user, opened, familiar)
    return user, _tokens(opened, user, refresh)


def note_sign_in(user: User, opened: SignIn | None = None, familiar: SignInAddress | None = None) -> None:
    """Keep that, when and from where `user` signed in; for the sessions of the admin site too.

    opened: a new one, to be stored along. familiar: the address at hand, as the door has read it. The user's row is
    written first, so nobody deletes it before that is there.
    Raises InvalidCredentials for a user who was deleted or erased since the password was verified.
    """
    user.last_login = timezone.now()
    event = events.row_of(audit.Entry(actor=user, action="sign_in.succeeded", target=("user", user.pk)))
    added = [event] if opened is None else [event, opened]
    address = familiar_addresses.due(user_id=user.pk, network=current().network, read=familiar)
    with nullcontext() if address is None else transaction.atomic():
        if not statements.change(user, ["last_login"], added=added, null=["erased_at"]):
            raise InvalidCredentials
        if address is not None:
            familiar_addresses.remember(address)


def note_throttled(*, email: str) -> None:
    """Keep that sign-ins to the account of that address must wait; nobody's too."""
    user_id = User.objects.with_email(email).values_list("pk", flat=True).first()
    audit.record(actor=None, action="sign_in.throttled", target=("user", user_id))


def refresh(*, refresh: str) -> Tokens:
    """Exchange a refresh token for a new pair; the old one is dead from then on.

    One that was exchanged before has been copied: it ends its sign-in. Raises InvalidToken.
    """
    old = RefreshToken.read(refresh)
    with transaction.atomic():
        opened = _locked_sign_in(old)
        reused = opened.jti != old["jti"]
        if reused:
            _end(opened)
            audit.record(actor=None, action="sign_in.token_reused", target=("user", opened.user_id))
        else:
            new = RefreshToken()
            opened.jti = new["jti"]
            opened.expires_at = timezone.now() + _refresh_lifetime()
            opened.save(update_fields=["jti", "expires_at"])
    if reused:
        raise InvalidToken  # after the commit, or the sign-in would not have ended
    return _tokens(opened, opened.user, new)


def revoke(*, refresh: str) -> None:
    """End the sign-in of a refresh token, its access tokens included. Raises InvalidToken."""
    token = RefreshToken.read(refresh)
    with transaction.atomic():
        opened = _locked_sign_in(token)
        _end(opened)
        audit.record(actor=opened.user, action="sign_in.revoked", target=("user", opened.user_id))


def verify(*, token: str) -> None:
    """Raise InvalidToken unless `token`, of either class, would be accepted now."""
    try:
        access = AccessToken.read(token)
    except InvalidToken:
        refresh = RefreshToken.read(token)
        if not _alive(refresh).filter(jti=refresh["jti"]).exists():
            raise InvalidToken from None
        return
    user_of(access)


def user_of(token: AccessToken, *, named: Named | None = None) -> User:
    """The user of a live access token, client included, in one query; `whole` reads the rest.

    named: whom the call names, to be found along. Raises InvalidToken.
    """
    values = {"user_id": token.user_id, "version": token["ver"], "sign_in_id": token["sid"]}
    user = _CALLER.one(**values) if named is None else named.finder.along(_CALLER, named.user_id, values)
    if user is None:
        raise InvalidToken
    return user


def whole(user: User) -> User:
    """A caller who is to be shown, all of it as it is at one moment. Raises InvalidToken: the token died meanwhile."""
    if not user.get_deferred_fields():
        return user
    read = _WHOLE.one(user_id=user.pk, version=user.token_version)
    if read is None:
        raise InvalidToken
    return read


def forget_expired() -> int:
    """Delete sign-ins whose last refresh token is past; gives how many."""
    return SignIn.objects.filter(expires_at__lt=timezone.now()).delete()[0]


def _alive(token: RefreshToken) -> SignInQuerySet:
    return SignIn.objects.alive().filter(
        pk=token["sid"],
        user_id=token.user_id,
        user__is_active=True,
        user__token_version=token["ver"],
    )


def _locked_sign_in(token: RefreshToken) -> SignIn:
    opened: SignIn | None = _alive(token).select_related("user").select_for_update(of=("self",)).first()
    if opened is None:
        raise InvalidToken
    return opened


def _end(opened: SignIn) -> None:
    opened.ended_at = timezone.now()
    opened.save(update_fields=["ended_at"])


def _tokens(opened: SignIn, user: User, refresh: RefreshToken) -> Tokens:
    access = AccessToken()
    for token in (access, refresh):
        token.bind(user_id=user.pk, sign_in_id=opened.pk, version=user.token_version)
    return Tokens(access=str(access), refresh=str(refresh))


def _rehash(user: User, password: str) -> None:
    """Store the same password with today's hash; not a change of password, so no token dies."""
    before = user.password
    stored = passwords.hashed(password)
    if User.objects.filter(pk=user.pk, password=before).update(password=stored, imported_cost=None):
        user.password, user.imported_cost = stored, None


def _refresh_lifetime() -> timedelta:
    return settings.JWT_REFRESH_LIFETIME
