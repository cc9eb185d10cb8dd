from django.db import migrations, models

_SQLITE = (
    """
    CREATE TRIGGER accounts_event_is_not_changed BEFORE UPDATE ON accounts_event
    WHEN usermgmt_trail() <> 'erasing' OR NEW.id <> OLD.id OR NEW.at <> OLD.at OR NEW.contract <> OLD.contract
        OR NEW.action <> OLD.action OR NEW.actor_id IS NOT OLD.actor_id OR NEW.target_kind <> OLD.target_kind
        OR NEW.target_id IS NOT OLD.target_id OR NEW.request_id <> OLD.request_id
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
    """
    CREATE TRIGGER accounts_event_is_not_deleted BEFORE DELETE ON accounts_event
    WHEN usermgmt_trail() <> 'emptying'
    BEGIN SELECT RAISE(ABORT, 'the audit trail is append-only'); END
    """,
)
_POSTGRESQL = (
    """
    CREATE FUNCTION accounts_event_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        purpose text := coalesce(current_setting('usermgmt.trail', true), '');
    BEGIN
        IF TG_OP = 'DELETE' AND purpose = 'emptying' THEN
            RETURN OLD;
        END IF;
        IF TG_OP = 'UPDATE' AND purpose = 'erasing'
            AND (NEW.id, NEW.at, NEW.contract, NEW.action, NEW.target_kind, NEW.request_id)
                = (OLD.id, OLD.at, OLD.contract, OLD.action, OLD.target_kind, OLD.request_id)
            AND NEW.actor_id IS NOT DISTINCT FROM OLD.actor_id AND NEW.target_id IS NOT DISTINCT FROM OLD.target_id
        THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the audit trail is append-only' USING ERRCODE = 'integrity_constraint_violation';
    END
    $$
    """,
    """
    CREATE TRIGGER accounts_event_is_kept BEFORE UPDATE OR DELETE ON accounts_event
    FOR EACH ROW EXECUTE FUNCTION accounts_event_is_kept()
    """,
)
_LOCK = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
_UNLOCK = {
    "sqlite": ("DROP TRIGGER accounts_event_is_not_changed", "DROP TRIGGER accounts_event_is_not_deleted"),
    "postgresql": (
        "DROP TRIGGER accounts_event_is_kept ON accounts_event",
        "DROP FUNCTION accounts_event_is_kept()",
    ),
}


def _run(statements):
    def run(apps, schema_editor):
        for statement in statements[schema_editor.connection.vendor]:
            schema_editor.execute(statement)

    return run


class Migration(migrations.Migration):
    """The audit trail is searched, and locked: nothing but an erasure changes a row (accounts/trail.py).

    A later migration that alters the table makes it anew on SQLite, without triggers: it must lock it again.
    """

    dependencies = [
        ("accounts", "0006_sign_in_addresses"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="erased_at",
            field=models.DateTimeField(editable=False, null=True),
        ),
        migrations.AlterModelOptions(
            name="event",
            options={"base_manager_name": "objects", "ordering": ["-id"]},
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["action", "id"], name="event_by_action"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["contract", "id"], name="event_by_contract"),
        ),
        migrations.AddIndex(
            model_name="event",
            index=models.Index(fields=["request_id"], name="event_by_request"),
        ),
        migrations.RunPython(_run(_LOCK), _run(_UNLOCK)),
    ]
