"""The seam by which a dialect adds itself, shown with a whole dialect in one file (DESIGN 1).

The miniature dialect has a prefix, an error shape, a content type, a parser, a renderer, an
authentication and a refusal of its own, and is added as any other: by a `Contract` in CONTRACTS.
"""

import re
from dataclasses import replace
from http import HTTPStatus
from io import StringIO

import pytest
import time_machine
from django.core.checks import run_checks
from django.core.exceptions import SuspiciousOperation
from django.core.management import CommandError, call_command
from django.db import OperationalError, connection
from django.http import HttpResponse, JsonResponse
from django.urls import path
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import extend_schema
from jsonschema import Draft202012Validator
from rest_framework import authentication, exceptions, renderers
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIClient

from accounts.models import Event, User
from accounts.services import users
from usermgmt.errors import Fault, Forbidden, Invalid, NotFound, Quota, fragment
from usermgmt.http.contracts import Contract, Document, Problem, Refused, mounted
from usermgmt.http.ids import id_of
from usermgmt.http.parsers import StrictJSONParser
from usermgmt.http.schema import Refusal, documented, identifier, query, refusals_of, tells
from usermgmt.http.serializers import Reader, StrictStringField
from usermgmt.http.viewsets import Calls, actor_of
from usermgmt.urls import NATIVE
from usermgmt.urls import urlpatterns as native_table

# mapping.py of the dialect


def to_member(user):
    return {"ref": f"m-{user.pk}", "display": user.name, "mail": user.email}


def from_member(values):
    return {"name": values.get("display", ""), "email": values.get("mail", "")}


# serializers.py


class MemberReader(Reader):
    display = StrictStringField()
    mail = StrictStringField()


# errors.py


def render(problem: Problem) -> HttpResponse:
    words = [f"{fault.field} {fragment(fault)}" for fault in problem.faults]
    return JsonResponse(
        {"ok": False, "code": problem.code, "words": words or [problem.detail], "data": dict(problem.data)},
        status=HTTPStatus.GONE if problem.status == 404 else problem.status,  # a vendor's quirk: it knows no 404
        headers=dict(problem.headers),
        content_type="application/mini+json",
    )


def quota_headers(quota: Quota) -> dict[str, str]:
    return {"X-Mini-Limit": str(quota.limit), "X-Mini-Left": str(quota.remaining), "X-Mini-Wait": f"{quota.reset} s"}


# schema.py

MEMBER = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("ref", "display", "mail")},
    "required": ["ref", "display", "mail"],
}
QUOTA_HEADERS = {
    "X-Mini-Limit": {"description": "How many.", "required": True, "schema": {"type": "integer"}},
    "X-Mini-Left": {"description": "How many are left.", "required": True, "schema": {"type": "integer"}},
    "X-Mini-Wait": {
        "description": "How long.",
        "required": True,
        "schema": {"type": "string", "pattern": "^[0-9]+ s$"},
    },
}
BRACKETS = Refusal("Brackets", "There are brackets.", {"grammar": Problem(400, "bad_grammar", data={"at": 0})})
TOO_SHORT = Refusal("TooShort", "It is too short.", {"grammar": Problem(400, "bad_grammar", "Three letters at least.")})


def failure(**more):
    """The schema of a refusal."""
    properties = {"ok": {"const": False}, "code": {"type": "string"}, "words": {"type": "array"}, "data": {}} | more
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


DOCUMENT = Document(
    title="Mini",
    description="A dialect that describes itself.",
    tags={"Members": "Who is there.", "About": "What this is."},
    errors={"Failure": failure(), "NotThere": failure(code={"const": "not_found"})},
    error_of=lambda problem: "NotThere" if problem.code == "not_found" else "Failure",
    headers=QUOTA_HEADERS,
    refusals=lambda call: [told for told in refusals_of(call) if told.name != "NotAcceptable"],  # it asks for nothing
)


