"""A benchmark on the command line: what it says meanwhile, and what ends it."""

import signal
import sys


def say(text: str) -> None:
    """Progress; the tables alone go to standard output."""
    print(text, file=sys.stderr, flush=True)


def end_by_signals(minutes: float) -> None:
    """Have a signal, or the end of the time, end the run as Ctrl-C does: in order."""
    for number in (signal.SIGTERM, signal.SIGALRM):
        signal.signal(number, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, minutes * 60)
