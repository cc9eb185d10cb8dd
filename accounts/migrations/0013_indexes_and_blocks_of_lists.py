from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

_before = import_module("accounts.migrations.0012_kept_counts")

# Beside levels 0 and 1 (0012): level 2, of each block of 1,024 numbers of users, and level 3, of each 32 blocks.
# There `client_id` is the number of the block. So the user at a place far down the list is found by adding up.
_LEVELS = ((0, "0"), (1, "coalesce({row}client_id, 0)"), (2, "{row}id >> 10"), (3, "{row}id >> 15"))


def _groups(table, sign=""):
    return " UNION ALL ".join(
        f"SELECT {level}, {group}, is_active, {sign}count(*) FROM {table} GROUP BY {group}, is_active"  # noqa: S608
        if level
        else f"SELECT 0, 0, is_active, {sign}count(*) FROM {table} GROUP BY is_active"  # noqa: S608
        for level, group in ((level, group.format(row="")) for level, group in _LEVELS)
    )


_INSERT = "INSERT INTO accounts_kept_count (level, client_id, is_active, number)"
_FILL = f"DELETE FROM accounts_kept_count; {_INSERT} {_groups('accounts_user')};"  # noqa: S608  # nobody's words


def _folded(clients, numbers):
    """Now and then the rows of a group become one; whatever somebody else holds waits for another time. The block
    before goes with the one at hand: when a new one is begun, nobody may come back to it."""
    return f"""
        IF random() < 0.02 THEN
            WITH blocks AS (
                SELECT DISTINCT number >> 10 AS block FROM ({numbers}) AS touched (number)
            ), chosen AS (
                SELECT id FROM accounts_kept_count
                WHERE level = 0 OR (level = 1 AND client_id IN ({clients}))
                    OR (level = 2 AND client_id IN (SELECT block FROM blocks UNION SELECT block - 1 FROM blocks))
                    OR (level = 3 AND client_id IN (SELECT block >> 5 FROM blocks))
                FOR UPDATE SKIP LOCKED
            ), gone AS (
                DELETE FROM accounts_kept_count WHERE id IN (SELECT id FROM chosen)
                RETURNING level, client_id, is_active, number
            )
            {_INSERT}
            SELECT level, client_id, is_active, sum(number) FROM gone GROUP BY level, client_id, is_active
            HAVING sum(number) <> 0;
        END IF;
    """  # noqa: S608  # nothing here comes from anybody


def _of_table(name, table, sign):
    folded = _folded(f"SELECT coalesce(client_id, 0) FROM {table}", f"SELECT id FROM {table}")  # noqa: S608
    return f"""
        CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            {_INSERT} {_groups(table, sign)};
            {folded}
            RETURN NULL;
        END
        $$
    """


_FUNCTIONS = (
    _of_table("accounts_count_more", "made", ""),
    _of_table("accounts_count_less", "gone", "-"),
    f"""
    CREATE OR REPLACE FUNCTION accounts_count_moved() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        {_INSERT}
        VALUES (1, coalesce(OLD.client_id, 0), OLD.is_active, -1), (1, coalesce(NEW.client_id, 0), NEW.is_active, 1);
        IF OLD.is_active <> NEW.is_active THEN
            {_INSERT}
            VALUES (0, 0, OLD.is_active, -1), (0, 0, NEW.is_active, 1),
                (2, OLD.id >> 10, OLD.is_active, -1), (2, NEW.id >> 10, NEW.is_active, 1),
                (3, OLD.id >> 15, OLD.is_active, -1), (3, NEW.id >> 15, NEW.is_active, 1);
        END IF;
        {_folded("coalesce(OLD.client_id, 0), coalesce(NEW.client_id, 0)", "SELECT OLD.id")}
        RETURN NULL;
    END
    $$
    """,  # noqa: S608  # nothing here comes from anybody
)


def _is_of(row):
    return "(" + " OR ".join(f"(level = {level} AND client_id = {group})" for level, group in _named(row)) + ")"