# views.py


class KeyAuthentication(authentication.BaseAuthentication):
    """`X-Mini-User: {number}` and `X-Mini-Key: {e-mail}`; no WWW-Authenticate, which makes DRF answer 403 by itself."""

    def authenticate(self, request):
        if not {"X-Mini-User", "X-Mini-Key"} <= set(request.headers):
            return None
        user = User.objects.with_email(request.headers["X-Mini-Key"]).first()
        if user is None or str(user.pk) != request.headers["X-Mini-User"]:
            raise exceptions.AuthenticationFailed
        return user, None


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = KeyAuthentication
    name = ["miniUser", "miniKey"]

    def get_security_definition(self, auto_schema):
        return [{"type": "apiKey", "in": "header", "name": name} for name in ("X-Mini-User", "X-Mini-Key")]


class MiniParser(StrictJSONParser):
    media_type = "application/mini+json"


class MiniRenderer(renderers.JSONRenderer):
    media_type = "application/mini+json"


@documented(
    create=[
        extend_schema(operation_id="createMember", tags=["Members"], request=MemberReader, responses={201: MEMBER})
    ],
    retrieve=[
        extend_schema(
            operation_id="getMember", tags=["Members"], parameters=[identifier("member")], responses={200: MEMBER}
        )
    ],
)
class Members(Calls):
    kind = "user"
    authentication_classes = [KeyAuthentication]
    permission_classes = [IsAuthenticated]
    parser_classes = [MiniParser]
    renderer_classes = [MiniRenderer]

    def is_limited(self, request):
        return not getattr(request.user, "is_superuser", False)

    def create(self, request):
        if not actor_of(request).is_superuser:
            raise Forbidden
        values, faults = MemberReader.read(request.data)
        user = users.create(actor=actor_of(request), client_id=None, reported=faults, **from_member(values))
        return Response(to_member(user), status=201)

    def retrieve(self, request, id):
        user = User.objects.visible_to(actor_of(request)).filter(pk=id_of(id, "user")).first()
        if user is None:
            raise NotFound("user")
        return Response(to_member(user))


SEARCHES = Quota(limit=9, remaining=2, reset=7)


@documented(
    list=[
        extend_schema(
            operation_id="searchMembers",
            tags=["Members"],
            parameters=[
                query("q", {"type": "string"}, "What to look for.", required=True),
                *(tells(header, 200, among=QUOTA_HEADERS) for header in QUOTA_HEADERS),
            ],
            responses={200: {"type": "array", "items": MEMBER}, 400: [BRACKETS, TOO_SHORT]},
        )
    ]
)
class Searches(Calls):
    """A call open to anyone, with a grammar of its own for `q` and a limit of its own."""

    authentication_classes = []
    permission_classes = [AllowAny]
    pagination_class = None

    def list(self, request):
        if "(" in request.query_params["q"]:  # and where there is no q at all, a mistake of ours: KeyError
            raise Refused(Problem(400, "bad_grammar", "No brackets, please.", data={"at": 0}))
        found = [to_member(user) for user in User.objects.matching(request.query_params["q"])]
        return self.telling(Response(found), SEARCHES)


@documented(show=[extend_schema(operation_id="getAbout", tags=["About"], responses={200: {"type": "object"}})])
class About(Calls):
    """A call that the vendor has at the root."""

    authentication_classes = []
    permission_classes = [AllowAny]

    def show(self, request):
        if "odd" in request.query_params:
            raise Invalid([Fault("odd", "invalid")])
        return Response({"mini": 1})


# urls.py

MINI = Contract(
    name="mini",
    prefix="mini/",
    urls=[
        path("members", Members.as_view({"post": "create"})),
        path("members/<str:id>", Members.as_view({"get": "retrieve"})),
        path("members.search", Searches.as_view({"get": "list"})),
    ],
    render=render,
    quota_headers=quota_headers,
    document=DOCUMENT,
    outside={"old/about": About.as_view({"get": "show"})},
)

