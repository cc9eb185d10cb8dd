"""The project's database and users, and no middleware."""

import os

import dj_database_url

SECRET_KEY = os.environ["SECRET_KEY"]
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "benchmarks.peers"]
ROOT_URLCONF = "benchmarks.peers.bare"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
# The connection is set up as the directory's own is: no advantage on either side.
DATABASES = {
    "default": {
        **dj_database_url.parse(os.environ["DATABASE_URL"]),
        "CONN_MAX_AGE": 60,  # seconds
        "OPTIONS": {"server_side_binding": True, "prepare_threshold": 5},
    }
}
AUTH_USER_MODEL = "peers.User"
PASSWORD_HASHERS = ["benchmarks.peers.hashers.Argon2Hasher"]
