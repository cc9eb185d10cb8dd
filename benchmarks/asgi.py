"""The directory for ASGI servers; it is only timed with them."""

import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "usermgmt.settings")

application = get_asgi_application()
