"""What a form may send and what is checked: stored configurations, not code (contract 4)."""

import uuid

from django.db import models
from django.db.models import Q
from django.utils import timezone

from usermgmt.columns import OrderedJSONField

NAME_MAX_LENGTH = 255
NAME_FORM = r"\A[0-9a-z_./-]+\Z"  # small letters and no spaces; a file's path can be one


class FormConfiguration(models.Model):
    """One configuration, which staff write; `name` is what programs ask for.

    fields: which there are and how each is checked; the vocabulary is in `rules`. resource_owner: of update, whether
    callers change anyone or themselves. default_payload: what is laid over each form. authorization_policies: names of
    `policies.POLICIES`, all of which must let a caller pass. request_allowed: whether programs may use it at all.
    email_notifications: names of `notifications.NOTIFICATIONS`, sent when a form was taken.
    revision: another with every write; what is kept of a configuration in a process is kept by it.
    """

    class Resource(models.TextChoices):
        """What its forms are about."""

        USER = "User", "User"
        SESSION = "Session", "Session"

    class Owner(models.TextChoices):
        """Whom an update may be about."""

        SELF = "self", "self"
        ANYONE = "anyone", "anyone"

    name = models.CharField(max_length=NAME_MAX_LENGTH)
    resource = models.CharField(max_length=16, choices=Resource, default=Resource.USER)
    fields = OrderedJSONField(default=dict, blank=True)
    resource_owner = models.CharField(max_length=16, choices=Owner, default=Owner.SELF)
    default_payload = OrderedJSONField(default=dict, blank=True)
    authorization_policies = models.JSONField(default=list, blank=True)
    request_allowed = models.BooleanField(default=True)
    email_notifications = models.JSONField(default=list, blank=True)
    revision = models.UUIDField(default=uuid.uuid4, editable=False)
    version = models.PositiveIntegerField(default=1, editable=False)  # raised by every write
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["name"], name="form_configuration_name_unique", violation_error_code="taken"
            ),
            models.CheckConstraint(
                condition=Q(name__regex=NAME_FORM),
                name="form_configuration_name_form",
                violation_error_code="invalid",
            ),
        ]

    def __str__(self) -> str:
        return self.name
