"""The postman: a thread of the server that sends what the queue holds (README, "Operation")."""

import logging
import random
import threading

from django.conf import settings
from django.db import Error, connections

from accounts.services import delivery

logger = logging.getLogger("accounts.mails")

PAUSE_SECONDS = 3.0  # between two looks, on average
PATIENCE_SECONDS = 5.0  # that the end of the server waits for the mail at hand


class Postman(threading.Thread):
    """Looks every few seconds. Any number of them may: a mail is claimed by one (`accounts.services.delivery`)."""

    def __init__(self, pause: float = PAUSE_SECONDS) -> None:
        super().__init__(name="postman", daemon=True)
        self.pause = pause
        self._over = threading.Event()

    def run(self) -> None:
        # Spread out, so that the workers of one server do not all look at the same moment.
        while not self._over.wait(self.pause * random.uniform(0.5, 1.5)):  # noqa: S311  # no secret
            self.look()

    def look(self) -> None:
        """Send what is due. Whatever goes wrong, the next look comes."""
        try:
            for _ in delivery.deliver():
                if self._over.is_set():
                    break
        except Error as error:
            logger.error("mails wait: database unavailable: %s", type(error).__name__)
        except Exception:  # one mail that can't be made must not keep all others back: it stays claimed, and is told of
            logger.exception("a mail was not sent")
        finally:
            connections.close_all()

    def stop(self, patience: float = PATIENCE_SECONDS) -> None:
        """End after the mail at hand; wait for that, but not for long."""
        self._over.set()
        if self.is_alive():
            self.join(patience)


def employed() -> Postman | None:
    """A postman at work; None where the settings want none."""
    if not (settings.MAIL_IN_SERVER and settings.EMAIL_URL):
        return None
    postman = Postman()
    postman.start()
    return postman
