"""From figures to the table in README.md: medians, ratios, Markdown."""

import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.wrk import Figure

README = Path(__file__).with_name("README.md")


@dataclass(frozen=True, slots=True)
class Row:
    """One operation at one size: the figure of each side by its name. None where a run was refused; who does not offer
    the operation is not named."""

    operation: str
    users: int
    figures: Mapping[str, Figure | None]


def middle(figures: Sequence[Figure]) -> Figure:
    """The median of each value, over rounds."""
    return Figure(
        per_second=median(figure.per_second for figure in figures),
        p50=median(figure.p50 for figure in figures),
        p99=median(figure.p99 for figure in figures),
    )


def ratio(one: Figure | None, other: Figure | None) -> float | None:
    """How many requests `one` answers for each that `other` answers."""
    return None if one is None or other is None else one.per_second / other.per_second


def comparison(rows: Iterable[Row], peers: Sequence[str]) -> str:
    """The table of ours beside others."""
    rates = [part for peer in peers for part in (peer, "ratio")]
    header = ["Operation", "Users", "req/s", *rates, "p50 ms", *peers, "p99 ms", *peers]
    return table(header, [_compared(row, peers) for row in rows])


def _compared(row: Row, peers: Sequence[str]) -> list[str]:
    ours = row.figures["ours"]
    cells = [row.operation, f"{row.users:,}", rate(ours)]
    for peer in peers:
        offered = peer in row.figures
        cells += [rate(row.figures[peer]), times(ratio(ours, row.figures[peer]))] if offered else ["-", "-"]
    for value in ("p50", "p99"):
        for side in ("ours", *peers):
            figure = row.figures.get(side)
            cell = milliseconds(None if figure is None else getattr(figure, value))
            cells.append(cell if side in row.figures else "-")
    return cells


def growth(rows: Mapping[str, Mapping[int, Figure | None]]) -> str:
    """The table of operations by size: requests a second, and what one costs by what it costs at the first size."""
    sizes = list(next(iter(rows.values())))
    header = ["Operation", f"{sizes[0]:,} users, req/s"]
    header += [part for size in sizes[1:] for part in (f"{size:,}", "cost")]
    lines = []
    for operation, figures in rows.items():
        first = figures[sizes[0]]
        cells = [operation, rate(first)]
        for size in sizes[1:]:
            cells += [rate(figures[size]), times(ratio(first, figures[size]))]
        lines.append(cells)
    return table(header, lines)


def times(value: float | None) -> str:
    return "failed" if value is None else f"{value:.2f}"


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
