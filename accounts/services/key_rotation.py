"""The rotation of the keys that sign tokens: a new one is made, those whose tokens are past go."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from accounts.keys import directory, material, ring
from accounts.keys.directory import DatedKey
from accounts.models import Event
from usermgmt import audit


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a rotation does. key: the new one's file. begins: when it starts to sign. retired: the files that go."""

    kid: str
    algorithm: str
    key: Path
    begins: datetime
    retired: Sequence[Path]


def rotate(*, algorithm: str, after: timedelta, dry_run: bool = False) -> Rotation:
    """Make a key that signs `after` that time, and delete the retired ones; dry_run: only tell.

    Every process that shares the directory verifies with the new key at once. Two rotations at one time make
    two keys, and every process agrees which of them is the newer. Raises OSError.
    """
    key, text = material.made(algorithm)
    begins = datetime.now(UTC) + after
    present = directory.read(settings.JWT_KEY_DIR).keys
    past = ring.retired(present, time.time())
    target = settings.JWT_KEY_DIR / directory.name_of(key, begins)
    if not dry_run:
        with transaction.atomic():
            _record("key.made", key.kid, algorithm)
            directory.write(settings.JWT_KEY_DIR, key, text, begins)
        _delete(past)
    return Rotation(kid=key.kid, algorithm=algorithm, key=target, begins=begins, retired=[dated.path for dated in past])


def _delete(past: Sequence[DatedKey]) -> None:
    for dated in past:
        with transaction.atomic():
            _record("key.deleted", dated.key.kid, dated.key.algorithm, made=False)
            dated.path.unlink(missing_ok=True)
    directory.reload(settings.JWT_KEY_DIR)


def _record(action: str, kid: str, algorithm: str, *, made: bool = True) -> None:
    if Event._meta.db_table not in connection.introspection.table_names():
        return  # before the first migration, whose checks ask for a key
    facts = {"kid": kid, "algorithm": algorithm}
    changes = {field: (None, value) if made else (value, None) for field, value in facts.items()}
    audit.record(actor=None, action=action, target=("key", None), changes=changes)
