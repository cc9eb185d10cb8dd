"""Queueing mails, in the transaction of what they tell of: so each goes out after the commit, or never
(native contract 7). What they say stands in `accounts.letters`, sending them in `accounts.services.delivery`."""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from accounts import emails
from accounts.models import Mail, Purpose, User
from accounts.services import events
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import BASE, Fault, Invalid, NotFound, Quota, TooManyRequests

KEPT = timedelta(days=30)  # mails that were sent, for whoever asks

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Former:
    """What a user was before a change, as far as mails tell of it."""

    address: str
    had_password: bool

    @classmethod
    def of(cls, user: User) -> "Former":
        return cls(address=user.email, had_password=user.has_usable_password())


def request_reset(*, email: str) -> None:
    """Send whoever has this address a link to set a new password; nobody learns whether there is anyone.

    The same statements run for every address: where nobody qualifies, the row is nobody's, and thrown away later.
    A user without a password is not meant: their way in is an invitation.
    """
    found: User | None = User.objects.with_email(email).first()
    wanted = found if found is not None and found.is_active and found.has_usable_password() else None
    with transaction.atomic():
        _queue([Mail(kind=Mail.Kind.PASSWORD_RESET, user=wanted, address=wanted.email if wanted is not None else "")])
        _record(actor=None, purpose=Purpose.PASSWORD_RESET, user_ids=[found.pk if found is not None else None])


def request_verification(*, actor: Actor | None, user_id: int) -> None:
    """Send a user a link that proves their address. Raises Invalid (verified, inactive), NotFound."""
    with transaction.atomic():
        ask_for_proof(actor=actor, user=whose_proof(actor=actor, user_id=user_id, lock=True))


def ask_for_proof(*, actor: Actor | None, user: User) -> None:
    """Queue a link that proves the address of a user who is to prove it; in the transaction of the caller."""
    _queue([Mail(kind=Mail.Kind.EMAIL_VERIFICATION, user=user, address=user.email)])
    _record(actor=actor, purpose=Purpose.EMAIL_VERIFICATION, user_ids=[user.pk])


def greet(user: User, *, welcome: bool, password: bool) -> None:
    """Queue a mail that tells a user of their account, and one with a password, which is made at random when that mail
    is sent; in the transaction of the caller, in which the user is new or locked.

    At most MAILS_PER_HOUR of each kind. Raises TooManyRequests where no more passwords are sent: the user would be
    left without one.
    """
    wanted = {Mail.Kind.WELCOME: welcome, Mail.Kind.RANDOM_PASSWORD: password}
    if not any(wanted.values()):
        return
    recent = _recent(user)
    if password and not _is_room(recent[Mail.Kind.RANDOM_PASSWORD]):
        raise _too_many(recent[Mail.Kind.RANDOM_PASSWORD])
    _queue(
        Mail(kind=kind, user=user, address=user.email)
        for kind, asked in wanted.items()
        if asked and _is_room(recent[kind])
    )


def withdraw_passwords(user: User) -> None:
    """Send no password any more that was to be made for a user, from whom it was taken away again meanwhile."""
    Mail.objects.filter(user=user, kind=Mail.Kind.RANDOM_PASSWORD).exclude(state=Mail.State.SENT).delete()


def whose_proof(*, actor: Actor | None, user_id: int, lock: bool = False) -> User:
    """The user who is to prove an address; of who is verified, or may not sign in, nobody asks that.

    Raises Invalid, NotFound.
    """
    user = _present(actor, user_id, lock=lock)
    _refuse(verified=user.email_verified, inactive=not user.is_active)
    return user


def request_invitation(*, actor: Actor | None, user_id: int) -> None:
    """Send a user without a password a link to set the first one. Raises Invalid (has one, inactive), NotFound."""
    with transaction.atomic():
        user = _present(actor, user_id, lock=True)
        _refuse(has_password=user.has_usable_password(), inactive=not user.is_active)
        invite(actor=actor, users=[user])


def invite(*, actor: Actor | None, users: Sequence[User]) -> None:
    """Queue invitations of users who may be invited, a few queries for a thousand; in the transaction of the caller."""
    _queue(Mail(kind=Mail.Kind.INVITATION, user=user, address=user.email) for user in users)
    _record(actor=actor, purpose=Purpose.INVITATION, user_ids=[user.pk for user in users])