# The root urlconf that this file stands for: the house's own, with one contract more.
CONTRACTS = [NATIVE, MINI]
urlpatterns = [*mounted([MINI]), *native_table]
handler400 = "usermgmt.http.problems.bad_request"
handler404 = "usermgmt.http.problems.not_found"
handler500 = "usermgmt.http.problems.server_error"

MEDIA_TYPE = "application/mini+json"


@pytest.fixture(autouse=True)
def root(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def mini():
    """`mini(user)` calls the miniature dialect as `user`."""

    def as_user(user=None):
        client = APIClient(raise_request_exception=False)
        if user is not None:
            client.credentials(HTTP_X_MINI_USER=str(user.pk), HTTP_X_MINI_KEY=user.email)
        return client

    return as_user


def post(client, body: bytes, media_type=MEDIA_TYPE):
    return client.post("/mini/members", body, content_type=media_type)


def test_it_makes_a_user_who_is_there_at_the_native_door(cast, call, mini):
    answer = post(mini(cast.administrator), b'{"display": "Mia Member", "mail": "mia@example.com"}')
    assert (answer.status_code, answer["Content-Type"]) == (201, MEDIA_TYPE)
    made = User.objects.get(email="mia@example.com")
    assert answer.json() == {"ref": f"m-{made.pk}", "display": "Mia Member", "mail": "mia@example.com"}
    shown = call(cast.administrator).get(f"/users/{made.pk}").json()
    assert shown == {"id": made.pk, "name": "Mia Member", "email": "mia@example.com", "client": None}


def test_the_audit_trail_names_the_dialect(cast, mini):
    post(mini(cast.administrator), b'{"display": "Mia Member", "mail": "mia@example.com"}')
    post(mini(cast.owner), b'{"display": "Mia Member", "mail": "mia2@example.com"}')
    told = Event.objects.order_by("id").values_list("contract", "action", "actor_id", "target_kind")
    assert list(told) == [
        ("mini", "user.created", cast.administrator.pk, "user"),
        ("mini", "change.refused", cast.owner.pk, "user"),
    ]


def shape(code, words, **data):
    return {"ok": False, "code": code, "words": [words] if isinstance(words, str) else words, "data": data}


def test_a_body_of_another_media_type_is_refused_in_its_shape(cast, mini):
    answer = post(mini(cast.administrator), b"{}", "application/json")
    assert answer.status_code == 415
    assert answer.json() == shape("unsupported_media_type", 'Unsupported media type "application/json" in request.')


def test_a_body_that_is_no_json_is_refused_in_its_shape(cast, mini):
    answer = post(mini(cast.administrator), b"{")
    assert (answer.status_code, answer["Content-Type"]) == (400, MEDIA_TYPE)
    assert answer.json() == shape("bad_request", "The request body is not valid JSON.")


def test_faults_are_told_in_its_shape(cast, mini):
    answer = post(mini(cast.administrator), b'{"display": 5, "mail": "ada@example.com"}')
    assert answer.status_code == 422
    assert answer.json() == shape(
        "invalid", ["display is invalid", "name can't be blank", "email has already been taken"]
    )


@pytest.mark.parametrize("ref", ["99999999999999999999", "999999", "abc"])
def test_a_user_who_is_not_there_is_told_in_its_shape_with_the_kind(cast, mini, ref):
    answer = mini(cast.administrator).get(f"/mini/members/{ref}")
    assert answer.status_code == 410
    assert answer.json() == shape("not_found", "", kind="user")


@pytest.mark.parametrize("address", ["", "nobody@example.com"])
def test_a_stranger_is_told_in_its_shape_and_never_403(db, mini, address):
    answer = mini(User(email=address) if address else None).get("/mini/members/1")
    assert (answer.status_code, answer["Content-Type"]) == (401, MEDIA_TYPE)
    assert answer.json() == shape("unauthenticated", "")
    assert "WWW-Authenticate" not in answer  # that is its render's to say


def test_what_is_forbidden_is_told_in_its_shape(cast, mini):
    answer = post(mini(cast.owner), b"{}")
    assert (answer.status_code, answer.json()) == (403, shape("forbidden", ""))


def test_whoever_must_change_the_password_is_refused_in_its_shape_though_it_does_nothing_about_it(cast, mini):
    User.objects.filter(pk=cast.administrator.pk).update(must_change_password=True)
    client = mini(cast.administrator)
    for answer in (
        client.get(f"/mini/members/{cast.administrator.pk}"),
        client.get("/mini/members/1"),
        post(client, b"{}"),
    ):
        assert (answer.status_code, answer.json()) == (403, shape("must_change_password", ""))


def test_a_contract_that_takes_no_idempotency_keys_takes_no_notice_of_one(cast, mini):
    client = mini(cast.administrator)
    client.defaults["HTTP_IDEMPOTENCY_KEY"] = "once"
    body = b'{"display": "Mia Member", "mail": "mia@example.com"}'
    assert [post(client, body).status_code for _ in range(2)] == [201, 422]


def test_a_method_that_a_path_has_not_is_told_in_its_shape(cast, mini):
    answer = mini(cast.administrator).delete("/mini/members")
    assert (answer.status_code, answer.json()) == (405, shape("method_not_allowed", 'Method "DELETE" not allowed.'))


@pytest.mark.parametrize("path", ["/mini/", "/mini/nope", "/mini/members/1/2", "/mini/users", "/mini/members/"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_an_unknown_path_below_its_prefix_is_told_in_its_shape(mini, path, method):
    answer = getattr(mini(), method)(path)
    assert (answer.status_code, answer["Content-Type"]) == (410, MEDIA_TYPE)
    assert answer.json() == shape("not_found", "")


def test_a_rule_of_its_own_refuses_with_its_own_code_and_data(mini):
    answer = mini().get("/mini/members.search", {"q": "("})
    assert (answer.status_code, answer.json()) == (400, shape("bad_grammar", "No brackets, please.", at=0))


def test_a_mistake_of_ours_is_told_in_its_shape_without_a_trace(mini):
    answer = mini().get("/mini/members.search")
    assert (answer.status_code, answer["Content-Type"]) == (500, MEDIA_TYPE)
    assert answer.json() == shape("server_error", "An unexpected error occurred.")


def away(execute, sql, params, many, context):
    raise OperationalError("server closed the connection unexpectedly")


def test_a_database_that_is_away_is_told_in_its_shape(cast, mini):
    with connection.execute_wrapper(away):
        answer = mini(cast.administrator).get("/mini/members/1")
    assert (answer.status_code, answer["Retry-After"]) == (503, "1")
    assert answer.json() == shape("unavailable", "The service is temporarily unavailable.")


def test_what_fails_before_any_view_is_told_in_its_shape(mini, settings):
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    answer = mini().get("/mini/members/1", HTTP_HOST="elsewhere.example.com")
    assert (answer.status_code, answer["Content-Type"]) == (400, MEDIA_TYPE)
    assert answer.json() == shape("bad_request", "The request is malformed.")


def test_what_breaks_middleware_is_told_in_its_shape(mini, monkeypatch):
    def broken(self, request):
        raise SuspiciousOperation

    monkeypatch.setattr("django.middleware.security.SecurityMiddleware.process_request", broken)
    answer = mini().get("/mini/members/1")
    assert (answer.status_code, answer.json()) == (400, shape("bad_request", "The request is malformed."))


def told(answer):
    return {name: value for name, value in answer.headers.items() if "Limit" in name or name.startswith("X-Mini")}


@pytest.mark.usefixtures("counting")
def test_it_tells_of_limits_in_headers_of_its_own_and_refuses_in_its_shape(cast, mini, settings):
    settings.API_RATE = (2, 60)
    client, own = mini(cast.owner), f"/mini/members/{cast.owner.pk}"
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False):
        answers = [client.get(own), client.get("/mini/members/abc"), client.get(own)]
    assert [answer.status_code for answer in answers] == [200, 410, 429]
    assert [told(answer) for answer in answers] == [
        {"X-Mini-Limit": "2", "X-Mini-Left": left, "X-Mini-Wait": "60 s"} for left in ("1", "0", "0")
    ]
    assert (answers[2]["Retry-After"], answers[2].json()) == ("60", shape("throttled", "", wait=60))


@pytest.mark.usefixtures("counting")
@pytest.mark.parametrize(("rate", "nearer"), [((2, 60), "2"), ((3, 60), "9"), ((9, 60), "9")])
def test_of_two_limits_it_tells_the_nearer_whatever_its_headers_are_called(db, mini, settings, rate, nearer):
    settings.API_RATE = rate
    answer = mini().get("/mini/members.search", {"q": "nobody"})
    assert (answer.status_code, told(answer)["X-Mini-Limit"]) == (200, nearer)


@pytest.mark.usefixtures("counting")
def test_it_lets_callers_of_its_choice_pass_uncounted(cast, mini, settings):
    settings.API_RATE = (1, 60)
    for user, statuses in ((cast.administrator, [200, 200, 200]), (cast.owner, [200, 429, 429])):
        answers = [mini(user).get(f"/mini/members/{user.pk}") for _ in range(3)]
        assert [answer.status_code for answer in answers] == statuses
        assert bool(told(answers[0])) == (user == cast.owner)


def test_a_call_outside_of_its_prefix_is_its_own_in_all_that_it_answers(mini, settings):
    client = mini()
    shown, odd = client.get("/old/about"), client.get("/old/about", {"odd": 1})
    assert (shown.status_code, shown.json()) == (200, {"mini": 1})
    assert (odd.status_code, odd["Content-Type"], odd.json()) == (422, MEDIA_TYPE, shape("invalid", "odd is invalid"))
    refused = client.post("/old/about")
    assert (refused.status_code, refused["Allow"]) == (405, "GET, HEAD")
    assert refused.json() == shape("method_not_allowed", 'Method "POST" not allowed.')
    settings.ALLOWED_HOSTS = ["directory.example.com"]
    early = client.get("/old/about", HTTP_HOST="elsewhere.example.com")
    assert (early.status_code, early.json()) == (400, shape("bad_request", "The request is malformed."))


@pytest.mark.parametrize(
    "place", ["/old", "/old/", "/old/about/", "/old/about/us", "/old/aboutX", "/old/About", "//old/about", "/mini/old"]
)
def test_a_path_outside_is_exact(mini, place):
    answer = mini().get(place)
    words = (410, shape("not_found", "")) if place.startswith("/mini") else (404, {"error": "Not found"})
    assert (answer.status_code, answer.json()) == words


def test_the_log_names_the_dialect_for_a_call_outside_of_its_prefix(mini, caplog):
    with caplog.at_level("INFO", "usermgmt.access"):
        for place in ("/old/about", "/old/nope"):
            mini().get(place)
    assert [record.fields["contract"] for record in caplog.records] == ["mini", "native"]


def test_the_native_contract_beside_it_is_untouched(cast, call, mini):
    """The same faults at the other door, in the other shape; and a path that only begins like the prefix."""
    native = call(cast.administrator)
    for place in ("/members", "/mini", "/minimal/members"):
        answer = native.get(place)
        assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    answer = native.get("/users/999999")
    assert (answer.status_code, answer.json()) == (404, {"error": "User not found"})
    answer = mini(cast.administrator).get("/users/1")
    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json() == {"error": "You need to sign in or sign up before continuing."}
    assert native.get("/openapi.json")["Content-Type"] == "application/json"


# Its document


@pytest.fixture
def document(client):
    return client.get("/openapi/mini.json").json()


def resolved(document, node):
    """What a `$ref` points to; anything else is itself."""
    for step in node["$ref"].removeprefix("#/").split("/") if "$ref" in node else ():
        document = document[step]
    return document if "$ref" in node else node


def test_its_document_has_its_own_calls_alone_at_their_paths(document):
    assert document["info"]["title"] == "Mini"
    assert {place: list(calls) for place, calls in document["paths"].items()} == {
        "/old/about": ["get"],
        "/mini/members": ["post"],
        "/mini/members/{id}": ["get"],
        "/mini/members.search": ["get"],
    }
    assert [tag["name"] for tag in document["tags"]] == ["Members", "About"]


def test_its_document_tells_that_both_of_its_keys_are_needed(document):
    assert document["paths"]["/mini/members"]["post"]["security"] == [{"miniUser": [], "miniKey": []}]
    assert document["paths"]["/old/about"]["get"]["security"] == [{}]
    assert document["components"]["securitySchemes"] == {
        "miniUser": {"type": "apiKey", "in": "header", "name": "X-Mini-User"},
        "miniKey": {"type": "apiKey", "in": "header", "name": "X-Mini-Key"},
    }


def test_its_document_tells_its_own_statuses_shapes_and_media_type(document):
    answers = document["paths"]["/mini/members/{id}"]["get"]["responses"]
    assert set(answers) == {"200", "400", "401", "403", "410", "429", "500", "503"}  # neither 404 nor 406
    content = resolved(document, answers["410"])["content"]
    assert content == {
        MEDIA_TYPE: {
            "schema": {"$ref": "#/components/schemas/NotThere"},
            "examples": {"not_found": {"value": shape("not_found", "", kind="user")}},
        }
    }


def test_an_answer_that_is_told_by_a_schema_stands_as_it_is_told(document):
    """Also where the call is named `list`: a schema says for itself whether it is one."""
    for place, schema in (
        ("/mini/members.search", {"type": "array", "items": MEMBER}),
        ("/mini/members/{id}", MEMBER),
    ):
        (content,) = document["paths"][place]["get"]["responses"]["200"]["content"].values()
        assert content["schema"] == schema


def test_its_document_may_have_schemas_that_its_calls_share_and_bodies_told_by_one(client, monkeypatch):
    @documented(
        show=[
            extend_schema(
                operation_id="tellAbout",
                tags=["About"],
                request={"application/json": {"$ref": "#/components/schemas/Member"}},
                responses={200: {"$ref": "#/components/schemas/Member"}},
            )
        ]
    )
    class Telling(Calls):
        def show(self, request):
            return Response({})

    told = replace(DOCUMENT, schemas={"Member": MEMBER})
    outside = {"old/tell": Telling.as_view({"post": "show"})}
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [NATIVE, replace(MINI, name="told", document=told, outside=outside)])
    document = client.get("/openapi/told.json").json()
    assert document["components"]["schemas"]["Member"] == MEMBER
    call = document["paths"]["/old/tell"]["post"]
    assert call["requestBody"]["required"] is True
    (content,) = call["responses"]["200"]["content"].values()
    assert content["schema"] == {"$ref": "#/components/schemas/Member"}


def test_its_document_tells_of_limits_in_headers_of_its_own(document):
    calls = document["paths"]
    shown = calls["/mini/members.search"]["get"]["responses"]["200"]["headers"]
    assert set(shown) == {*QUOTA_HEADERS, "X-Request-ID"}
    refused = resolved(document, calls["/mini/members"]["post"]["responses"]["429"])["headers"]
    assert set(refused) == {*QUOTA_HEADERS, "X-Request-ID", "Retry-After"}
    assert all(resolved(document, header)["required"] for header in refused.values())
    assert not [name for name in document["components"]["headers"] if name.startswith("RateLimit")]


def test_refusals_of_one_status_are_one_response_with_the_examples_of_all(document):
    told = document["paths"]["/mini/members.search"]["get"]["responses"]["400"]
    assert told["description"].splitlines()[:2] == ["* There are brackets.", "* It is too short."]
    (content,) = told["content"].values()
    assert content["schema"] == {"$ref": "#/components/schemas/Failure"}
    assert {name: example["value"]["data"] for name, example in content["examples"].items()} == {
        "grammar": {"at": 0},
        "TooShort_grammar": {},
        "bad_request": {},
    }


@pytest.fixture
def blunt(monkeypatch):
    """The same dialect, if it answered to everything but a missing sign-in with 400."""

    def render_bluntly(problem):
        answer = render(problem)
        answer.status_code = 401 if problem.code == "unauthenticated" else 400
        return answer

    contract = replace(MINI, name="blunt", render=render_bluntly)
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [NATIVE, contract])
    return contract


