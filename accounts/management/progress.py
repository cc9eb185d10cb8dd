"""The progress bar of long commands: at a terminal, beside what the command prints."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


def bar(what: str) -> Progress:
    """Counts `what`, on standard error; nothing where nobody looks."""
    console = Console(stderr=True)
    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)


def bar_of_bytes(what: str) -> Progress:
    """The same of a file: its task counts bytes, and tells of `what` as many as its fields `count` and `rate` say."""
    console = Console(stderr=True)
    told = TextColumn("{task.fields[count]:,} " + what + ", {task.fields[rate]:,.0f} a second")
    columns = (BarColumn(), told, TimeRemainingColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal)
