"""What every contract counts and remembers of HTTP; `usermgmt.http` alone uses it."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

FORGOTTEN = b""
"""In the place of an answer that nobody may have any more."""


class Counter(models.Model):
    """How often something was done: the limits' counters where there is no Redis.

    key: a digest, so that no address or token lies here. until: when the count starts anew.
    blocked_until: no more of it before then; 0: it does not block. Both in milliseconds of Unix time, which
    every database reckons with alike.
    """

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField()
    until = models.BigIntegerField(db_index=True)
    blocked_until = models.BigIntegerField()

    objects: ClassVar[models.Manager["Counter"]] = models.Manager()

    def __str__(self) -> str:
        return self.key


class StoredAnswerQuerySet(models.QuerySet["StoredAnswer"]):
    """Queries on stored answers."""

    def forget(self) -> int:
        """Take what the answers say away, for good; what was done is not done again for their keys. Gives how many."""
        return self.exclude(answer=None).update(answer=FORGOTTEN)


StoredAnswerManager = models.Manager.from_queryset(StoredAnswerQuerySet)


class StoredAnswer(models.Model):
    """The answer to a POST with an Idempotency-Key, for whoever sends it again.

    key: a digest of key, actor and route. fingerprint: a keyed digest of the body. answer: status, headers
    and body, encrypted under the Idempotency-Key itself, which is not stored; None while the first is in flight.
    owner: of the claim, by chance. claimed_until: then its process has died, unless it says otherwise before.
    """

    key = models.CharField(max_length=64, primary_key=True)
    actor_id = models.BigIntegerField(null=True, db_index=True)
    fingerprint = models.CharField(max_length=64)
    owner = models.CharField(max_length=32)
    claimed_until = models.DateTimeField()
    answer = models.BinaryField(null=True)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects: ClassVar[StoredAnswerManager] = StoredAnswerManager()  # type: ignore[type-arg]

    def __str__(self) -> str:
        return self.key
