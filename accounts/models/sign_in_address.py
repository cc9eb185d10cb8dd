"""Where a user signed in from before: there, nobody else's guesses lock them out (DESIGN 3)."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class SignInAddress(models.Model):
    """An address, or an IPv6 network of 64 bits, that a user signed in from."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_in_addresses")
    address = models.CharField(max_length=64)
    last_used_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[models.Manager["SignInAddress"]] = models.Manager()

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["user", "address"], name="sign_in_address_unique", violation_error_code="taken"
            ),
        ]

    def __str__(self) -> str:
        return self.address
