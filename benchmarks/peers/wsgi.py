"""What a WSGI server loads; DJANGO_SETTINGS_MODULE says which of the references."""

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
