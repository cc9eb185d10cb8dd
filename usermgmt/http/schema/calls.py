"""The description of one call."""

from collections.abc import Callable, Sequence
from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiResponse, PolymorphicProxySerializer

from usermgmt.http import idempotency
from usermgmt.http.schema.refusals import Nature, Refusal, refusals_of
from usermgmt.http.schema.responses import by_status, document_of, headers_of_all, response

Schema = dict[str, Any]


class ContractSchema(AutoSchema):
    """The description of one call of a contract.

    `responses=` of `extend_schema` may hold a `Refusal`, or several, for a status; those that follow from the nature
    of the call are added here. All stand under the statuses that the contract answers with.
    """

    view: Any  # of DRF's, with `kind` and with the `contract` that the generator gives it

    def get_operation(self, *where: Any) -> Schema | None:
        self._refused: list[Refusal] = []
        operation: Schema | None = super().get_operation(*where)
        if operation is None:
            return None
        operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/RequestID"})
        if "requestBody" in operation and isinstance(self.get_request_serializer(), PolymorphicProxySerializer | dict):
            operation["requestBody"]["required"] = True  # drf-spectacular looks only into single serializers
        responses = {status: answer for status, answer in operation["responses"].items() if answer}
        if self._takes_keys():
            operation["parameters"].append({"$ref": "#/components/parameters/IdempotencyKey"})
            for status, answer in responses.items():
                if status.startswith("2"):
                    answer["headers"][idempotency.REPLAYED] = {"$ref": f"#/components/headers/{idempotency.REPLAYED}"}
        told = by_status([*self._refused, *self._refusals(operation)], self.view.contract)
        responses = {status: self._response(refusals) for status, refusals in told.items()} | responses
        operation["responses"] = dict(sorted(responses.items()))
        return operation

    def _refusals(self, operation: Schema) -> Sequence[Refusal]:
        """The refusals that follow from what the call takes and asks for."""
        parameters = {(parameter.get("in"), parameter.get("name")) for parameter in operation["parameters"]}
        nature = Nature(
            kind=self.view.kind,
            closed=any(operation["security"]),
            names_one=any(place == "path" for place, _ in parameters),
            conditional=("header", "If-Match") in parameters,
            reads="requestBody" in operation,
            takes_keys=self._takes_keys(),
        )
        return (document_of(self.view.contract).refusals or refusals_of)(nature)

    def _takes_keys(self) -> bool:
        return self.method == "POST" and self.view.contract.idempotency_keys

    def _is_list_view(self, serializer: Any = None) -> bool:
        """Not where the answer is told by a schema: that says for itself whether it is a list."""
        answers = self.get_response_serializers()
        answer = answers[min(answers, key=str)] if isinstance(answers, dict) and answers else answers
        told = answer.response if isinstance(answer, OpenApiResponse) else answer
        return not isinstance(told, dict) and bool(super()._is_list_view(serializer))

    def _get_response_for_code(
        self, answer: Any, status_code: str, media_types: Any = None, direction: str = "response"
    ) -> Schema:
        refused = [answer] if isinstance(answer, Refusal) else answer
        if isinstance(refused, list | tuple) and all(isinstance(each, Refusal) for each in refused):
            self._refused.extend(refused)
            return {}
        response: Schema = super()._get_response_for_code(answer, status_code, media_types, direction)  # type: ignore[no-untyped-call]
        response.setdefault("headers", {}).update(headers_of_all(self.view.contract))
        return response

    def _response(self, told: Sequence[Refusal]) -> Schema:
        """One refusal is a component; what several have become together is this call's alone."""
        described = response(told, self.view.contract)
        if len(told) > 1:
            return described
        component = ResolvedComponent(  # type: ignore[no-untyped-call]
            name=told[0].name, type=ResolvedComponent.RESPONSE, schema=described, object=Refusal
        )
        self.registry.register_on_missing(component)
        reference: Schema = component.ref
        return reference

    def _map_basic_serializer(self, serializer: Any, direction: str) -> Schema:
        schema: Schema = super()._map_basic_serializer(serializer, direction)  # type: ignore[no-untyped-call]
        if direction == "response":
            schema["additionalProperties"] = False  # exactly these keys, and no other
        return schema


def documented(**calls: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """Describe the calls of a viewset by the names of its methods: each with its `extend_schema`s."""

    def decorate(view: Any) -> Any:
        for name, descriptions in calls.items():
            for describe in descriptions:
                describe(getattr(view, name))
        return view

    return decorate