def test_a_dialect_that_answers_nearly_everything_with_400_tells_all_of_it_there(client, blunt):
    document = client.get("/openapi/blunt.json").json()
    answers = document["paths"]["/mini/members/{id}"]["get"]["responses"]
    assert set(answers) == {"200", "400", "401"}
    told = answers["400"]
    (content,) = told["content"].values()
    assert list(content["examples"]) == [
        "bad_request", "throttled", "server_error", "unavailable", "forbidden", "must_change_password", "not_found",
    ]  # fmt: skip
    assert [schema["$ref"].rpartition("/")[2] for schema in content["schema"]["anyOf"]] == ["Failure", "NotThere"]
    schema = Draft202012Validator({**content["schema"], "components": document["components"]})
    for example in content["examples"].values():
        schema.validate(example["value"])
    assert set(told["headers"]) == {*QUOTA_HEADERS, "X-Request-ID", "Retry-After"}
    assert told["headers"]["X-Mini-Left"] == {**QUOTA_HEADERS["X-Mini-Left"], "required": False}  # on some of them


def test_one_refusal_that_a_dialect_answers_with_two_statuses_is_told_under_both(client, monkeypatch):
    def render_apart(problem):
        answer = render(problem)
        answer.status_code = 401 if problem.code == "must_change_password" else answer.status_code
        return answer

    monkeypatch.setattr(f"{__name__}.CONTRACTS", [NATIVE, replace(MINI, name="apart", render=render_apart)])
    document = client.get("/openapi/apart.json").json()
    answers = document["paths"]["/mini/members/{id}"]["get"]["responses"]
    told = [list(resolved(document, answers[each])["content"][MEDIA_TYPE]["examples"]) for each in ("401", "403")]
    assert told == [["unauthenticated", "must_change_password"], ["forbidden"]]


