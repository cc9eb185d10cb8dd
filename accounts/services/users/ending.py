"""Users are deleted, or signed out of everything."""

from collections.abc import Collection

from django.db import transaction
from django.db.models import F

from accounts import policies
from accounts.grants import Grant
from accounts.models import SignIn, User
from accounts.services import authority
from accounts.services.users.entries import deletion
from accounts.services.users.locking import locked
from usermgmt import audit
from usermgmt.actor import Actor
from usermgmt.errors import Forbidden, NotFound


def delete(*, actor: Actor | None, user_id: int, versions: Collection[int] | None = None) -> None:
    """Delete a user for good; the audit trail stays.

    Raises Forbidden, Invalid (the last administrator), NotFound, Stale.
    """
    if actor is not None and not (policies.can_delete(actor, user_id) or Grant.DELETE in actor.grants):
        raise Forbidden  # whoever it is
    with transaction.atomic():
        user = locked(user_id, versions, actor=actor, leaves_administrators=True)
        authority.check_deletion(actor, user)
        user.delete()
        audit.record_all([deletion(actor, user, user_id)])


def sign_out(*, actor: Actor | None, user_id: int) -> None:
    """End every sign-in of a user: each token, and each session of the admin site. Raises Forbidden, NotFound."""
    if actor is not None and not policies.can_sign_out(actor, user_id):
        raise Forbidden
    with transaction.atomic():
        present = User.objects.in_scope_of(actor).filter(pk=user_id)
        if not present.update(token_version=F("token_version") + 1):
            raise NotFound("user")
        SignIn.objects.filter(user_id=user_id).end()
        audit.record(actor=actor, action="user.signed_out", target=("user", user_id))
