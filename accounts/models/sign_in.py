"""A sign-in: one family of refresh tokens, of which only the present `jti` is kept."""

from django.conf import settings
from django.db import models
from django.utils import timezone


class SignIn(models.Model):
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    jti = models.CharField(max_length=32)  # of the one refresh token that is alive
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"sign-in {self.pk}"