def _named(row):
    return [(level, group.format(row=f"{row}.")) for level, group in _LEVELS]


def _made_sure(row):
    return "".join(
        f"""
        {_INSERT} SELECT {level}, {group}, {row}.is_active, 0 WHERE NOT EXISTS (
            SELECT 1 FROM accounts_kept_count
            WHERE level = {level} AND client_id = {group} AND is_active = {row}.is_active
        );
        """  # noqa: S608  # nothing here comes from anybody
        for level, group in _named(row)
    )


def _counted(row, number):
    return f"""
        UPDATE accounts_kept_count SET number = number + ({number})
        WHERE is_active = {row}.is_active AND {_is_of(row)};
    """  # noqa: S608  # nothing here comes from anybody


_TRIGGERS = (
    f"""
    CREATE TRIGGER accounts_user_less AFTER DELETE ON accounts_user BEGIN {_counted("OLD", -1)} END
    """,
    f"""
    CREATE TRIGGER accounts_user_more AFTER INSERT ON accounts_user
    BEGIN {_made_sure("NEW")} {_counted("NEW", 1)} END
    """,
    f"""
    CREATE TRIGGER accounts_user_moved AFTER UPDATE OF client_id, is_active ON accounts_user
    WHEN OLD.client_id IS NOT NEW.client_id OR OLD.is_active <> NEW.is_active
    BEGIN {_counted("OLD", -1)} {_made_sure("NEW")} {_counted("NEW", 1)} END
    """,
)


def _run(schema_editor, statements):
    for statement in statements:
        schema_editor.execute(statement)


def _forget(apps, schema_editor):
    """SQLite makes the table anew when a column is altered, and its triggers are gone with the old one."""
    if schema_editor.connection.vendor == "sqlite":
        _run(schema_editor, _before._DROP["sqlite"])


def _keep(apps, schema_editor):
    if schema_editor.connection.vendor == "sqlite":
        _run(schema_editor, _TRIGGERS)
    else:
        _run(schema_editor, _FUNCTIONS)
    _run(schema_editor, _FILL.split(";")[:-1])


def _keep_less(apps, schema_editor):
    """The triggers of 0012 again."""
    if schema_editor.connection.vendor == "sqlite":
        _run(schema_editor, _before._KEPT["sqlite"])
        return
    functions = [text for text in _before._KEPT["postgresql"] if "CREATE FUNCTION" in text]
    _run(schema_editor, [text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION") for text in functions])


def _forget_blocks(apps, schema_editor):
    _forget(apps, schema_editor)
    schema_editor.execute("DELETE FROM accounts_kept_count WHERE level > 1")


def _index_latest(apps, schema_editor):
    """Who signed in last, and at the end who never did. SQLite has them so backwards in `user_by_last_sign_in`."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(
            "CREATE INDEX user_by_latest_sign_in ON accounts_user (last_login DESC NULLS LAST, id DESC)"
        )


def _drop_latest(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX user_by_latest_sign_in")


class Migration(migrations.Migration):
    """An index for every list, and the number of users in each block of numbers, kept as the others are."""

    dependencies = [
        ("clients", "0002_compare_folded_columns_by_bytes"),
        ("accounts", "0012_kept_counts"),
    ]

    operations = [
        migrations.RunPython(_forget, _keep_less),
        migrations.AlterField(
            model_name="user",
            name="client",
            field=models.ForeignKey(
                blank=True,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="users",
                to="clients.client",
            ),
        ),
        migrations.AddIndex("user", models.Index(fields=["client", "id"], name="user_by_client")),
        migrations.AddIndex("user", models.Index(fields=["updated_at", "id"], name="user_by_updated_at")),
        migrations.AddIndex("user", models.Index(fields=["id"], condition=Q(is_active=False), name="user_inactive")),
        migrations.RunPython(_index_latest, _drop_latest),
        migrations.RunPython(_keep, _forget_blocks),
    ]
