"""From figures to the table in README.md: medians, ratios, Markdown."""

import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.wrk import Figure

README = Path(__file__).with_name("README.md")


@dataclass(frozen=True, slots=True)
class Row:
    """One operation at one size, on both sides; None where a run was refused."""

    operation: str
    users: int
    ours: Figure | None
    stock: Figure | None


def middle(figures: Sequence[Figure]) -> Figure:
    """The median of each value, over rounds."""
    return Figure(
        per_second=median(figure.per_second for figure in figures),
        p50=median(figure.p50 for figure in figures),
        p99=median(figure.p99 for figure in figures),
    )


def ratio(row: Row) -> float | None:
    """How many requests ours answers for each that stock answers."""
    if row.ours is None or row.stock is None:
        return None
    return row.ours.per_second / row.stock.per_second


def comparison(rows: Iterable[Row]) -> str:
    """The table of ours beside stock."""
    header = ["Operation", "Users", "req/s", "stock", "ratio", "p50 ms", "stock", "p99 ms", "stock"]
    return table(
        header,
        [
            [
                row.operation,
                f"{row.users:,}",
                rate(row.ours),
                rate(row.stock),
                "failed" if ratio(row) is None else f"{ratio(row):.2f}",
                *(milliseconds(side and side.p50) for side in (row.ours, row.stock)),
                *(milliseconds(side and side.p99) for side in (row.ours, row.stock)),
            ]
            for row in rows
        ],
    )


def rate(figure: Figure | None) -> str:
    """Requests per second, with no more digits than they are worth."""
    if figure is None:
        return "failed"
    return f"{figure.per_second:,.0f}" if figure.per_second >= 100 else f"{figure.per_second:.1f}"


def milliseconds(value: float | None) -> str:
    return "failed" if value is None else f"{value:,.1f}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]], *, text_columns: int = 1) -> str:
    """Markdown; the first `text_columns` to the left, figures to the right."""
    rule = [":---" if column < text_columns else "---:" for column in range(len(header))]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in (header, rule, *rows))


def rewritten(document: str, name: str, content: str) -> str:
    """`document` with `content` between its two markers called `name`. Raises ValueError if they are not there."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    pattern = re.compile(f"{re.escape(begin)}.*{re.escape(end)}", re.DOTALL)
    if pattern.search(document) is None:
        raise ValueError(f"no markers {begin} ... {end}")
    return pattern.sub(lambda _: f"{begin}\n{content}\n{end}", document)


def write(name: str, content: str) -> None:
    """Put `content` into README.md, between the markers called `name`."""
    README.write_text(rewritten(README.read_text(), name, content))


def machine() -> str:
    """What the figures were made on."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    name = model[1] if model else platform.machine()
    python = platform.python_version()
    return f"{name}, {os.cpu_count()} cores, {memory:.0f} GiB, Linux {platform.release()}, Python {python}"
