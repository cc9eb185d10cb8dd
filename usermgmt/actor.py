"""Who does something, as far as rules below `accounts` need to know."""

from typing import Protocol


class Actor(Protocol):
    """A signed-in user. Services take `Actor | None`: None is the operator at `manage.py`."""

    @property
    def pk(self) -> int: ...

    is_superuser: bool
    client_id: int | None
