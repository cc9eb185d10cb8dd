"""The document of this contract, and whether answers are as it says."""

from usermgmt.dialects.forms.urls import contract
from usermgmt.tests.described import Described

described = Described(contract, early={"401": "Unauthenticated", "403": "Forbidden"}, ending=".json")
document, resolved, validator = described.document, described.resolved, described.validator
