import uuid

import django.utils.timezone
from django.db import migrations, models

from usermgmt.columns import OrderedJSONField


class Migration(migrations.Migration):
    """What the forms of the forms contract may send, and what is checked."""

    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="FormConfiguration",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                (
                    "resource",
                    models.CharField(choices=[("User", "User"), ("Session", "Session")], default="User", max_length=16),
                ),
                ("fields", OrderedJSONField(blank=True, default=dict)),
                (
                    "resource_owner",
                    models.CharField(choices=[("self", "self"), ("anyone", "anyone")], default="self", max_length=16),
                ),
                ("default_payload", OrderedJSONField(blank=True, default=dict)),
                ("authorization_policies", models.JSONField(blank=True, default=list)),
                ("request_allowed", models.BooleanField(default=True)),
                ("email_notifications", models.JSONField(blank=True, default=list)),
                ("revision", models.UUIDField(default=uuid.uuid4, editable=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name",), name="form_configuration_name_unique", violation_error_code="taken"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "\\A[0-9a-z_./-]+\\Z")),
                        name="form_configuration_name_form",
                        violation_error_code="invalid",
                    ),
                ],
            },
        ),
    ]
