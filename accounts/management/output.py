"""Where a command writes what it was asked for: standard output, or a file that is there whole or not at all."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.core.management.base import CommandError, OutputWrapper

STANDARD = "-"

Write = Callable[[str], object]


@contextmanager
def written(name: str, stdout: OutputWrapper) -> Iterator[Write]:
    """What writes a text to the file of that name, for its owner's eyes only, or to `stdout`; raises CommandError."""
    try:
        if name == STANDARD:
            yield stdout.write
            stdout.flush()
            return
        target = Path(name)
        with NamedTemporaryFile("w", dir=target.parent, prefix=".", delete=False, encoding="utf-8") as file:
            try:
                yield file.write
                file.flush()
                Path(file.name).replace(target)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except BrokenPipeError as error:
        # Or Python would try to write the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise CommandError("Whoever read this went away before its end.") from error
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}") from error
