"""What the audit trail tells of: for each kind of target the rows that name it, and the page of staff that shows it.

Apps add theirs when they are ready (`AppConfig.ready`); a dialect with rows of its own does so, too.
"""

from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet


@dataclass(frozen=True, slots=True)
class Target:
    """model: whose rows they are. column: that names one. page: the URL name of the page that takes its number."""

    model: type[Model]
    column: str
    page: str

    def names(self) -> QuerySet[Any, Any]:
        """The name of each row."""
        return self.model._default_manager.values(self.column)


TARGETS: dict[str, Target] = {}


def add(kind: str, model: type[Model], column: str, *, page: str) -> None:
    """Have the trail name rows of a kind; see `Target`."""
    TARGETS[kind] = Target(model, column, page)
