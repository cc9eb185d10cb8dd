"""Interleaved rounds: one operation of several that serve, in turns."""

import argparse
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks import report, wrk
from benchmarks.console import say
from benchmarks.serving import Running
from benchmarks.sides import Side, Unequal

WARM_UP_SECONDS = 2
PATIENT_SECONDS = 30  # of a run that is repeated because nothing was answered in the one before


@dataclass(frozen=True, slots=True)
class Contestant:
    """Who serves. label: in the table. users: how many there are in its database."""

    label: str
    side: Side
    running: Running
    users: int

    def run(self, name: str, options: argparse.Namespace, seconds: int, number: int) -> wrk.Figure:
        """One run of an operation, and a longer one where it takes that. number: of the run, new in its database.
        Raises Refused, and Unequal where the caller can't even sign in."""
        request = self.side.request(self.side.operations[name], self.running.port, self.users)
        told = {"origin": self.running.origin, "connections": options.connections, "number": number}
        try:
            return wrk.run(request, seconds=seconds, **told)
        except wrk.Unanswered:
            return wrk.run(request, seconds=max(seconds, PATIENT_SECONDS), **told)


@dataclass(frozen=True, slots=True)
class Contest:
    """options: rounds, seconds, connections. numbers: of the runs."""

    options: argparse.Namespace
    contestants: Sequence[Contestant]
    numbers: Iterator[int]

    def figures(self, name: str) -> Mapping[str, wrk.Figure | None]:
        """Time one operation: the medians of the rounds, by label. Who goes first alternates by round; a refused run
        leaves its contestant without a figure, and the others theirs."""
        found: dict[str, list[wrk.Figure]] = {contestant.label: [] for contestant in self.contestants}
        missing: set[str] = set()
        for turn in range(-1, self.options.rounds):  # the first warms up
            seconds = self.options.seconds if turn >= 0 else min(self.options.seconds, WARM_UP_SECONDS)
            for contestant in reversed(self.contestants) if turn % 2 else self.contestants:
                if contestant.label in missing:
                    continue
                try:
                    figure = contestant.run(name, self.options, seconds, next(self.numbers))
                except (wrk.Refused, Unequal) as error:
                    say(f"FAILED {name}, {contestant.users:,} users, {contestant.label}: {error}")
                    missing.add(contestant.label)
                    continue
                if turn >= 0:
                    found[contestant.label].append(figure)
        return {label: None if label in missing else report.middle(figures) for label, figures in found.items()}


def numbered() -> Iterator[int]:
    """Numbers of runs."""
    return itertools.count(1)
