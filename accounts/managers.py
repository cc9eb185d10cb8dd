"""Which users there are, and who may see which."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib.auth.base_user import BaseUserManager
from django.db import models
from django.db.models import BigIntegerField, CharField, Q, Value
from django.db.models.functions import StrIndex
from django.db.models.lookups import GreaterThan

from accounts import counts, emails, grants, passwords, trigrams, usernames
from accounts.named_users import Finder
from usermgmt.actor import Actor
from usermgmt.columns import fold
from usermgmt.rows import ListedQuerySet
from usermgmt.statements import Statement
from usermgmt.windows import unprepared

if TYPE_CHECKING:
    from accounts.models import User


# Said by the client and not by is_superuser, which means the same (a constraint holds it), for its index.
ACTIVE_ADMINISTRATOR = models.Q(client=None, is_active=True)


class UserQuerySet(ListedQuerySet["User"]):
    def count(self) -> int:
        """As Django's; where nothing but client and state narrows the users, their number is kept."""
        group = counts.group_of(self.query) if self._result_cache is None else None
        if group is not None:
            return counts.number_of(group, self.db)
        with unprepared(self):
            return super().count()

    def has_kept_count(self) -> bool:
        """Whether their number is kept (usermgmt.windows)."""
        return counts.group_of(self.query) is not None

    def some_numbers(self, limit: int) -> list[int]:
        """The ids of so many of them, or of all, in whatever order (usermgmt.windows)."""
        with unprepared(self):
            return super().some_numbers(limit)

    def is_walked_by(self, column: str) -> bool:
        """Whether an index has these users in the order of the column, and few others between them: all users, those
        of one client by number, the inactive by number; and the active, as most are (usermgmt.windows)."""
        group = counts.group_of(self.query)
        if group is None:
            return False
        if group.clients is not None:
            return column == "id" and len(group.clients) == 1
        return column == "id" or group.active is not False

    def skipping(self, start: int, *, descending: bool) -> tuple["UserQuerySet", int]:
        """The users by number, less some blocks before the place `start` (usermgmt.windows)."""
        group = counts.group_of(self.query)
        if group is None or group.clients is not None or group.regular or start > BigIntegerField.MAX_BIGINT:
            return self, start
        found = counts.block_at(start, group.active, descending, self.db)
        if found is None:
            return self, start
        block, before = found
        first, behind = block << counts.BLOCK_BITS, (block + 1) << counts.BLOCK_BITS
        return self.filter(Q(pk__lt=behind) if descending else Q(pk__gte=first)), start - before

    def visible_to(self, actor: Actor) -> "UserQuerySet":
        """The users that `actor` may see: all for an administrator, those of the own client for whom a role lets do
        anything to them, else only themselves; of those, the ones in its scope."""
        if actor.is_superuser:
            return self.in_scope_of(actor)
        if grants.sees_own_client(actor):
            return self.filter(client=actor.client_id).in_scope_of(actor)
        return self.filter(pk=actor.pk).in_scope_of(actor)

    def in_scope_of(self, actor: Actor | None) -> "UserQuerySet":
        """The users that are there for `actor` at all: those of one client, if the token at hand is bound to it."""
        return self if actor is None or actor.scope_id is None else self.filter(client_id=actor.scope_id)

    def with_email(self, email: str) -> "UserQuerySet":
        """The user of that address, in whatever spelling; at most one."""
        return self.with_address(emails.canonical(email))

    def with_address(self, canonical: str) -> "UserQuerySet":
        """As `with_email`, in its canonical spelling; for statements that are kept, too."""
        return self.filter(email_canonical=canonical)

    def with_username(self, username: str) -> "UserQuerySet":
        """The user of that user name, without regard to case; at most one."""
        # NFKC of a megabyte of combining marks would take minutes.
        return self.filter(username_canonical=fold(username) if len(username) <= usernames.MAX_LENGTH else username)

    def active_administrators(self) -> "UserQuerySet":
        """Those of whom one must always remain."""
        return self.filter(ACTIVE_ADMINISTRATOR)

    def imported_cost(self) -> int | None:
        """The largest cost of an imported hash; None where there is none."""
        cost: int | None = self.exclude(imported_cost=None).aggregate(models.Max("imported_cost"))["imported_cost__max"]
        return cost

    def matching(self, text: str) -> "UserQuerySet":
        """Users with `text` in any part of name, e-mail or user name, without regard to case."""
        folded = fold(text)
        if "\n" in folded:  # which stands between the columns; no column can hold one (see User.search_text)
            return self.none()
        if not folded:
            return self.all()
        if len(folded) < trigrams.LETTERS:  # of which there is no index; the database reads all of it
            return self.filter(GreaterThan(StrIndex("search_text", Value(folded, output_field=CharField())), 0))
        # Of a domain that everybody has the index tells all places; so it is asked for what stands before, where there
        # is enough.
        found, at, domain = folded.partition("@")
        part = found + at if domain and len(found) >= trigrams.LETTERS else folded
        return self.filter(trigrams.Having(folded, part))


