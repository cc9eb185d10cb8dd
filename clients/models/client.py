"""A client: a customer, a tenant; whoever belongs to one is a regular user."""

from django.db import models
from django.utils import timezone

from clients.managers import ClientManager
from usermgmt.columns import FoldedField, FoldsColumns

NAME_MAX_LENGTH = 255


class Client(FoldsColumns):
    name = models.CharField(max_length=NAME_MAX_LENGTH)
    name_folded = FoldedField(sources=["name"])
    version = models.PositiveIntegerField(default=1, editable=False)  # raised by every write; the ETag
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = ClientManager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["name_folded"], name="client_name_unique", violation_error_code="taken"),
            models.CheckConstraint(
                condition=models.Q(name__regex=r"\S"), name="client_name_not_blank", violation_error_code="blank"
            ),
        ]

    def __str__(self) -> str:
        return self.name
