"""The directory's own server settings, without its postman: nobody sends mails here."""

from usermgmt.server import *  # noqa: F403  # gunicorn reads settings from a module's names

del post_worker_init, worker_exit  # noqa: F821  # as imported
