import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

from usermgmt.columns import OrderedJSONField


def record(name, *fields, **options):
    """A table of records. fields: those that it has beyond those of every record."""
    return migrations.CreateModel(
        name=name,
        fields=[
            ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
            ("properties", models.JSONField(blank=True, default=dict)),
            ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            (
                "type",
                models.ForeignKey(
                    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.recordtype"
                ),
            ),
            *fields,
        ],
        options={"ordering": ["id"], **options},
    )


def of_user(related_name):
    """A key to a user with whom the record goes."""
    return models.ForeignKey(
        on_delete=django.db.models.deletion.CASCADE, related_name=related_name, to=settings.AUTH_USER_MODEL
    )


class Migration(migrations.Migration):
    """Profiles, relationships and transactables of users, their types, and four columns of users."""

    dependencies = [
        ("accounts", "0010_names_in_two_parts"),
        ("clients", "0002_compare_folded_columns_by_bytes"),
    ]

    operations = [
        migrations.AddField("user", "external_id", models.CharField(blank=True, max_length=255)),
        migrations.AddField("user", "featured", models.BooleanField(default=False)),
        migrations.AddField("user", "properties", models.JSONField(blank=True, default=dict)),
        migrations.AddField("user", "public_profile", models.BooleanField(default=False)),
        migrations.AddConstraint(
            "user",
            models.UniqueConstraint(
                condition=Q(client__isnull=False) & ~Q(external_id=""),
                fields=("client", "external_id"),
                name="user_external_id_unique",
                violation_error_code="taken",
            ),
        ),
        migrations.AddConstraint(
            "user",
            models.UniqueConstraint(
                condition=Q(client__isnull=True) & ~Q(external_id=""),
                fields=("external_id",),
                name="user_external_id_unique_among_administrators",
                violation_error_code="taken",
            ),
        ),
        migrations.CreateModel(
            name="RecordType",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("profile", "profile"),
                            ("relationship", "relationship"),
                            ("transactable", "transactable"),
                        ],
                        max_length=16,
                    ),
                ),
                ("name", models.CharField(max_length=64)),
                ("properties", OrderedJSONField(blank=True, default=dict)),
                ("version", models.PositiveIntegerField(default=1, editable=False)),
                ("created_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
                ("updated_at", models.DateTimeField(default=django.utils.timezone.now, editable=False)),
            ],
            options={
                "ordering": ["kind", "name"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("kind", "name"), name="record_type_unique", violation_error_code="taken"
                    ),
                    models.CheckConstraint(
                        condition=Q(name__regex=r"\A[0-9A-Za-z_-]+\Z"),
                        name="record_type_name_form",
                        violation_error_code="invalid",
                    ),
                ],
            },
        ),
        record(
            "UserProfile",
            ("user", of_user("profiles")),
            verbose_name="profile",
            constraints=[
                models.UniqueConstraint(fields=("user", "type"), name="profile_unique", violation_error_code="taken")
            ],
        ),
        record(
            "Relationship",
            ("user", of_user("relationships")),
            ("related_user", of_user("related_by")),
            constraints=[
                models.UniqueConstraint(
                    fields=("user", "type", "related_user"), name="relationship_unique", violation_error_code="taken"
                ),
                models.CheckConstraint(
                    condition=~Q(user=F("related_user")), name="relationship_of_two", violation_error_code="invalid"
                ),
            ],
        ),
        record(
            "Transactable",
            ("user", of_user("transactables")),
            ("name", models.CharField(blank=True, max_length=255)),
            ("description", models.TextField(blank=True, max_length=10000)),
            ("currency", models.CharField(default="USD", max_length=3)),
            ("enabled", models.BooleanField(default=True)),
            constraints=[
                models.CheckConstraint(
                    condition=Q(currency__regex=r"\A[A-Z]{3}\Z"),
                    name="transactable_currency_form",
                    violation_error_code="invalid",
                ),
            ],
        ),
    ]
