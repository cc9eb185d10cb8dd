from django.apps import AppConfig
from django.contrib.admin import apps as admin


class UsermgmtConfig(AppConfig):
    """The composition root: no models, but system checks and tests."""

    name = "usermgmt"

    def ready(self) -> None:
        from usermgmt import checks, postgresql  # noqa: F401  # checks register themselves

        postgresql.install()


class DirectoryAdminConfig(admin.AdminConfig):
    """Django's admin app, with the directory's own site."""

    default = False  # of "usermgmt"; the settings name this one in full
    default_site = "usermgmt.admin.site.DirectorySite"

    def ready(self) -> None:
        from django.contrib.admin import site
        from django.contrib.auth.models import Group

        super().ready()
        # Groups are roles here, and have pages of ours under that name.
        site.unregister(Group)
