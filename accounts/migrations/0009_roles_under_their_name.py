import django.contrib.auth.models
from django.db import migrations


class Migration(migrations.Migration):
    """Roles are Django's groups; staff see them under this name."""

    dependencies = [
        ("accounts", "0008_profiles_teams_and_custom_fields"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [
        migrations.CreateModel(
            name="RoleGroup",
            fields=[],
            options={"verbose_name": "role", "proxy": True, "indexes": [], "constraints": []},
            bases=("auth.group",),
            managers=[("objects", django.contrib.auth.models.GroupManager())],
        ),
    ]
