"""Ruby's regular expressions, read whole: what is not known here is refused, what is known is written for `regex`.

Of Ruby's own are: `^` and `$` of each line, `\\Z` before a last line end, `\\h`, `\\d`, `\\s` and `\\w` of ASCII, `m`
for a dot that takes line ends; `{n}?` and `{n,m}+` repeat what stands before them once more (Onigmo, doc/RE).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import regex

FLAGS = regex.V1
MAX_DEPTH = 30  # of groups
MAX_REPEATS = 3  # of one thing, each of the one before


class Unknown(Exception):
    """It is no regular expression, or has what is not supported; the text says what."""


@dataclass(frozen=True, slots=True)
class Single:
    """One character of a kind. text: as `regex` has it."""

    text: str


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place between characters. text: as `regex` has it."""

    text: str


@dataclass(frozen=True, slots=True)
class Look:
    """What is ahead or behind. sign: "=", "!", "<=" or "<!"."""

    sign: str
    inner: "Node"


@dataclass(frozen=True, slots=True)
class Sequence:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Choice:
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """mode: "" for as often as it goes, "?" for as seldom, "+" for as often and no less."""

    inner: "Node"
    least: int
    most: int | None
    mode: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    """number: None where nothing refers to it. atomic: taken or left, never tried otherwise."""

    inner: "Node"
    number: int | None = None
    atomic: bool = False


@dataclass(frozen=True, slots=True)
class Back:
    """The same text as a group had."""

    number: int
    folded: bool


Node = Single | Anchor | Look | Sequence | Choice | Repeat | Group | Back


def children(node: Node) -> tuple[Node, ...]:
    """The nodes right below."""
    if isinstance(node, Sequence | Choice):
        return node.parts
    return (node.inner,) if isinstance(node, Look | Repeat | Group) else ()


def every(node: Node) -> Iterator[Node]:
    """The node and all below it."""
    yield node
    for child in children(node):
        yield from every(child)


_SLASHED = re.compile(r"/(?P<body>.*)/(?P<flags>[imx]*)\Z", re.DOTALL)


def parse(text: str) -> Node:
    """The tree of a pattern, also of one in slashes with flags. Raises Unknown."""
    slashed = _SLASHED.match(text)
    body, flags = (slashed["body"], frozenset(slashed["flags"])) if slashed else (text, frozenset[str]())
    parser = _Parser(body)
    tree = parser.choice(flags)
    if parser.at < len(body):
        raise Unknown("has a ) without a (")
    return tree


def written(node: Node) -> str:
    """The pattern as `regex` has it."""
    used = {each.number for each in every(node) if isinstance(each, Back)}
    return _written(node, used)


def _written(node: Node, used: set[int]) -> str:
    match node:
        case Single(text) | Anchor(text):
            return text
        case Sequence(parts):
            return "".join(_written(part, used) for part in parts)
        case Choice(parts):
            return f"(?:{'|'.join(_written(part, used) for part in parts)})"
        case Look(sign, inner):
            return f"(?{sign}{_written(inner, used)})"
        case Repeat(inner, least, most, mode):
            return f"(?:{_written(inner, used)}){{{least},{'' if most is None else most}}}{mode}"
        case Group(inner, number, atomic):
            opening = "(?>" if atomic else f"(?P<g{number}>" if number in used else "(?:"
            return f"{opening}{_written(inner, used)})"
        case Back(number, folded):
            return f"(?i:(?P=g{number}))" if folded else f"(?P=g{number})"


_CLASSES = {
    "d": "0-9",
    "w": "0-9A-Za-z_",
    "s": r" \t\r\n\f\v",
    "h": "0-9A-Fa-f",
}
_ANCHORS = {
    "A": r"\A",
    "z": r"\Z",
    "Z": r"(?=\n?\Z)",
    "b": r"\b",
    "B": r"\B",
    "^": r"(?:\A|(?<=\n)(?!\Z))",
    "$": r"(?=\n|\Z)",
}
_CONTROLS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f", "v": "\v", "a": "\a", "e": "\x1b", "0": "\0"}
_QUANTIFIER = re.compile(r"\{(?P<least>[0-9]*)(?P<comma>,(?P<most>[0-9]*))?\}")
_SIMPLE = {"*": (0, None), "+": (1, None), "?": (0, 1)}
_CODE = re.compile(r"x(?P<x>[0-9A-Fa-f]{1,2})|u(?P<u>[0-9A-Fa-f]{4})|u\{(?P<b>[0-9A-Fa-f]{1,6})\}")
_PROPERTY = re.compile(r"[pP]\{\^?[A-Za-z_ ]{1,40}\}")
_POSIX = re.compile(r"\[:\^?(?:alnum|alpha|blank|cntrl|digit|graph|lower|print|punct|space|upper|xdigit|word|ascii):\]")
_NAMED = re.compile(r"\(\?(?:P?<(?P<angle>[A-Za-z_]\w{0,63})>|'(?P<quote>[A-Za-z_]\w{0,63})')")
_OPENING = re.compile(r"\(\?(?P<sign>:|=|!|<=|<!|>)")
_SWITCH = re.compile(r"\(\?(?P<on>[imx]*)(?:-(?P<off>[imx]*))?(?P<end>[:)])")
_COMMENT = re.compile(r"\(\?#(?:\\.|[^\\)])*\)", re.DOTALL)
_REFERENCE = re.compile(r"k<(?P<name>[A-Za-z_]\w{0,63}|[1-9][0-9]?)>|(?P<digit>[1-9][0-9]?)")

