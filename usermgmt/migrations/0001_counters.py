from django.db import migrations, models


def _without_a_log(apps, schema_editor):
    """Counters need not survive a crash: without the write-ahead log nobody waits for the disk to count."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("ALTER TABLE usermgmt_counter SET UNLOGGED")


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [
        migrations.CreateModel(
            name="Counter",
            fields=[
                ("key", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("count", models.PositiveIntegerField()),
                ("until", models.BigIntegerField(db_index=True)),
                ("blocked_until", models.BigIntegerField()),
            ],
        ),
        migrations.RunPython(_without_a_log, migrations.RunPython.noop),
    ]
