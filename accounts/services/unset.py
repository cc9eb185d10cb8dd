"""How a service is told that something was not sent."""

from enum import Enum
from typing import Final


class Unset(Enum):
    """The type of `UNSET`: what was not sent stays as it is; None is a value."""

    UNSET = "unset"


UNSET: Final = Unset.UNSET
