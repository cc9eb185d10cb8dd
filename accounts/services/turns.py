"""Who waits for whom, where users of one file are made by several processes, as if one made them in its order."""

from enum import IntEnum

from django.db import OperationalError, connection


class Stage(IntEnum):
    """How far users are. USERS: their rows are written, and nothing but the trail is left. TRAIL: that is, too. Neither
    shows to others before all is IN."""

    USERS = 1
    TRAIL = 2
    IN = 3


class Turn:
    """The turn of users who are made beside others, and in one order with them. Here there are no others."""

    def wait(self, stage: Stage) -> None:
        """Waits until those before are as far as that."""

    def reach(self, stage: Stage) -> None:
        """Says that these are; those behind go on from there, as though they were in already."""


class PassedOn(OperationalError):
    """Others went on from what could not be kept in the end."""


def pass_on(turn: Turn) -> bool:
    """Let those behind go on, where nothing of the transaction can be refused any more, and wait for those before;
    whether it did. SQLite has one writer: nobody could go on."""
    goes_on = connection.vendor == "postgresql"
    if goes_on:
        connection.check_constraints()  # that of the client, too, which would wait for the commit
        turn.reach(Stage.USERS)
    turn.wait(Stage.IN)
    return goes_on
