"""What a WSGI server loads."""

import os

from django.core.wsgi import get_wsgi_application

from usermgmt.http.wsgi import ChunkedBodies

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usermgmt.settings")

BODY_LIMIT = 4 * 1024 * 1024  # bytes; the JSON gate's own limit is lower, forms of the admin site need room
application = ChunkedBodies(get_wsgi_application(), limit=BODY_LIMIT)
