"""The user that a call names, where its caller may see that user."""

from accounts import emails, usernames
from accounts.models import User
from usermgmt.dialects.rocketchat.showing import sees_all
from usermgmt.errors import NotFound
from usermgmt.http.ids import id_of


def by_id(actor: User, text: str) -> User:
    """The user of that `_id`; the caller is always there for themselves. Raises NotFound."""
    user_id = id_of(text, "user")
    return actor if user_id == actor.pk else _only(User.objects.visible_one(actor, user_id))


def by_username(actor: User, name: str) -> User:
    """The user of that user name, without regard to case; likewise. Raises NotFound."""
    if not usernames.has_form(name):
        raise NotFound("user")
    if name.lower() == actor.username_canonical:
        return actor
    return _only(User.objects.visible_to(actor).with_username(name).first())


def by_email(actor: User, address: str) -> User:
    """The user of that address, where the caller may see addresses. Raises NotFound."""
    if not emails.has_form(address.strip()):
        raise NotFound("user")
    user = _only(User.objects.visible_to(actor).with_email(address).first())
    if not sees_all(actor, user):
        raise NotFound("user")
    return user


def _only(user: User | None) -> User:
    if user is None:
        raise NotFound("user")
    return user