Flags = frozenset[str]


@dataclass(slots=True)
class _Parser:
    """Reads a pattern from `at` on. groups: by name and by number, those opened so far."""

    text: str
    at: int = 0
    depth: int = 0
    groups: dict[str, int] = field(default_factory=dict)

    def choice(self, flags: Flags) -> Node:
        """Alternatives, up to the end of the group."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unknown(f"has too many groups inside groups (maximum is {MAX_DEPTH})")
        parts = [self._sequence(flags)]
        while self._next("|"):
            parts.append(self._sequence(flags))
        self.depth -= 1
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def _sequence(self, flags: Flags) -> Node:
        parts: list[Node] = []
        while self.at < len(self.text) and self.text[self.at] not in "|)":
            if "x" in flags and self._skip_layout():
                continue
            if self._found(_COMMENT):
                continue
            part = self._atom(flags)
            if part is not None:
                parts.append(self._repeated(part, flags))
        return parts[0] if len(parts) == 1 else Sequence(tuple(parts))

    def _skip_layout(self) -> bool:
        return bool(self._found(_LAYOUT))

    def _repeated(self, part: Node, flags: Flags) -> Node:
        for _ in range(MAX_REPEATS + 1):
            if "x" in flags:
                self._skip_layout()
            bounds = self._bounds()
            if bounds is None:
                return part
            if isinstance(part, Anchor | Look):
                raise Unknown("repeats what has no length")
            least, most, simple = bounds
            if not simple:
                part = Repeat(part, least, most, "?" if least != most and self._next("?") else "")
            else:
                part = Repeat(part, least, most, "?" if self._next("?") else "+" if self._next("+") else "")
        raise Unknown(f"repeats what is repeated too often (maximum is {MAX_REPEATS} times)")

    def _bounds(self) -> tuple[int, int | None, bool] | None:
        sign = self._peek()
        if sign in _SIMPLE:
            self.at += 1
            return (*_SIMPLE[sign], True)
        found = _QUANTIFIER.match(self.text, self.at)
        if found is None or not (found["least"] or found["most"]):
            return None
        self.at = found.end()
        least = int(found["least"] or 0)
        most = least if found["comma"] is None else int(found["most"]) if found["most"] else None
        if most is not None and most < least:
            raise Unknown(f"has {found[0]}, where the least is more than the most")
        return least, most, False

    def _atom(self, flags: Flags) -> Node | None:
        sign = self.text[self.at]
        if sign == "(":
            return self._group(flags)
        if sign in _SIMPLE:
            raise Unknown(f"has a {sign} with nothing to repeat")
        if sign == "[":
            return Single(_folded(self._set(), flags))
        self.at += 1
        if sign == "\\":
            return self._escaped(flags)
        if sign == ".":
            return Single(r"[\s\S]" if "m" in flags else r"[^\n]")
        if sign in "^$":
            return Anchor(_ANCHORS[sign])
        return Single(_folded(_literal(sign), flags))

    def _group(self, flags: Flags) -> Node | None:
        if found := self._found(_OPENING):
            return self._special(found["sign"], flags)
        if found := self._found(_NAMED):
            name = found["angle"] or found["quote"]
            if name in self.groups:
                raise Unknown(f"has two groups of the name {name}")
            return self._numbered(name, flags)
        if found := self._found(_SWITCH):
            switched = (flags | set(found["on"])) - set(found["off"] or "")
            if found["end"] == ")":
                return Group(self.choice(switched))
            return self._closed(Group(self.choice(switched)))
        if self.text.startswith("(?", self.at):
            raise Unknown(f"has {self.text[self.at : self.at + 4]}, which is not supported")
        self.at += 1
        # Where groups have names, those without don't count (Onigmo, doc/RE, 8).
        return self._closed(Group(self.choice(flags))) if _NAMED.search(self.text) else self._numbered(None, flags)

    def _special(self, sign: str, flags: Flags) -> Node:
        inner = self._closed(self.choice(flags))
        if sign in (":", ">"):
            return Group(inner, atomic=sign == ">")
        if sign[0] == "<" and any(isinstance(each, Repeat) and each.most is None for each in every(inner)):
            raise Unknown("looks behind without a bound")
        return Look(sign, inner)

    def _numbered(self, name: str | None, flags: Flags) -> Node:
        number = len(self.groups) + 1
        self.groups[name or str(number)] = number
        return self._closed(Group(self.choice(flags), number))

    def _closed(self, node: Node) -> Node:
        if not self._next(")"):
            raise Unknown("has a ( without a )")
        return node

    def _escaped(self, flags: Flags) -> Node:
        sign = self._peek()
        if sign in _ANCHORS and sign.isalpha():
            self.at += 1
            return Anchor(_ANCHORS[sign])
        if found := self._found(_REFERENCE):
            name = found["name"] or found["digit"]
            if name not in self.groups:
                raise Unknown(f"refers to a group that is not there: {name}")
            return Back(self.groups[name], "i" in flags)
        kind, text = self._escape()
        return Single(_folded(text if kind == "property" else f"[{text}]" if kind == "class" else text, flags))

    def _escape(self) -> tuple[str, str]:
        """What an escape means in a set and outside: a "class" (its members), a "property" or a "character"."""
        sign = self._peek()
        if sign.lower() in _CLASSES and sign:
            self.at += 1
            members = _CLASSES[sign.lower()]
            return ("class", members) if sign.islower() else ("property", f"[^{members}]")
        if found := self._found(_PROPERTY):
            return "property", rf"\{found[0]}"
        if found := self._found(_CODE):
            code = int(found["x"] or found["u"] or found["b"], 16)
            if code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                raise Unknown(f"has \\{found[0]}, which is no character")
            return "character", _literal(chr(code))
        if not sign:
            raise Unknown("ends with a backslash")
        if sign not in _CONTROLS and sign.isascii() and sign.isalnum():
            raise Unknown(f"has \\{sign}, which is not supported")
        self.at += 1
        return "character", _literal(_CONTROLS.get(sign, sign))

    def _set(self) -> str:
        """A bracketed set, those inside it too."""
        self.at += 1
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise Unknown(f"has too many sets inside sets (maximum is {MAX_DEPTH})")
        negated = self._next("^")
        alternatives: list[list[str]] = [[]]
        while not self._next("]"):
            if self.at >= len(self.text):
                raise Unknown("has a [ without a ]")
            if self.text.startswith("&&", self.at):
                self.at += 2
                alternatives.append([])
            else:
                alternatives[-1].append(self._member())
        if not all(alternatives):
            raise Unknown("has an empty set")
        self.depth -= 1
        joined = "&&".join(f"[{''.join(members)}]" for members in alternatives)
        return f"[^{joined}]" if negated and len(alternatives) == 1 else f"[{'^' if negated else ''}[{joined}]]"

    def _member(self) -> str:
        if found := self._found(_POSIX):
            return found[0]
        if self._peek() == "[":
            return self._set()
        kind, low = self._member_sign()
        if kind != "character" or not self._is_range():
            return low
        self.at += 1
        kind, high = self._member_sign()
        if kind != "character" or _ordinal(high) < _ordinal(low):
            raise Unknown("has a range that ends before it begins")
        return f"{low}-{high}"

    def _is_range(self) -> bool:
        rest = self.text[self.at : self.at + 3]
        return rest[:1] == "-" and rest[1:2] not in ("", "]", "[") and rest[1:] != "&&"

    def _member_sign(self) -> tuple[str, str]:
        sign = self._peek()
        self.at += 1
        if sign != "\\":
            return "character", _literal(sign)
        if self._next("b"):
            return "character", _literal("\b")
        return self._escape()

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _next(self, sign: str) -> bool:
        """Whether `sign` comes next; then it is passed."""
        there = self._peek() == sign
        self.at += there
        return there

    def _found(self, wanted: re.Pattern[str]) -> re.Match[str] | None:
        """What is wanted, if it comes next; then it is passed."""
        found = wanted.match(self.text, self.at)
        if found:
            self.at = found.end()
        return found


_LAYOUT = re.compile(r"(?:\s|#[^\n]*)+")


def _literal(character: str) -> str:
    """A character that means itself, in a set and outside."""
    return rf"\U{ord(character):08x}"


def _ordinal(literal: str) -> int:
    return int(literal[2:], 16)


def _folded(text: str, flags: Flags) -> str:
    return f"(?i:{text})" if "i" in flags else text
