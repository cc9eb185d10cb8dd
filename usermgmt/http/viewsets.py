"""What the viewsets of every contract have in common."""

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from typing import Any, ClassVar

from django.http import HttpRequest
from rest_framework.exceptions import APIException
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from usermgmt.errors import Forbidden, MustChangePassword, Quota
from usermgmt.http import idempotency, rates
from usermgmt.http.contracts import contract_of
from usermgmt.http.ids import is_id
from usermgmt.http.limits import Standing


def actor_of(request: Request) -> Any:
    """The signed-in user. For calls that are closed to strangers; None where one is not."""
    return request.user


READING = ("GET", "HEAD")


_made: dict[type[Any], Any] = {}


def _one(kind: type[Any]) -> Any:
    """The one instance of an authenticator, parser, renderer or negotiator: they keep nothing of a request."""
    if kind not in _made:
        _made[kind] = kind()
    return _made[kind]


@lru_cache
def _allowed(kind: "type[Calls]", methods: Collection[str], known: Sequence[str]) -> str:
    """What Allow says (RFC 9110 10.2.1) where these methods have actions."""
    return ", ".join(name.upper() for name in known if name in methods or hasattr(kind, name))


class Calls(GenericViewSet[Any]):
    """A resource's calls.

    kind: what the audit trail calls the resource. changes_own_password: the actions by which callers choose a new
    password for themselves: on themselves they are open to those who must, and the service sees that they do.
    signs_out: the actions by which callers leave, which are open to everybody who came in.
    permission_by_action: what some actions ask for beyond the permissions of all.
    OPTIONS is not among the methods: the OpenAPI document says more.
    """

    kind: ClassVar[str] = "call"
    changes_own_password: ClassVar[Collection[str]] = ()
    signs_out: ClassVar[Collection[str]] = ()
    permission_by_action: ClassVar[Mapping[str, type[BasePermission]]] = {}
    claim: idempotency.Claim | None = None  # on the Idempotency-Key of the call at hand
    http_method_names = ["get", "head", "post", "put", "patch", "delete"]
    rate: Standing | None = None  # where the caller stands with API_RATE

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        # Who may not call is refused by now: no key opens anything.
        if request.method == "POST" and self.action and contract_of(request._request).idempotency_keys:
            self.claim = idempotency.claim(request)

    def handle_exception(self, exc: Exception) -> Any:
        return exc.answer if isinstance(exc, idempotency.Replayed) else super().handle_exception(exc)

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        try:
            answer: Any = super().dispatch(request, *args, **kwargs)
            if self.claim is not None:
                self.claim.settle(answer.render() if hasattr(answer, "render") else answer)
        except BaseException:
            if self.claim is not None:
                self.claim.give_up()
            raise
        return answer

    def initialize_request(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Request:
        call = super().initialize_request(request, *args, **kwargs)
        # DRF looks for them in itself first, each time: they are asked a dozen times a call.
        call.method, call.META = request.method, request.META
        return call

    @property
    def default_response_headers(self) -> dict[str, str]:
        return {"Allow": _allowed(type(self), tuple(self.action_map), tuple(self.http_method_names))}

    def get_authenticators(self) -> list[Any]:
        return [_one(kind) for kind in self.authentication_classes]

    def get_parsers(self) -> list[Any]:
        return [_one(kind) for kind in self.parser_classes]

    def get_renderers(self) -> list[Any]:
        return [_one(kind) for kind in self.renderer_classes]

    def get_content_negotiator(self) -> Any:
        return _one(self.content_negotiation_class)

    def get_permissions(self) -> list[Any]:
        named = self.permission_by_action.get(self.action)  # none, without an action: that goes on to its 405
        return [*super().get_permissions(), *([named()] if named is not None else [])]

    def check_permissions(self, request: Request) -> None:
        """Before all other rules, for all contracts: by a token that is read-only, nothing but reading; by whoever
        must change the password, nothing but that. Leaving is open to both."""
        leaves = self.action in self.signs_out
        if request.method not in READING and not leaves and getattr(request.auth, "read_only", False):
            raise Forbidden
        if getattr(request.user, "must_change_password", False) and not leaves:
            about_oneself = self.target_id == actor_of(request).pk
            if not (about_oneself and self.action in self.changes_own_password):
                raise MustChangePassword
        super().check_permissions(request)

    @property
    def target_id(self) -> int | None:
        """The number of what the call is about, for the audit trail; None where it names nothing."""
        named = str(self.kwargs.get("id", ""))
        return int(named) if is_id(named) else None

    def perform_authentication(self, request: Request) -> None:
        """Also counts the call, as soon as it is known whose it is: one that is refused later on is one, too."""
        try:
            super().perform_authentication(request)
        except APIException:
            self.rate = rates.take_of_stranger(contract_of(request._request))
            raise
        if self.is_limited(request):
            self.rate = rates.take(request, contract_of(request._request))

    def is_limited(self, request: Request) -> bool:
        """Whether API_RATE counts the call of whoever makes it; a contract may let some callers pass."""
        return True

    def telling(self, answer: Response, quota: Quota | None) -> Response:
        """`answer`, which tells of a limit that the call met."""
        contract_of(self.request._request).tell(answer, quota)
        return answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self.rate is not None:
            contract_of(request._request).tell(answer, self.rate.quota)
        return answer
