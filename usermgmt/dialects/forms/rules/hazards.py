"""Patterns that may take ages: found in the tree where that is certain, and by trying.

A repeated part that takes one text in several ways takes what is long in exponentially many; repetitions in a row that
share a text take it in polynomially many. Both are looked for in texts of one character, over and over.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, reduce
from itertools import islice

import regex

from usermgmt.dialects.forms.rules import ruby
from usermgmt.dialects.forms.rules.ruby import Anchor, Back, Choice, Group, Look, Node, Repeat, Sequence, Single

MAX_SIZE = 5000  # characters, once repetitions are written out
MAX_DEGREE = 3  # of repetitions in a row that share a text
_LOOP = 10  # times, from which on a repetition is as bad as an endless one
_WIDE = 100  # times more than the least, likewise
_LENGTHS = 16  # characters that a repeated part is looked at
_MASK = (1 << (_LENGTHS + 1)) - 1
_CHARACTERS = "a0A _-.@!é\n"  # of which sets are asked what they take
_MAX_CHARACTERS = 16

PROBE_SECONDS = 0.1
_PUMPED = 80  # characters, at least
_TURNS = 28  # at least
_MAX_LOOPS = 20
_ENDINGS = ("\0", "\n!\0")


class Hazard(Exception):
    """The pattern may take too long, or too much memory; the text says why."""


def check(tree: Node) -> None:
    """Raise Hazard for what is certain to be one."""
    if _size(tree) > MAX_SIZE:
        raise Hazard(f"is too large: its repetitions come to more than {MAX_SIZE} characters")
    nodes = list(ruby.every(tree))
    loops = [each for each in nodes if isinstance(each, Repeat) and _is_loop(each)]
    tops = [tree, *(each.inner for each in nodes if isinstance(each, Look))]
    for character in _characters(nodes):
        unary = _Unary(character)
        if any(unary.is_ambiguous(loop) for loop in loops):
            raise Hazard("may take exponentially long: a repeated part can take the same text in several ways")
        if any(unary.run(top).best > MAX_DEGREE for top in tops):
            raise Hazard(f"may take too long: more than {MAX_DEGREE} repetitions in a row can share a text")


def probe(tree: Node, pattern: "regex.Pattern[str]") -> None:
    """Try it on texts that are made to take long. Raises Hazard if one takes too long."""
    for text in _pumped(tree):
        try:
            pattern.search(text, timeout=PROBE_SECONDS)
        except TimeoutError as error:
            raise Hazard("takes too long on a text that nearly matches") from error


def _is_loop(node: Repeat) -> bool:
    return node.most is None or node.most > _LOOP


def _size(node: Node) -> int:
    inner = sum(map(_size, ruby.children(node)))
    if isinstance(node, Repeat):
        return max(inner, 1) * max(node.least, node.most or 0, 1)
    return inner + 1


def _characters(nodes: list[Node]) -> list[str]:
    """Characters that the pattern takes, a few of each kind."""
    found: dict[str, None] = {}
    for node in nodes:
        if isinstance(node, Single):
            found.update(dict.fromkeys(_taken(node.text)[:2]))
    return list(found)[:_MAX_CHARACTERS]


@lru_cache(maxsize=1024)
def _taken(text: str) -> str:
    """Which characters a single one takes, of some that are tried; of a literal it is that one."""
    if text.startswith("\\U"):
        return chr(int(text[2:], 16))
    single = regex.compile(text, ruby.FLAGS, cache_pattern=False)
    inside = "".join(chr(int(code, 16)) for code in regex.findall(r"\\U([0-9a-f]{8})", text)[:4])
    return "".join(each for each in dict.fromkeys(inside + _CHARACTERS) if single.fullmatch(each))


@lru_cache(maxsize=4096)
def _takes(text: str, character: str) -> bool:
    return regex.compile(text, ruby.FLAGS, cache_pattern=False).fullmatch(character) is not None


@dataclass(frozen=True, slots=True)
class _Ways:
    """How many of one character a part can take: bit n of `once` in some way, of `twice` in several."""

    once: int = 0
    twice: int = 0

    def __or__(self, other: "_Ways") -> "_Ways":
        return _Ways(self.once | other.once, self.twice | other.twice | (self.once & other.once))

    def then(self, other: "_Ways") -> "_Ways":
        once = twice = 0
        for length in _bits(self.once):
            more = other.once << length & _MASK
            several = (other.once if self.twice >> length & 1 else other.twice) << length & _MASK
            twice |= several | (once & more)
            once |= more
        return _Ways(once, twice)

    def longest(self) -> "_Ways":
        return _Ways(1 << self.once.bit_length() - 1) if self.once else self


_EMPTY = _Ways(1)


@dataclass(frozen=True, slots=True)
class _Run:
    """How many repetitions in a row can share a text: at the best, from the start, up to the end, all through.

    through: None where the part can't be taken as that text at all.
    """

    best: int = 0
    start: int = 0
    end: int = 0
    through: int | None = None

    def __or__(self, other: "_Run") -> "_Run":
        through = max((each for each in (self.through, other.through) if each is not None), default=None)
        return _Run(max(self.best, other.best), max(self.start, other.start), max(self.end, other.end), through)

    def then(self, other: "_Run") -> "_Run":
        start = self.start if self.through is None else max(self.start, self.through + other.start)
        end = other.end if other.through is None else max(other.end, other.through + self.end)
        through = None if self.through is None or other.through is None else self.through + other.through
        return _Run(max(self.best, other.best, self.end + other.start), start, end, through)


_PASSED = _Run(through=0)


class _Unary:
    """The pattern over texts of one character."""

    def __init__(self, character: str) -> None:
        self._character = character
        self._known: dict[int, _Ways] = {}

    def is_ambiguous(self, loop: Repeat) -> bool:
        """Whether the loop's part takes the same text as one round and as several, or in two ways as one."""
        ways = self.ways(loop.inner)
        return bool(ways.twice & ~1) or (ways.once & ~1).bit_count() > 1

    def ways(self, node: Node) -> _Ways:
        if id(node) not in self._known:
            self._known[id(node)] = self._ways(node)
        return self._known[id(node)]

    def _ways(self, node: Node) -> _Ways:
        match node:
            case Single(text):
                return _Ways(2) if _takes(text, self._character) else _Ways()
            case Anchor() | Look():
                return _EMPTY
            case Back():
                return _Ways(2)
            case Sequence(parts):
                return reduce(_Ways.then, map(self.ways, parts), _EMPTY)
            case Choice(parts):
                return reduce(_Ways.__or__, map(self.ways, parts))
            case Group(inner, _, atomic):
                return self.ways(inner).longest() if atomic else self.ways(inner)
            case Repeat():
                return self._repeated(node)

    def _repeated(self, node: Repeat) -> _Ways:
        part = self.ways(node.inner)
        least = 0 if part.once & 1 else node.least
        part = _Ways(part.once & ~1, part.twice & ~1)
        most = _LENGTHS if node.most is None else min(node.most, _LENGTHS)
        made, power = _EMPTY if least == 0 else _Ways(), _EMPTY
        for times in range(1, most + 1):
            power = power.then(part)
            if times >= least:
                made |= power
        return made.longest() if node.mode == "+" else made

    def run(self, node: Node) -> _Run:
        """The repetitions in a row."""
        match node:
            case Single(text):
                return _PASSED if _takes(text, self._character) else _Run()
            case Sequence(parts):
                return reduce(_Run.then, map(self.run, parts), _PASSED)
            case Choice(parts):
                return reduce(_Run.__or__, map(self.run, parts))
            case Group(inner, _, atomic):
                return _PASSED if atomic else self.run(inner)
            case Repeat():
                return self._run_repeated(node)
            case _:
                return _PASSED

    def _run_repeated(self, node: Repeat) -> _Run:
        inner = _PASSED if node.mode == "+" else self.run(node.inner)
        if inner.through is not None:
            times = 1 if node.most is None else node.most
            wide = node.most is None or node.most - node.least > _WIDE
            count = (wide and node.mode != "+") + inner.through * times
            inner = inner.then(_PASSED) | _Run(count, count, count, count)
        return inner | _PASSED if node.least == 0 else inner


