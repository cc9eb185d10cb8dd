from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"

    def ready(self) -> None:
        from accounts import signals, trail
        from accounts.services import events
        from usermgmt import audit

        audit.keep_with(events.write)
        audit.read_with(events.read)
        signals.connect()
        trail.connect()
