from django.apps import AppConfig
from django.db.models.signals import post_migrate


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import roles, signals, trail
        from accounts.services import events
        from usermgmt import audit

        audit.keep_with(events.write)
        audit.read_with(events.read)
        signals.connect()
        trail.connect()
        post_migrate.connect(roles.make_built_in, sender=self, dispatch_uid="accounts.roles")
