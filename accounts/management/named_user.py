"""The user that an operator names on the command line."""

from django.core.management.base import CommandError

from accounts.models import User
from usermgmt.http.ids import is_id


def find(text: str) -> User | None:
    """The user of that number or e-mail address."""
    users = User.objects.select_related("client")
    user: User | None = (users.filter(pk=int(text)) if is_id(text) else users.with_email(text)).first()
    return user


def user_named(text: str) -> User:
    """The same; raises CommandError if there is none."""
    user = find(text)
    if user is None:
        raise unknown(text)
    return user


def unknown(text: str) -> CommandError:
    """What tells that there is no such user."""
    return CommandError(f"There is no user {text}.")
