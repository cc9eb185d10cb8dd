"""A contract: a set of calls below a prefix that tells of problems in its own words.

A dialect adds itself with a folder `usermgmt/dialects/<name>/` whose `urls.py` holds a `contract`, and
with one line in `usermgmt/urls.py`. Everything that fails below the prefix, in a view or before one,
ends in that contract's `render`.
"""

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.urls import Resolver404, URLPattern, URLResolver, include, path, re_path
from django.views.decorators.csrf import csrf_exempt

from usermgmt.errors import Fault, Quota

if TYPE_CHECKING:
    from usermgmt.http.schema.refusals import Nature, Refusal

ADMIN_PREFIX = "admin/"
"""Below it stands the admin site, the one place with sessions and HTML errors."""
_ADMIN = f"/{ADMIN_PREFIX}"
_PAGES = frozenset({"", *settings.PAGES})


@dataclass(frozen=True, slots=True)
class Problem:
    """What went wrong, in no contract's words.

    status: the HTTP status that says it best. code: stable, e.g. "not_found". detail: a sentence, where
    the code does not say all. faults: of the values sent. data: what a message may need.
    headers: what HTTP asks for with that status. quota: where the caller stands with a limit, if it is about one.
    """

    status: int
    code: str
    detail: str = ""
    faults: tuple[Fault, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    quota: Quota | None = None


class Refused(Exception):
    """What a contract refuses by a rule that is its own and no domain error tells of, e.g. a filter's grammar.

    problem: with a code and data that the contract's own `render` knows.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(problem.code)


def _error_or_errors(problem: Problem) -> str:
    """What the most have: one answer for the values sent, another for all else."""
    return "Errors" if problem.faults else "Error"


@dataclass(frozen=True)
class Document:
    """What the OpenAPI document of a contract says beyond its calls.

    tags: the groups of its calls, each with its description. errors: the JSON Schemas of its answers to problems, by
    name. error_of: gives the name of the one that a problem has. headers: the header objects of its answers, beyond
    those that any contract may have. refusals: what a call may refuse by its nature; None for what is usual. schemas:
    others that its calls refer to, by name.
    """

    title: str
    description: str
    tags: Mapping[str, str]
    errors: Mapping[str, Mapping[str, Any]]
    error_of: Callable[[Problem], str] = _error_or_errors
    headers: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    refusals: "Callable[[Nature], Sequence[Refusal]] | None" = None
    schemas: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def rate_limit_headers(quota: Quota) -> Mapping[str, str]:
    """A quota in the headers of the native contract (6), which most have."""
    return {
        "RateLimit-Limit": str(quota.limit),
        "RateLimit-Remaining": str(quota.remaining),
        "RateLimit-Reset": str(quota.reset),
    }


def json_answer(
    body: Mapping[str, Any], status: int, headers: Mapping[str, str], *, media_type: str = "application/json"
) -> HttpResponse:
    """An answer to a problem, as JSON without a space too many."""
    return JsonResponse(
        body,
        status=status,
        headers=dict(headers),
        content_type=media_type,
        json_dumps_params={"separators": (",", ":")},
    )


QuotaHeaders = Callable[[Quota], Mapping[str, str]]


def tell(answer: HttpResponseBase, quota: Quota | None, headers: QuotaHeaders = rate_limit_headers) -> None:
    """Add to an answer where its caller stands with a limit, unless it tells of one that is nearer."""
    told: Quota | None = getattr(answer, "quota", None)
    if quota is None or (told is not None and told.remaining <= quota.remaining):
        return
    answer.quota = quota  # type: ignore[attr-defined]  # by whatever names its headers tell it
    for name, value in headers(quota).items():
        answer.headers[name] = value


Rate = tuple[int, int]
"""A count, and the seconds that it is for."""

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}\Z")


def _as_sent(request_id: str) -> str:
    """The caller's own id, where it is one; else a new one."""
    return request_id if _REQUEST_ID.match(request_id) else str(uuid.uuid4())


@dataclass(frozen=True, eq=False)
class Contract:
    """name: as the audit trail tells it. prefix: of its paths, "" or "x/y/".

    urls: its table. render: makes the shape of its answer to a problem; to have the whole, call `answer`.
    document: what its OpenAPI document says of it; None where it has none. idempotency_keys: whether its POST calls
    take an Idempotency-Key. quota_headers: how its answers tell where the caller stands with a limit.
    outside: the views of the few calls that stand outside of its prefix, by their exact paths, as "x/info".
    rate: gives how many calls of its own a caller has in how many seconds; None where API_RATE counts them, with those
    of other contracts. always_tells: whether every answer tells where the caller stands with it, also
    those to what is no call. request_id: makes the id of a request of what came as X-Request-ID, "" for nothing.
    """

    name: str
    prefix: str
    urls: Sequence[URLPattern | URLResolver] = field(repr=False)
    render: Callable[[Problem], HttpResponse] = field(repr=False)
    document: Document | None = field(repr=False, default=None)
    idempotency_keys: bool = False
    quota_headers: QuotaHeaders = field(repr=False, default=rate_limit_headers)
    outside: Mapping[str, Callable[..., Any]] = field(repr=False, default_factory=dict)
    rate: Callable[[], Rate] | None = field(repr=False, default=None)
    always_tells: bool = False
    request_id: Callable[[str], str] = field(repr=False, default=_as_sent)

    def answer(self, problem: Problem) -> HttpResponse:
        """Its answer to a problem."""
        answer = self.render(problem)
        self.tell(answer, problem.quota)
        return answer

    def tell(self, answer: HttpResponseBase, quota: Quota | None) -> None:
        """As `tell`, in its own headers."""
        tell(answer, quota, self.quota_headers)

    def mount(self) -> list[URLPattern | URLResolver]:
        """Its table below its prefix, then its own answer to every path that is not in the table."""
        return [path(self.prefix, include(list(self.urls))), re_path(f"^{re.escape(self.prefix)}", self.unmatched)]

    def mount_outside(self) -> list[URLPattern | URLResolver]:
        """What stands outside of its prefix."""
        return [path(place, view) for place, view in self.outside.items()]

    def has(self, place: str) -> bool:
        """Whether a call of its own stands at that path."""
        try:
            path(self.prefix, include(list(self.urls))).resolve(place)
        except Resolver404:
            return place in self.outside
        return True

    @property
    def unmatched(self) -> Callable[..., HttpResponse]:
        """The view of the paths below the prefix that match nothing."""

        @csrf_exempt
        def view(request: HttpRequest, **captured: Any) -> HttpResponse:
            return self.answer(Problem(404, "not_found"))

        return view


def mounted(named: Iterable[Contract]) -> list[URLPattern | URLResolver]:
    """The tables of all, in the order in which a path finds the contract that answers for it: see `contract_of`."""
    longest_first = _longest_first(named)
    outside = [pattern for contract in longest_first for pattern in contract.mount_outside()]
    return outside + [pattern for contract in longest_first for pattern in contract.mount()]


def contracts(urlconf: str | None = None) -> Sequence[Contract]:
    """The contracts that the root table of URLs names."""
    named: Sequence[Contract] = import_module(urlconf or settings.ROOT_URLCONF).CONTRACTS
    return named


def documented_contracts() -> dict[str, Contract]:
    """Those that have a document, by name."""
    return {contract.name: contract for contract in contracts() if contract.document is not None}


def contract_of(request: HttpRequest) -> Contract:
    """The contract that answers for the path of `request`: the one that has exactly this path outside of its prefix,
    else the one of the longest prefix. It is found once a request."""
    found: Contract | None = getattr(request, "_contract", None)
    if found is None:
        found = request._contract = _answering(request)  # type: ignore[attr-defined]
    return found


def _answering(request: HttpRequest) -> Contract:
    path_info = request.path_info.removeprefix("/")  # there is none in "OPTIONS *"
    outside, longest_first = _sorted(getattr(request, "urlconf", None) or settings.ROOT_URLCONF)
    if path_info in outside:
        return outside[path_info]
    return next(contract for contract in longest_first if path_info.startswith(contract.prefix))


@lru_cache
def _sorted(urlconf: str) -> tuple[Mapping[str, Contract], Sequence[Contract]]:
    """The contracts by the paths outside of their prefix, and all by their prefix."""
    named = contracts(urlconf)
    outside = {place: contract for contract in reversed(named) for place in contract.outside}
    return outside, _longest_first(named)


def _longest_first(named: Iterable[Contract]) -> list[Contract]:
    """By their prefixes: the one of the longest answers."""
    return sorted(named, key=lambda contract: -len(contract.prefix))


def is_admin(request: HttpRequest) -> bool:
    """Whether the request is for the admin site, which is no contract."""
    return request.path_info.startswith(_ADMIN)


def is_page(request: HttpRequest) -> bool:
    """Whether the request is for people: a page, its form, its files; and not a call."""
    return request.path_info[1:].partition("/")[0] in _PAGES
