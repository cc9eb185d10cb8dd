"""The document of this contract, and whether answers are as it says."""

from usermgmt.dialects.rocketchat.urls import contract
from usermgmt.tests.described import Described

described = Described(contract, early={"400": "BadRequest"})
document, resolved, validator = described.document, described.resolved, described.validator
