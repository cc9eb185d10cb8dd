"""Patterns that staff store, as Ruby has them, matched with a time bound."""

import time
from dataclasses import dataclass, field

import regex

from usermgmt.dialects.forms.rules import hazards, ruby

MAX_PATTERN = 1000
MAX_TEXT = 16 * 1024
"""Characters of a text that is matched at all: nothing longer can be stored."""

SECONDS = 0.25
TRIAL_SECONDS = 5.0
_LONG = 256  # characters, from which on others may run meanwhile: taking the lock again costs more than a short match


class Unsafe(Exception):
    """The pattern is not taken; the text says why."""


@dataclass(slots=True)
class Budget:
    """The time that all patterns of one judging have together, in seconds of this thread's work."""

    left: float = field(default=SECONDS)


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that is harmless as far as could be found; time bounds the rest."""

    compiled: "regex.Pattern[str]"

    def matches(self, text: str, budget: Budget) -> bool:
        """Whether it is found in the text; not where the time is used up."""
        if budget.left <= 0 or len(text) > MAX_TEXT:
            return False
        start = time.thread_time()
        try:
            return self.compiled.search(text, timeout=budget.left, concurrent=len(text) > _LONG) is not None
        except (TimeoutError, MemoryError):
            budget.left = 0
            return False
        finally:
            budget.left -= time.thread_time() - start


def compiled(text: str, trials: Budget | None) -> Pattern:
    """The pattern that a Ruby regular expression tells, also as /.../imx. Raises Unsafe.

    trials: the time there is for looking into all patterns of a configuration together; None where this one was tried
    out before, and is not again.
    """
    if len(text) > MAX_PATTERN:
        raise Unsafe(f"is too long (maximum is {MAX_PATTERN} characters)")
    if trials is not None and trials.left <= 0:
        raise Unsafe("can't be looked into in time, after all the others")
    start = time.thread_time()
    try:
        return Pattern(_checked(text, tried=trials is None))
    except (ruby.Unknown, hazards.Hazard) as error:
        raise Unsafe(str(error)) from error
    except regex.error as error:
        raise Unsafe(f"is no regular expression: {str(error).partition(' at position')[0]}") from error
    finally:
        if trials is not None:
            trials.left -= time.thread_time() - start


def _checked(text: str, *, tried: bool) -> "regex.Pattern[str]":
    tree = ruby.parse(text)
    hazards.check(tree)
    pattern = regex.compile(ruby.written(tree), ruby.FLAGS, cache_pattern=False)
    if not tried:
        hazards.probe(tree, pattern)
    return pattern
