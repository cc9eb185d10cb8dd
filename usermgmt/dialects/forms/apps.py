from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FormsConfig(AppConfig):
    """The form-driven contract has rows of its own: the configurations of its forms."""

    name = "usermgmt.dialects.forms"
    label = "forms"
    verbose_name = "Forms"

    def ready(self) -> None:
        from accounts import targets
        from accounts.services import record_types
        from usermgmt.dialects.forms import configurations, vendor
        from usermgmt.dialects.forms.models import FormConfiguration

        post_migrate.connect(vendor.make_present, sender=self, dispatch_uid="forms.vendor")
        targets.add("form_configuration", FormConfiguration, "name", page="admin:forms_formconfiguration_change")
        record_types.ask_before_changes(configurations.naming)
