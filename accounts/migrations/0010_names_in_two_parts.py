from django.db import migrations, models

from accounts import names
from usermgmt.columns import FoldedField, compare_bytes

BATCH = 2000  # rows


def fill(apps, schema_editor):
    """Make the names of users who are there already, a batch at a time."""
    users = apps.get_model("accounts", "User").objects.using(schema_editor.connection.alias).order_by("pk")
    last = 0
    columns = ("pk", "name", "given_name", "family_name")
    while batch := list(users.filter(pk__gt=last).only(*columns)[:BATCH]):
        for user in batch:
            user.first_name_shown, user.last_name_shown = names.in_parts(user.name, user.given_name, user.family_name)
        users.bulk_update(batch, ["first_name_shown", "last_name_shown"], batch_size=BATCH)
        last = batch[-1].pk


class Migration(migrations.Migration):
    """First and last names as the resource contract shows them, and what sorting them byte by byte needs."""

    dependencies = [
        ("accounts", "0009_roles_under_their_name"),
    ]

    operations = [
        migrations.AddField("user", "first_name_shown", FoldedField(default=""), preserve_default=False),
        migrations.AddField("user", "last_name_shown", FoldedField(default=""), preserve_default=False),
        compare_bytes("accounts.User", "first_name_shown", "last_name_shown", "email"),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex("user", models.Index(fields=["first_name_shown", "id"], name="user_by_first_name_shown")),
        migrations.AddIndex("user", models.Index(fields=["last_name_shown", "id"], name="user_by_last_name_shown")),
        migrations.AddIndex("user", models.Index(fields=["email", "id"], name="user_by_email")),
    ]