def remind(*, actor: Actor | None, user: User, invitation: bool, proof: bool, told: Collection[str]) -> None:
    """Queue a link to set the first password, and one that proves the address, for a user who has not done so and may
    sign in; in the transaction of the caller, in which the user is locked.

    told: the kinds of mails that are sent in it already. At most MAILS_PER_HOUR of each kind.
    """
    invites = invitation and user.is_active and not user.has_usable_password()
    proves = proof and user.is_active and not user.email_verified and Mail.Kind.EMAIL_VERIFICATION not in told
    if not (invites or proves):
        return
    recent = _recent(user)
    if invites and _is_room(recent[Mail.Kind.INVITATION]):
        invite(actor=actor, users=[user])
    if proves and _is_room(recent[Mail.Kind.EMAIL_VERIFICATION]):
        ask_for_proof(actor=actor, user=user)


def announce(user: User, former: Former, changes: audit.Changes) -> Collection[str]:
    """Tell of a change of address or password whoever had the account before; ask a new address for its proof. Gives
    the kinds of mails that say so.

    user: as they are now. At most MAILS_PER_HOUR of each kind: an account must not serve to pester others.
    """
    moved = "email" in changes and emails.canonical(former.address) != user.email_canonical
    told: list[Mail] = []
    if moved:
        told.append(Mail(kind=Mail.Kind.EMAIL_CHANGED, user=user, address=former.address))
        if user.is_active and not user.email_verified:
            told.append(Mail(kind=Mail.Kind.EMAIL_VERIFICATION, user=user, address=user.email))
    if "password" in changes and former.had_password:
        told.append(Mail(kind=Mail.Kind.PASSWORD_CHANGED, user=user, address=former.address))
    if told:
        recent = _recent(user)
        _queue(mail for mail in told if _is_room(recent[mail.kind]))
    return [mail.kind for mail in told]


def forget() -> int:
    """Delete mails that were sent long ago, and those that are nobody's; gives how many."""
    old = Mail.objects.filter(state=Mail.State.SENT, sent_at__lt=timezone.now() - KEPT)
    nobodys = Mail.objects.filter(user=None, created_at__lt=timezone.now() - _HOUR)
    return old.delete()[0] + nobodys.delete()[0]


def _present(actor: Actor | None, user_id: int, *, lock: bool) -> User:
    visible = User.objects.all() if actor is None else User.objects.visible_to(actor)
    named = visible.filter(pk=user_id)
    user: User | None = (named.select_for_update(of=("self",)) if lock else named).first()
    if user is None:
        raise NotFound("user")
    return user


def _refuse(**reasons: bool) -> None:
    """Raise Invalid with the codes of the reasons that there are."""
    faults = [Fault(BASE, code) for code, wrong in reasons.items() if wrong]
    if faults:
        raise Invalid(faults)


def _recent(user: User) -> Mapping[str, list[datetime]]:
    """When the mails of each kind were queued that a user was sent in the last hour, newest first."""
    rows = Mail.objects.filter(user=user, created_at__gt=timezone.now() - _HOUR).order_by("-created_at")
    moments: dict[str, list[datetime]] = defaultdict(list)
    for kind, moment in rows.values_list("kind", "created_at"):
        moments[kind].append(moment)
    return moments


def _is_room(moments: Sequence[datetime]) -> bool:
    return len(moments) < settings.MAILS_PER_HOUR


def _too_many(moments: Sequence[datetime]) -> TooManyRequests:
    """The refusal of one more mail: until the one is an hour old that leaves room for it."""
    limit: int = settings.MAILS_PER_HOUR
    left = moments[limit - 1] + _HOUR - timezone.now()
    wait = max(1, math.ceil(left.total_seconds()))
    return TooManyRequests(wait, Quota(limit=limit, remaining=0, reset=wait))


def _queue(mails: Iterable[Mail]) -> None:
    Mail.objects.bulk_create(mails, batch_size=events.BATCH_SIZE)


def _record(*, actor: Actor | None, purpose: Purpose, user_ids: Iterable[int | None]) -> None:
    audit.record_all(
        [audit.Entry(actor=actor, action=f"{purpose}.requested", target=("user", user_id)) for user_id in user_ids]
    )
