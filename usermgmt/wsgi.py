"""What a WSGI server loads."""

import os

import django

from usermgmt.http.wsgi import ChunkedBodies, Handler

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usermgmt.settings")
django.setup(set_prefix=False)

BODY_LIMIT = 4 * 1024 * 1024  # bytes; the JSON gate's own limit is lower, forms of the admin site need room
application = ChunkedBodies(Handler(), limit=BODY_LIMIT)
