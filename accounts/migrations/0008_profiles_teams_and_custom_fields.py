import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from usermgmt.columns import FoldedField, compare_bytes


class Migration(migrations.Migration):
    """What users tell of themselves, teams of a client, definitions of custom fields, permissions for roles."""

    dependencies = [
        ("accounts", "0007_event_indexes"),
        ("clients", "0002_compare_folded_columns_by_bytes"),
    ]

    operations = [
        migrations.AlterModelOptions(
            name="user",
            options={
                "ordering": ["id"],
                "permissions": [
                    ("create-user", "Create users of the own client"),
                    ("edit-other-user-info", "Edit other users of the own client"),
                    ("edit-other-user-active-status", "Activate and deactivate other users of the own client"),
                    ("delete-user", "Delete users of the own client"),
                    ("view-full-other-user-info", "See all that is known of other users of the own client"),
                    ("assign-admin-role", "Assign the role of an administrator"),
                    ("api-bypass-rate-limit", "Call without a limit in number"),
                ],
            },
        ),
        migrations.AddField(
            model_name="user",
            name="bio",
            field=models.TextField(blank=True, max_length=260),
        ),
        migrations.AddField(
            model_name="user",
            name="custom_fields",
            field=models.JSONField(blank=True, default=dict),
        ),
        migrations.AddField(
            model_name="user",
            name="nickname",
            field=models.CharField(blank=True, max_length=120),
        ),
        migrations.AddField(
            model_name="user",
            name="status_text",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AlterField(
            model_name="mail",
            name="kind",
            field=models.CharField(
                choices=[
                    ("password_reset", "password reset"),
                    ("email_verification", "e-mail verification"),
                    ("invitation", "invitation"),
                    ("password_changed", "password changed"),
                    ("email_changed", "e-mail changed"),
                    ("welcome", "welcome"),
                    ("random_password", "random password"),
                ],
                max_length=32,
            ),
        ),
        migrations.CreateModel(
            name="CustomField",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=64)),
                (
                    "kind",
                    models.CharField(
                        choices=[("text", "text"), ("select", "select")],
                        default="text",
                        max_length=16,
                        verbose_name="type",
                    ),
                ),
                ("required", models.BooleanField(default=False)),
                ("min_length", models.PositiveIntegerField(blank=True, null=True)),
                ("max_length", models.PositiveIntegerField(blank=True, null=True)),
                ("options", models.JSONField(blank=True, default=list)),
                ("public", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("name",), name="custom_field_name_unique", violation_error_code="taken"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("name__regex", "\\A[0-9A-Za-z._-]+\\Z")),
                        name="custom_field_name_form",
                        violation_error_code="invalid",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("min_length", None),
                            ("max_length", None),
                            ("min_length__lte", models.F("max_length")),
                            _connector="OR",
                        ),
                        name="custom_field_lengths",
                        violation_error_code="invalid",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Membership",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="memberships",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Team",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=255)),
                ("name_folded", FoldedField()),
                ("join_by_default", models.BooleanField(default=False)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                (
                    "client",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="teams", to="clients.client"
                    ),
                ),
                (
                    "members",
                    models.ManyToManyField(
                        related_name="teams", through="accounts.Membership", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.AddField(
            model_name="membership",
            name="team",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="memberships", to="accounts.team"
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.UniqueConstraint(
                fields=("client", "name_folded"), name="team_name_unique", violation_error_code="taken"
            ),
        ),
        migrations.AddConstraint(
            model_name="team",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "\\S")), name="team_name_not_blank", violation_error_code="blank"
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.UniqueConstraint(
                fields=("team", "user"), name="membership_unique", violation_error_code="taken"
            ),
        ),
        compare_bytes("accounts.Team", "name_folded"),
    ]
