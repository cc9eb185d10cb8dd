"""`manage.py check_documents`: whether the OpenAPI document of every contract is sound."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.validation import validate_schema
from jsonschema import ValidationError

from usermgmt.http.contracts import documented_contracts
from usermgmt.http.schema import ContractGenerator


class Command(BaseCommand):
    help = "Makes the OpenAPI document of every contract; fails where one gives warnings or is no valid OpenAPI 3.1."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, contract in documented_contracts().items():
            GENERATOR_STATS.reset()
            document = ContractGenerator(contract).get_schema(public=True)
            GENERATOR_STATS.emit_summary()
            if GENERATOR_STATS:
                raise CommandError(f"The document of the contract {name} gave warnings.")
            try:
                validate_schema(document)  # type: ignore[no-untyped-call]
            except ValidationError as error:
                where = "/".join(map(str, error.absolute_path))
                raise CommandError(
                    f"The document of the contract {name} is not valid at {where}: {error.message}"
                ) from error
            self.stdout.write(f"{name}: {len(document['paths'])} paths, valid OpenAPI {document['openapi']}")
