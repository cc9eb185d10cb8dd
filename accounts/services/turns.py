"""Who waits for whom, where users of one file are made by several processes, as if one made them in its order."""

from enum import IntEnum

from django.db import OperationalError


class Stage(IntEnum):
    """How far users are. USERS: their rows are written, and can't be refused any more; they do not show to others
    before they are IN, with all that belongs to them."""

    USERS = 1
    IN = 2


class Turn:
    """The turn of users who are made beside others, and in one order with them. Here there are no others."""

    def wait(self, stage: Stage) -> None:
        """Waits until those before are as far as that."""

    def reach(self, stage: Stage) -> None:
        """Says that these are; those behind go on from there, as though they were in already."""


class PassedOn(OperationalError):
    """Others went on from what could not be kept in the end."""
