"""The queue of mails: what is to be sent, never a secret in it (native contract 7)."""

from datetime import timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone

SENDING_TAKES = timedelta(minutes=10)  # at the very most; the mail server's silence ends it far sooner


class MailQuerySet(models.QuerySet["Mail"]):
    """Queries on the queue."""

    def due(self) -> "MailQuerySet":
        """Those to be sent now."""
        return self.filter(state=Mail.State.QUEUED, due_at__lte=timezone.now())

    def interrupted(self) -> "MailQuerySet":
        """Those whose process died while it sent them: nobody knows whether they went out."""
        return self.filter(state=Mail.State.SENDING, claimed_at__lt=timezone.now() - SENDING_TAKES)

    def failed(self) -> "MailQuerySet":
        """Those that were given up."""
        return self.filter(state=Mail.State.FAILED)


MailManager = models.Manager.from_queryset(MailQuerySet)


class Mail(models.Model):
    """A mail to be sent, or that was sent. Its text is made when it is sent, and so is the token in its link:
    what lies here would help nobody who reads it.

    user: None for a reset that was asked for an address nobody has; such a row is thrown away unsent. It is
    there so that asking costs the same for every address.
    """

    class Kind(models.TextChoices):
        """What the mail says."""

        PASSWORD_RESET = "password_reset", "password reset"
        EMAIL_VERIFICATION = "email_verification", "e-mail verification"
        INVITATION = "invitation", "invitation"
        PASSWORD_CHANGED = "password_changed", "password changed"
        EMAIL_CHANGED = "email_changed", "e-mail changed"
        WELCOME = "welcome", "welcome"
        RANDOM_PASSWORD = "random_password", "random password"  # made when it is sent, and kept nowhere

    class State(models.TextChoices):
        """Where it is on its way."""

        QUEUED = "queued", "queued"
        SENDING = "sending", "being sent"  # stays so if the process dies: nobody knows whether it went out
        SENT = "sent", "sent"
        FAILED = "failed", "given up"

    kind = models.CharField(max_length=32, choices=Kind)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, related_name="mails")
    address = models.CharField(max_length=255)  # to whom, as given
    state = models.CharField(max_length=16, choices=State, default=State.QUEUED)
    attempts = models.PositiveSmallIntegerField(default=0)
    error = models.CharField(max_length=255, blank=True)  # of the last attempt
    created_at = models.DateTimeField(default=timezone.now)
    due_at = models.DateTimeField(default=timezone.now)  # not before
    claimed_at = models.DateTimeField(null=True)  # when a process last took it to send it
    sent_at = models.DateTimeField(null=True)

    objects: ClassVar[MailManager] = MailManager()  # type: ignore[type-arg]

    class Meta:
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=["queued", "sending", "sent", "failed"]),
                name="mail_state_known",
                violation_error_code="invalid",
            ),
        ]
        indexes = [models.Index(fields=["due_at"], condition=Q(state="queued"), name="mail_due")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.pk}"
