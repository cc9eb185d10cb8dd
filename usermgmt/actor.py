"""Who does something, as far as rules below `accounts` need to know."""

from collections.abc import Collection
from typing import Protocol


class Actor(Protocol):
    """A signed-in user. Services take `Actor | None`: None is the operator at `manage.py`."""

    @property
    def pk(self) -> int: ...

    is_superuser: bool
    must_change_password: bool
    """Whether the actor may do nothing but choose a new password."""
    client_id: int | None
    scope_id: int | None
    """The client that the token at hand is bound to; then nothing outside of it is there for the actor."""
    token_id: int | None
    """The API token at hand; None: the actor signed in."""
    token_version: int
    """What every token and session of the actor names; once the user's row has another one, all of them are dead."""
    grants: Collection[str]
    """What the actor's roles allow, where the contract at hand knows roles; else nothing (accounts.grants)."""
