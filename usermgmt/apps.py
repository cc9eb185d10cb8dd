from django.apps import AppConfig


class UsermgmtConfig(AppConfig):
    """The composition root: no models, but system checks and tests."""

    name = "usermgmt"

    def ready(self) -> None:
        from usermgmt import checks  # noqa: F401  # registers them
