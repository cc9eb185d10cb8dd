"""What the OpenAPI documents of all contracts have in common (OpenAPI 3.1).

drf-spectacular makes a document out of the views; `ContractSchema` adds to every call what follows from
its nature (who needs a token can get a 401, what reads a body a 413), so that a view's own description
says only what is special. The bodies of errors are the contract's own: its `render` makes each example.
"""

from usermgmt.http.schema.calls import ContractSchema, documented
from usermgmt.http.schema.documents import ContractGenerator
from usermgmt.http.schema.fields import SAMPLE_META, MetaField
from usermgmt.http.schema.headers import HEADERS, QUOTA, RATE_HEADERS, limit_headers, tells
from usermgmt.http.schema.parameters import ID, IF_MATCH, ecma, identifier, query
from usermgmt.http.schema.refusals import (
    FORBIDDEN,
    Nature,
    Refusal,
    invalid,
    invalid_list,
    not_found,
    refusal,
    refusals_of,
)

__all__ = [
    "FORBIDDEN",
    "HEADERS",
    "ID",
    "IF_MATCH",
    "QUOTA",
    "RATE_HEADERS",
    "SAMPLE_META",
    "ContractGenerator",
    "ContractSchema",
    "MetaField",
    "Nature",
    "Refusal",
    "documented",
    "ecma",
    "identifier",
    "invalid",
    "invalid_list",
    "limit_headers",
    "not_found",
    "query",
    "refusal",
    "refusals_of",
    "tells",
]
