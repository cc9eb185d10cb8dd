from django.db import migrations

# level 0: of all users; level 1: of each client, 0 for administrators. A group may have several rows: its count is
# their sum. So whoever makes a user waits for nobody, and what is rolled back was never counted.
_TABLE = {
    "sqlite": """
        CREATE TABLE accounts_kept_count (
            id integer PRIMARY KEY AUTOINCREMENT, level integer NOT NULL, client_id bigint NOT NULL,
            is_active bool NOT NULL, number bigint NOT NULL
        )
    """,
    "postgresql": """
        CREATE TABLE accounts_kept_count (
            id bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, level smallint NOT NULL, client_id bigint NOT NULL,
            is_active boolean NOT NULL, number bigint NOT NULL
        )
    """,
}
_INDEX = "CREATE INDEX accounts_kept_count_of_group ON accounts_kept_count (level, client_id)"
_FILL = """
    INSERT INTO accounts_kept_count (level, client_id, is_active, number)
    SELECT 0, 0, is_active, count(*) FROM accounts_user GROUP BY is_active
    UNION ALL
    SELECT 1, coalesce(client_id, 0), is_active, count(*) FROM accounts_user GROUP BY coalesce(client_id, 0), is_active
"""


def _made_sure(row):
    """SQLite has one writer: one row for each group does."""
    return "".join(
        f"""
        INSERT INTO accounts_kept_count (level, client_id, is_active, number)
        SELECT {level}, {client}, {row}.is_active, 0 WHERE NOT EXISTS (
            SELECT 1 FROM accounts_kept_count
            WHERE level = {level} AND client_id = {client} AND is_active = {row}.is_active
        );
        """  # noqa: S608  # nothing here comes from anybody
        for level, client in ((0, "0"), (1, f"coalesce({row}.client_id, 0)"))
    )


def _counted(row, number):
    return f"""
        UPDATE accounts_kept_count SET number = number + ({number})
        WHERE is_active = {row}.is_active
            AND ((level = 0 AND client_id = 0) OR (level = 1 AND client_id = coalesce({row}.client_id, 0)));
    """  # noqa: S608  # nothing here comes from anybody


_KEPT = {
    "sqlite": (
        # What empties both tables, this one first, must not leave debts: so nothing is made here.
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
    ),
    "postgresql": (
        """
        CREATE FUNCTION accounts_count_more() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO accounts_kept_count (level, client_id, is_active, number)
            SELECT 0, 0, is_active, count(*) FROM made GROUP BY is_active
            UNION ALL
            SELECT 1, coalesce(client_id, 0), is_active, count(*) FROM made GROUP BY coalesce(client_id, 0), is_active;
            -- Now and then the rows of a group become one; whatever somebody else holds waits for another time.
            IF random() < 0.02 THEN
                WITH chosen AS (
                    SELECT id FROM accounts_kept_count
                    WHERE level = 0 OR client_id IN (SELECT coalesce(client_id, 0) FROM made)
                    FOR UPDATE SKIP LOCKED
                ), gone AS (
                    DELETE FROM accounts_kept_count WHERE id IN (SELECT id FROM chosen)
                    RETURNING level, client_id, is_active, number
                )
                INSERT INTO accounts_kept_count (level, client_id, is_active, number)
                SELECT level, client_id, is_active, sum(number) FROM gone GROUP BY level, client_id, is_active
                HAVING sum(number) <> 0;
            END IF;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE FUNCTION accounts_count_less() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO accounts_kept_count (level, client_id, is_active, number)
            SELECT 0, 0, is_active, -count(*) FROM gone GROUP BY is_active
            UNION ALL
            SELECT 1, coalesce(client_id, 0), is_active, -count(*) FROM gone GROUP BY coalesce(client_id, 0), is_active;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE FUNCTION accounts_count_moved() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO accounts_kept_count (level, client_id, is_active, number)
            VALUES (0, 0, OLD.is_active, -1), (1, coalesce(OLD.client_id, 0), OLD.is_active, -1),
                (0, 0, NEW.is_active, 1), (1, coalesce(NEW.client_id, 0), NEW.is_active, 1);
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE FUNCTION accounts_count_none() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            DELETE FROM accounts_kept_count;
            RETURN NULL;
        END
        $$
        """,
        """
        CREATE TRIGGER accounts_user_more AFTER INSERT ON accounts_user
        REFERENCING NEW TABLE AS made FOR EACH STATEMENT EXECUTE FUNCTION accounts_count_more()
        """,
        """
        CREATE TRIGGER accounts_user_less AFTER DELETE ON accounts_user
        REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION accounts_count_less()
        """,
        """
        CREATE TRIGGER accounts_user_moved AFTER UPDATE OF client_id, is_active ON accounts_user
        FOR EACH ROW WHEN (OLD.client_id IS DISTINCT FROM NEW.client_id OR OLD.is_active <> NEW.is_active)
        EXECUTE FUNCTION accounts_count_moved()
        """,
        """
        CREATE TRIGGER accounts_user_none AFTER TRUNCATE ON accounts_user
        FOR EACH STATEMENT EXECUTE FUNCTION accounts_count_none()
        """,
    ),
}
_TRIGGERS = ("more", "less", "moved")
_DROP = {
    "sqlite": tuple(f"DROP TRIGGER accounts_user_{name}" for name in _TRIGGERS),
    "postgresql": (
        *(f"DROP TRIGGER accounts_user_{name} ON accounts_user" for name in (*_TRIGGERS, "none")),
        *(f"DROP FUNCTION accounts_count_{name}()" for name in (*_TRIGGERS, "none")),
    ),
}


def keep(apps, schema_editor):
    vendor = schema_editor.connection.vendor
    for statement in (_TABLE[vendor], _INDEX, _FILL, *_KEPT[vendor]):
        schema_editor.execute(statement)


def forget(apps, schema_editor):
    for statement in (*_DROP[schema_editor.connection.vendor], "DROP TABLE accounts_kept_count"):
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    """How many users there are, in all and of each client, active and not: kept by the database, not counted anew.

    The table is no model's: what is dumped and loaded are the users, and it follows.
    """

    dependencies = [
        ("accounts", "0011_records_of_users"),
    ]

    operations = [migrations.RunPython(keep, forget)]
