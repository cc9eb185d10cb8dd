"""The whole document of one contract."""

from typing import Any

from drf_spectacular.generators import SchemaGenerator

from usermgmt.http.contracts import Contract, Document, contracts
from usermgmt.http.schema.headers import HEADERS
from usermgmt.http.schema.parameters import IDEMPOTENCY_KEY, REQUEST_ID
from usermgmt.http.schema.refusals import NEVER_OF_A_CALL
from usermgmt.http.schema.responses import document_of, response
from usermgmt.http.viewsets import Calls

Schema = dict[str, Any]


class ContractGenerator(SchemaGenerator):
    """Makes the document of one contract: its paths alone."""

    def __init__(self, contract: Contract | None = None, **options: Any) -> None:
        """contract: the one without a prefix if None; so `manage.py spectacular` asks for it."""
        self.contract = contract or _unprefixed()
        super().__init__(**{**options, "patterns": [*self.contract.mount_outside(), *self.contract.mount()]})  # type: ignore[no-untyped-call]

    def create_view(self, callback: Any, method: str, request: Any = None) -> Any:
        view = super().create_view(callback, method, request)  # type: ignore[no-untyped-call]
        view.contract = self.contract  # for its `render`
        return view

    def get_schema(self, request: Any = None, public: bool = False) -> Schema:
        document: Schema = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        about = document_of(self.contract)
        # The methods of a view are a set; documents are to be the same in every process.
        document["paths"] = {
            path: {method: calls[method] for method in Calls.http_method_names if method in calls}
            for path, calls in document["paths"].items()
        }
        document["info"] |= {"title": about.title, "description": about.description}
        document["tags"] = [{"name": name, "description": text} for name, text in about.tags.items()]
        for kind, told in self._shared(about).items():
            document["components"].setdefault(kind, {}).update(told)
        return document

    def _shared(self, about: Document) -> dict[str, Schema]:
        """The components that are there whatever the calls are."""
        return {
            "schemas": {name: dict(schema) for name, schema in {**about.schemas, **about.errors}.items()},
            "parameters": {
                "RequestID": REQUEST_ID,
                **({"IdempotencyKey": IDEMPOTENCY_KEY} if self.contract.idempotency_keys else {}),
            },
            "headers": {**HEADERS, **about.headers},
            "responses": {told.name: response([told], self.contract) for told in NEVER_OF_A_CALL},
        }


def _unprefixed() -> Contract:
    return next(contract for contract in contracts() if not contract.prefix)