def test_the_native_document_stands_where_it_stood_and_under_its_name_too(client):
    native = client.get("/openapi/native.json")
    assert native.content == client.get("/openapi.json").content
    assert native["Cache-Control"] == "public, max-age=300"


@pytest.mark.parametrize("name", ["other", "nope", "MINI", "mini.json", "%00", "mini%2Fmini"])
def test_there_is_no_document_of_a_contract_that_is_not_there_or_has_none(client, monkeypatch, name):
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [*CONTRACTS, Contract("other", "other/", [], render)])
    answer = client.get(f"/openapi/{name}.json")
    assert (answer.status_code, answer.json()) == (404, {"error": "Not found"})
    assert answer["Cache-Control"] == "no-store"


def test_the_reader_offers_each_document_and_shows_the_one_that_is_asked_for(client, monkeypatch):
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [*CONTRACTS, Contract("other", "other/", [], render)])
    for place, document in (
        ("/docs", "/openapi.json"),
        ("/docs?contract=native", "/openapi.json"),
        ("/docs?contract=mini", "/openapi/mini.json"),
    ):
        page = client.get(place).content.decode()
        assert re.findall('data-document="([^"]+)"', page) == [document]
        links = re.findall('<a href="(/docs[^"]*)"( aria-current="page")?>', page)
        assert [link for link, _ in links] == ["/docs", "/docs?contract=mini"]
        assert [bool(current) for _, current in links] == [document == "/openapi.json", document != "/openapi.json"]


