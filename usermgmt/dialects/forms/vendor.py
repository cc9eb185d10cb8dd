"""The vendor's own configurations, which the examples of its pages name (contract 4): there from the start."""

from typing import Any, Final

from django.db import connections

from accounts.models import RecordType
from usermgmt.dialects.forms.models import FormConfiguration

_PRESENCE: Final[dict[str, Any]] = {"validation": {"presence": True}}

CONFIGURATIONS: Final[tuple[dict[str, Any], ...]] = (
    {
        "name": "reference_rest_api_create_user",
        "resource": FormConfiguration.Resource.USER,
        "fields": {
            "email": _PRESENCE,
            "password": _PRESENCE,
            "first_name": _PRESENCE,
        },
    },
    {
        "name": "reference_rest_api_update_user",
        "resource": FormConfiguration.Resource.USER,
        "resource_owner": FormConfiguration.Owner.ANYONE,
        "fields": {"first_name": _PRESENCE},
    },
    {
        "name": "reference_rest_api_create_session",
        "resource": FormConfiguration.Resource.SESSION,
        "fields": {"email": {}, "password": {}},
    },
    {
        "name": "reference_rest_api_delete_session",
        "resource": FormConfiguration.Resource.SESSION,
        "fields": {},
    },
)

PROFILE_TYPE = "default"
"""The one type of profile that every directory has; the vendor's configurations call it by this name."""


def make_present(**signal: object) -> None:
    """See that a directory without any configuration has the vendor's, and one without any type of records its one;
    after every migration, and after every flush.

    Staff may change and delete them: what is there, or was, is not made anew, unless all are gone.
    """
    database = str(signal.get("using") or "default")
    tables = connections[database].introspection.table_names()
    if not {model._meta.db_table for model in (FormConfiguration, RecordType)} <= set(tables):
        return  # they were migrated away
    configurations, types = FormConfiguration.objects.using(database), RecordType.objects.using(database)
    if configurations.exists() and types.exists():
        return
    if not configurations.exists():
        configurations.bulk_create([FormConfiguration(**told) for told in CONFIGURATIONS])
    types.get_or_create(kind=RecordType.Kind.PROFILE, name=PROFILE_TYPE)
