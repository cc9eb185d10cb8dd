import sys

from django.db import migrations

from accounts import trigrams


def make(apps, schema_editor):
    connection = schema_editor.connection
    if connection.vendor != "postgresql":
        return
    reason = trigrams.make(connection.alias)
    if reason is not None:
        # No reason to have no directory: all works without, only slower.
        sys.stderr.write(
            f"\nSearches read all users: the index of trigrams could not be made ({reason}). Have somebody who may run"
            " CREATE EXTENSION pg_trgm in this database, then `manage.py make_search_index`.\n"
        )


def drop(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        trigrams.drop(schema_editor.connection.alias)


class Migration(migrations.Migration):
    """A search for any part of name, e-mail or user name reads an index (PostgreSQL)."""

    dependencies = [
        ("accounts", "0013_indexes_and_blocks_of_lists"),
    ]

    operations = [migrations.RunPython(make, drop)]
