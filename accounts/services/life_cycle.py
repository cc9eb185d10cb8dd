"""What the holder of a one-time token does: choose a password, prove an address (native contract 7)."""

from collections.abc import Collection, Sequence
from typing import Any

from accounts import passwords
from accounts.models import OneTimeToken, Purpose, User
from accounts.services import one_time_tokens, users
from usermgmt import audit
from usermgmt.errors import Fault, Invalid, all_faults

CHOOSING = (Purpose.PASSWORD_RESET, Purpose.INVITATION)
"""What lets its holder choose a password: the second one, or the first."""


def choose_password(
    *,
    token: str,
    password: str,
    password_confirmation: str,
    purposes: Collection[Purpose] = CHOOSING,
    reported: Sequence[Fault] = (),
) -> User:
    """Give the holder of a token the password that they chose.

    The token dies, and with it every other of the user, and all sign-ins end. The link came by mail, so the
    address is proven as well. What is refused leaves the token as it was. Raises Invalid, with every fault.
    """
    found = one_time_tokens.find(token=token, purposes=purposes)
    faults = _token_faults(token, found)
    if password:
        faults += passwords.check_confirmation(password, password_confirmation)
    elif not password_confirmation:
        faults.append(Fault("password_confirmation", "blank"))
    if found is None:
        nobody = passwords.Owner()  # whom the password must not resemble is not known
        faults += passwords.check(password, owner=nobody, policy=passwords.standard())
        raise Invalid(all_faults(reported, faults))
    return users.update(
        actor=None,  # nobody is signed in: the proof says what may be done
        user_id=found.user_id,
        password=password,
        proof=lambda user: _proven(user, token, Purpose(found.purpose)),
        reported=all_faults(reported, faults),
    )


def verify_email(*, token: str, reported: Sequence[Fault] = ()) -> User:
    """Prove the address that a token was sent to. Raises Invalid."""
    found = one_time_tokens.find(token=token, purposes=[Purpose.EMAIL_VERIFICATION])
    if found is None:
        raise Invalid(all_faults(reported, _token_faults(token, found)))
    return users.update(
        actor=None,  # nobody is signed in: the proof says what may be done
        user_id=found.user_id,
        proof=lambda user: _proven(user, token, Purpose.EMAIL_VERIFICATION),
    )


def _token_faults(token: str, found: OneTimeToken | None) -> list[Fault]:
    if not token:
        return [Fault("token", "blank")]
    return [one_time_tokens.DEAD] if found is None else []


def _proven(user: User, token: str, purpose: Purpose) -> dict[str, Any]:
    """Use up the token of the locked user; gives what it proves."""
    one_time_tokens.redeem(user=user, token=token, purpose=purpose)
    audit.record(actor=user, action=f"{purpose}.used", target=("user", user.pk))
    return {"email_verified": True}
