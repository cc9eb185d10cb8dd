"""What a WSGI server loads."""

import os

import django
from django.core.checks import Tags, run_checks
from django.core.exceptions import ImproperlyConfigured

from usermgmt.http.files import warn_if_missing
from usermgmt.http.wsgi import Bodies, Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usermgmt.settings")
django.setup(set_prefix=False)

# A weak or broken configuration stops the start, not the first sign-in.
_faults = [str(message) for message in run_checks(tags=[Tags.security, Tags.urls]) if message.is_serious()]
if _faults:
    raise ImproperlyConfigured("; ".join(_faults))
warn_if_missing()

BODY_LIMIT = 4 * 1024 * 1024  # bytes; the JSON gate's own limit is lower, forms of the admin site need room
BODY_PATIENCE = 16 * 1024 * 1024  # bytes; who sends more may see a reset connection instead of the 413
application = Bodies(Handler(), limit=BODY_LIMIT, patience=BODY_PATIENCE)