@pytest.mark.parametrize("name", ["other", "", "<script>", "%00"])
def test_the_reader_of_a_document_that_is_not_there_is_a_page_that_says_so(client, monkeypatch, name):
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [*CONTRACTS, Contract("other", "other/", [], render)])
    answer = client.get("/docs", {"contract": name})
    assert (answer.status_code, answer["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "There is no such page" in answer.content.decode()
    assert "<script>" not in answer.content.decode()


def checked():
    said = StringIO()
    call_command("check_documents", stdout=said)
    return [line.partition(":")[0] for line in said.getvalue().splitlines()]


def test_every_document_is_valid_and_made_without_a_warning(blunt, monkeypatch):
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [NATIVE, MINI, blunt])
    assert checked() == ["native", "mini", "blunt"]


def test_a_document_that_is_not_valid_is_told(monkeypatch):
    odd = replace(DOCUMENT, headers={"X-Odd": {"schema": 5}})
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [NATIVE, replace(MINI, name="odd", document=odd)])
    with pytest.raises(CommandError, match="The document of the contract odd is not valid at components/headers/X-Odd"):
        checked()


def test_a_document_that_gives_warnings_is_told(monkeypatch, capsys):
    class Undescribed(Calls):
        def show(self, request):
            return Response({})

    odd = replace(MINI, name="odd", outside={"old/odd": Undescribed.as_view({"get": "show"})})
    monkeypatch.setattr(f"{__name__}.CONTRACTS", [NATIVE, odd])
    with pytest.raises(CommandError, match="The document of the contract odd gave warnings"):
        checked()
    assert "should either include a `serializer_class`" in capsys.readouterr().err