def _bits(mask: int) -> Iterator[int]:
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


def _pumped(tree: Node) -> Iterator[str]:
    """Texts with what is repeated many times over, and an end that does not match."""
    for before, loop in islice(_loops(tree, ""), _MAX_LOOPS):
        for word in {_example(loop.inner, 0), _example(loop.inner, 1), _example(loop.inner, -1)} - {""}:
            for ending in _ENDINGS:
                yield before + word * max(_PUMPED // len(word), _TURNS) + ending


def _loops(node: Node, before: str) -> Iterator[tuple[str, Repeat]]:
    """The repetitions, each with a text that leads to it."""
    if isinstance(node, Repeat) and _is_loop(node):
        yield before, node
    for child in ruby.children(node):
        yield from _loops(child, before)
        if isinstance(node, Sequence):
            before += _example(child, 0)[:_PUMPED]


def _example(node: Node, turn: int) -> str:
    """A short text that the part takes, one of several: by `turn` another alternative, another character."""
    match node:
        case Single(text):
            taken = _taken(text) or "a"
            return taken[turn % len(taken)]
        case Sequence(parts):
            return "".join(_example(part, turn) for part in parts)[:_PUMPED]
        case Choice(parts):
            return _example(parts[turn % len(parts)], turn)
        case Group(inner):
            return _example(inner, turn)
        case Repeat(inner, least):
            return (_example(inner, turn) * min(max(least, 1), _PUMPED))[:_PUMPED]
        case _:
            return ""
