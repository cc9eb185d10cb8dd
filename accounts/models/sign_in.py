"""A sign-in: one family of refresh tokens, of which only the present `jti` is kept."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils import timezone


class SignInQuerySet(models.QuerySet["SignIn"]):
    """Queries on sign-ins."""

    def alive(self) -> "SignInQuerySet":
        """Those that nobody has ended, and whose last refresh token is not past."""
        return self.filter(ended_at=None, expires_at__gt=timezone.now())

    def end(self) -> None:
        """End all of them."""
        self.filter(ended_at=None).update(ended_at=timezone.now())


SignInManager = models.Manager.from_queryset(SignInQuerySet)


class SignIn(models.Model):
    """One sign-in of one user, from the password to the last of its refresh tokens."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins")
    jti = models.CharField(max_length=32)  # of the one refresh token that is alive
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True)

    objects: ClassVar[SignInManager] = SignInManager()  # type: ignore[type-arg]

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return f"sign-in {self.pk}"