def test_the_longest_prefix_answers_whatever_the_order():
    """Two dialects may share the beginning of a path, as /api and /api/v1 do."""
    inner = Contract(name="inner", prefix="mini/inner/", urls=[], render=render)
    prefixes = [str(pattern.pattern) for pattern in mounted([NATIVE, MINI, inner])]
    assert prefixes == ["old/about", "mini/inner/", "^mini/inner/", "mini/", "^mini/", "", "^"]


def test_a_dot_in_a_prefix_is_a_dot():
    versioned = Contract(name="versioned", prefix="v1.0/", urls=[], render=render)
    unmatched = versioned.mount()[1]
    assert unmatched.resolve("v1.0/x") is not None
    assert unmatched.resolve("v1x0/x") is None


@pytest.mark.parametrize(
    ("contracts", "said"),
    [
        (
            [NATIVE, MINI, Contract("mini", "other/", [], render)],
            "Two contracts have the same name: native, mini, mini.",
        ),
        ([NATIVE, MINI, Contract("other", "mini/", [], render)], "Two contracts have the same prefix: , mini/, mini/."),
        (
            [NATIVE, Contract("other", "other/", [], render, outside={"users/current": render})],
            "Two contracts answer for the path users/current: other, native.",
        ),
        (
            [NATIVE, MINI, Contract("other", "old/", [path("about", render)], render)],
            "Two contracts answer for the path old/about: mini, other.",
        ),
    ],
)
def test_contracts_that_clash_are_found_at_the_start(monkeypatch, contracts, said):
    monkeypatch.setattr(f"{__name__}.CONTRACTS", contracts)
    assert [(error.id, error.msg) for error in run_checks(tags=["urls"])] == [("usermgmt.E003", said)]


def test_contracts_that_do_not_clash_pass():
    assert run_checks(tags=["urls"]) == []
