"""What a configuration may declare: the fields of each resource and of each section, and the words for rules."""

import re
from collections.abc import Mapping

from usermgmt.dialects.forms.rules.values import Kind

USER, SESSION = "User", "Session"
PASSWORD = "password"

FIELDS: Mapping[str, Mapping[str, Kind]] = {
    USER: {
        "id": Kind.IGNORED,
        "email": Kind.TEXT,
        "external_id": Kind.TEXT,
        "first_name": Kind.TEXT,
        "last_name": Kind.TEXT,
        "middle_name": Kind.TEXT,
        "name": Kind.TEXT,
        "featured": Kind.BOOLEAN,
        "public_profile": Kind.BOOLEAN,
        PASSWORD: Kind.PASSWORD,
    },
    SESSION: {"email": Kind.TEXT, PASSWORD: Kind.PASSWORD},
}

PROPERTIES = "properties"
PROFILES = "profiles"
RELATIONSHIPS, RELATED = "relationship_users", "user_id"
ENTRIES: Mapping[str, Mapping[str, Kind]] = {
    RELATIONSHIPS: {
        "id": Kind.IGNORED,
        RELATED: Kind.ID,
        "relationship_name": Kind.IGNORED,
        "relationship_user_type_name": Kind.IGNORED,
    },
    "transactables": {
        "id": Kind.ID,
        "name": Kind.TEXT,
        "description": Kind.TEXT,
        "currency": Kind.TEXT,
        "enabled": Kind.BOOLEAN,
        "creator_id": Kind.IGNORED,
        "transactable_type_id": Kind.IGNORED,
    },
}
"""The sections whose types have entries, any number of each, and the fields of an entry beside its properties."""

UNSUPPORTED = frozenset({"customizations", "custom_images", "custom_attachments", "custom_addresses"})

NAME = re.compile(r"[0-9A-Za-z_-]{1,64}\Z")
NAME_REASON = "is no name: it needs 1 to 64 letters, digits, _ and -"

MAX_FIELDS = 500
MAX_DEPTH = 12
MAX_BYTES = 64 * 1024  # of a configuration as JSON
MAX_MESSAGE = 255
MAX_CHOICES = 1000  # of a list of values
MAX_ENTRIES = 100  # of one type in a form
MAX_UNIQUES = 500  # values of a form for which the database is asked whether somebody has them
MAX_FAULTS = 50
