"""Roles: Django groups whose name is the role's id. Which there are, and which are a user's."""

from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group

if TYPE_CHECKING:
    from accounts.models import User

ADMINISTRATOR = "admin"
"""What contracts with roles call the one fact that makes an administrator, no client. No group has this name."""

DEFAULT = "user"
"""The role of a regular user to whom nobody gave any."""

BUILT_IN = (DEFAULT, "guest", "bot")
"""There from the start, and for good: clients of Rocket.Chat name them."""

NAME_MAX_LENGTH = 150  # Django's column


def make_built_in(**signal: object) -> None:
    """See that the roles are there that always are; after every migration, and after every flush."""
    database = str(signal.get("using") or "default")
    present = set(Group.objects.using(database).filter(name__in=BUILT_IN).values_list("name", flat=True))
    Group.objects.using(database).bulk_create([Group(name=name) for name in BUILT_IN if name not in present])


def given_to(user: "User") -> list[str]:
    """The roles that somebody gave to the user, in the order of their names; as they were read, if they were."""
    return sorted(group.name for group in user.groups.all()) if user.roles_read is None else list(user.roles_read)


def read_of(users: Collection["User"]) -> None:
    """Read the roles of all of them in one query, for `given_to`. A prefetch would make a manager for each user."""
    groups: Any = Group  # what Django makes of relations has no types
    members = groups.user_set.through.objects
    names: dict[int, list[str]] = {user.id: [] for user in users}
    for user_id, name in members.filter(user_id__in=list(names)).values_list("user_id", "group__name"):
        names[user_id].append(name)
    for user in users:
        user.roles_read = sorted(names[user.id])


def of(user: "User") -> list[str]:
    """The roles of the user as contracts with roles tell them: an administrator is `admin`, whoever has none `user`."""
    given = given_to(user)
    return [ADMINISTRATOR, *given] if user.is_superuser else effective(given)


def effective(given: Collection[str]) -> list[str]:
    """What roles that were given to a regular user come to: with none there is the default one."""
    return sorted(set(given)) or [DEFAULT]


def missing(names: Iterable[str], known: Collection[str] | None = None) -> list[str]:
    """Those of the names that are no group's, in the order given. known: the names of all, where they were read."""
    # Not asked by name: nobody says how many names are sent.
    found = set(Group.objects.values_list("name", flat=True)) if known is None else known
    return [name for name in dict.fromkeys(names) if name not in found]
