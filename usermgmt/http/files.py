"""The files of pages (style sheets, scripts, pictures) outside of development, where `manage.py collectstatic` gathers
them under names that tell their content."""

import logging

from django.contrib.staticfiles.storage import staticfiles_storage
from whitenoise.storage import CompressedManifestStaticFilesStorage

logger = logging.getLogger("usermgmt.pages")

WHAT_TO_DO = "The style sheets and scripts of the pages are missing: run manage.py collectstatic and restart."


class NotCollected(Exception):
    """A page names a file that was not gathered."""


class CollectedFiles(CompressedManifestStaticFilesStorage):
    """WhiteNoise's storage, whose refusal can be told from others."""

    def stored_name(self, name: str) -> str:
        """The name that tells the content of the file `name`; raises NotCollected."""
        try:
            stored: str = super().stored_name(name)
        except ValueError as error:
            raise NotCollected(name) from error
        return stored


def warn_if_missing() -> None:
    """Say at start that pages can't be shown; calls need no file, so it is nothing to stop for."""
    try:
        staticfiles_storage.url("usermgmt/pages.css")
    except NotCollected:
        logger.warning(WHAT_TO_DO)
