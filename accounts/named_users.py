"""The user whom a call names, found by the question that finds who calls: one question to the database less.

So it is where that is an administrator by a token of a sign-in, for whom everybody is there; of others the statement
looks at nobody, so that its time tells nothing of whom they may not see. They ask on their own, as SQLite does.

A view tells whom its call names by a method `named`, which the authentication asks (`accounts.authentication`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from usermgmt import statements
from usermgmt.statements import OfFirst, Statement, Together

if TYPE_CHECKING:
    from accounts.models import User


class Finder:
    """What finds the user of a number, as administrators see users.

    build: gives the queryset, called with the number.
    """

    def __init__(self, build: Callable[[Any], Any]) -> None:
        self._alone: Statement[User] = Statement(build, user_id=int)
        self._along: Statement[User] = Statement(
            lambda user_id: build(user_id).filter(OfFirst("is_superuser")), user_id=int
        )
        self._together: dict[Statement[User], Together[User, User]] = {}

    def one(self, actor: Any, user_id: int) -> "User | None":
        """The user; as it was read along with the actor, the first time that it is asked for."""
        along: Along | None = getattr(actor, "along", None)
        if along is None or along.finder is not self or along.user_id != user_id:
            return self._alone.one(user_id=user_id)
        actor.along = None  # who asks again wants to know what is there now
        return along.user

    def along(self, caller: "Statement[User]", user_id: int, values: dict[str, int]) -> "User | None":
        """Who calls, found by a statement for these values, with the user of that number, for `one`."""
        if not statements.can_ask_along(caller.model):
            return caller.one(**values)
        together = self._together.get(caller)
        if together is None:
            together = self._together[caller] = Together(caller, self._along)
        actor, user = together.both(values, {"user_id": user_id})
        if actor is not None and actor.is_superuser:
            actor.along = Along(self, user_id, user)
        return actor


@dataclass(frozen=True, slots=True)
class Along:
    """Whom `finder` found for a number. user: None: nobody."""

    finder: Finder
    user_id: int
    user: "User | None"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom a call names, and what will be asked for them."""

    finder: Finder
    user_id: int
