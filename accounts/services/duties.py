"""The duty to change a password: what brings it, what it forbids, what ends it."""

from collections.abc import Collection, Mapping
from typing import Any

from accounts import passwords, policies
from accounts.models import User
from usermgmt.actor import Actor
from usermgmt.errors import MustChangePassword


def of_new_user(*, actor: Actor | None, password: str | None, said: bool | None) -> bool:
    """Whether a user to be must change the password. said: what the caller says; None leaves it to the setting."""
    if said is not None:
        return said
    chosen = password is not None and policies.chooses_for_another(actor, None)
    return chosen and passwords.must_change(staff=False)


def check(*, actor: Actor | None, user: User, sent: Mapping[str, Any], unreadable: Collection[str]) -> None:
    """Raise MustChangePassword if the actor must, and changes anything without the own password.

    unreadable: the fields that were sent, and could not be read.
    """
    if actor is not None and actor.must_change_password:
        chosen = sent.get("password") is not None or "password" in unreadable
        if actor.pk != user.pk or not chosen:
            raise MustChangePassword


def settle(*, actor: Actor | None, user: User, sent: dict[str, Any]) -> None:
    """Say whether the password that is sent must be changed, where the caller does not."""
    if sent.get("password") is None:
        return
    if actor is not None and actor.pk == user.pk and user.must_change_password:
        sent["must_change_password"] = False  # done, even if the duty was sent back along with it
    elif "must_change_password" not in sent:
        chosen = policies.chooses_for_another(actor, user.pk)
        # What was chosen for somebody may bring the duty; it never takes it away.
        sent["must_change_password"] = chosen and (user.must_change_password or passwords.must_change(staff=False))


def is_dodged(*, actor: Actor | None, user: User, sent: Mapping[str, Any]) -> bool:
    """Whether somebody would be done with the duty by the password that is there. Costs a hash, where it can be."""
    if sent.get("password") is None or policies.chooses_for_another(actor, user.pk):
        return False
    done = user.must_change_password and sent.get("must_change_password") is False
    return done and passwords.verified(sent["password"], user.password)