_visible: dict[tuple[bool, bool, bool, tuple[str, ...]], "Statement[User]"] = {}
"""What finds a visible user, by all that `visible_to` asks of an actor beyond numbers."""


@dataclass(frozen=True, slots=True)
class _Numbers:
    """An actor like another one, but for the numbers."""

    pk: int
    client_id: int
    scope_id: int | None
    is_superuser: bool
    grants: Collection[str]


_ANY_ADMINISTRATOR: Any = _Numbers(pk=0, client_id=0, scope_id=None, is_superuser=True, grants=frozenset())
_finders: dict[tuple[str, ...], Finder] = {}
"""What finds a user for administrators, by what is read."""


class UserManager(BaseUserManager.from_queryset(UserQuerySet)):  # type: ignore[misc]  # made at run time
    def visible_one(self, actor: Actor, user_id: int, columns: tuple[str, ...] = ()) -> "User | None":
        """The user of that number, client included, if `actor` may see them; what `visible_to` finds.

        columns: what is read, as `only` takes it; none: everything. Each choice is a statement that is kept.
        """
        if actor.is_superuser and actor.scope_id is None:
            return self.finder(columns).one(actor, user_id)
        kind = (actor.is_superuser, actor.scope_id is None, grants.sees_own_client(actor), columns)
        statement = _visible.get(kind)
        if statement is None:
            unbound, is_superuser, granted = actor.scope_id is None, actor.is_superuser, actor.grants

            def found(user_id: int, actor_id: int, client_id: int, scope_id: int) -> Any:
                like: Any = _Numbers(actor_id, client_id, None if unbound else scope_id, is_superuser, granted)
                visible = self.visible_to(like).select_related("client").filter(pk=user_id)
                return visible.only(*columns) if columns else visible

            statement = _visible[kind] = Statement(found, user_id=int, actor_id=int, client_id=int, scope_id=int)
        return statement.one(
            user_id=user_id, actor_id=actor.pk, client_id=actor.client_id or 0, scope_id=actor.scope_id or 0
        )

    def finder(self, columns: tuple[str, ...] = ()) -> Finder:
        """What finds whom administrators see, for `visible_one`."""
        finder = _finders.get(columns)
        if finder is None:

            def found(user_id: int) -> Any:
                visible = self.visible_to(_ANY_ADMINISTRATOR).select_related("client").filter(pk=user_id)
                return visible.only(*columns) if columns else visible

            finder = _finders[columns] = Finder(found)
        return finder

    def get_by_natural_key(self, username: str | None) -> "User":
        user: User = self.with_email(username or "").get()
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        """Make an administrator, for Django's `createsuperuser`, which asks whether to bypass the policy."""
        from accounts.services import users  # services stand above managers; Django calls this door

        return users.create(
            actor=None,
            name=fields.get("name") or email.partition("@")[0],
            email=email,
            password=password or None,
            client_id=None,
            password_policy=passwords.operators(),
        )
