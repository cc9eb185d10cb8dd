from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from django.contrib.auth.models import Group

        from accounts import roles, signals, targets, trail
        from accounts.models import CustomField, RecordType, Team, User
        from accounts.services import events
        from clients.models import Client
        from usermgmt import audit

        audit.keep_with(events.write)
        audit.read_with(events.read)
        signals.connect()
        trail.connect()
        post_migrate.connect(roles.make_built_in, sender=self, dispatch_uid="accounts.roles")
        for kind, model, column, page in (
            ("user", User, "email", "accounts_user_change"),
            ("client", Client, "name", "clients_client_change"),
            ("team", Team, "name", "accounts_team_change"),
            ("role", Group, "name", "accounts_rolegroup_change"),
            ("custom_field", CustomField, "name", "accounts_customfield_change"),
            ("record_type", RecordType, "name", "accounts_recordtype_change"),
        ):
            targets.add(kind, model, column, page=f"admin:{page}")
