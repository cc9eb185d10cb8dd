"""What the OpenAPI document says of the calls on links in mails."""

from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema

from accounts.api.schema.document import LINKS
from accounts.api.schema.users import NEW_JOHN_DOE, sample
from accounts.api.serializers import AddressReader, ChosenPasswordReader, ProofReader
from usermgmt.errors import BASE, Fault
from usermgmt.http.schema import identifier, invalid

_NOTHING = {"type": "object", "additionalProperties": False}
_TOKEN = "n1x5uGkIEDqpvXs1yXcHGYXHeZ0y6dvSKhRQKhOlDEs"
_DEAD = [Fault("token", "token_dead")]


def _done(description: str) -> OpenApiResponse:
    return OpenApiResponse(_NOTHING, description, [OpenApiExample("Done", {})])


INVALID_ADDRESS = invalid("InvalidAddress", "It is no e-mail address.", invalid=[Fault("email", "invalid")])
INVALID_CHOICE = invalid(
    "InvalidChoice",
    "The link is used or past, or the password can't be taken; then the link stays good.",
    token=_DEAD,
    password=[
        Fault("password", "password_too_common"),
        Fault("password_confirmation", "confirmation", {"attribute": "Password"}),
    ],
)
INVALID_PROOF = invalid("InvalidProof", "The link is used or past.", token=_DEAD)
NOT_INVITED = invalid(
    "NotInvited",
    "There is nothing to invite the user to.",
    password=[Fault(BASE, "has_password")],
    inactive=[Fault(BASE, "inactive")],
)
NOT_TO_PROVE = invalid(
    "NotToProve",
    "There is nothing to prove.",
    verified=[Fault(BASE, "verified")],
    inactive=[Fault(BASE, "inactive")],
)

HOLDER_CALLS = {
    "reset": [
        extend_schema(
            operation_id="requestReset",
            summary="Ask for a new password",
            description="Sends a mail with a link to whoever has the address, can sign in and has a password. The"
            " answer is the same for every address.",
            tags=[LINKS],
            request=AddressReader,
            responses={202: _done("If there is such a user, a mail is on its way."), 422: INVALID_ADDRESS},
            examples=sample({"email": NEW_JOHN_DOE["email"]}),
        )
    ],
    "confirm_reset": [
        extend_schema(
            operation_id="confirmReset",
            summary="Choose a password",
            description="For the holder of a link of a reset or an invitation. The link is used up, every sign-in ends,"
            " and the address that the mail came to is proven.",
            tags=[LINKS],
            request=ChosenPasswordReader,
            responses={200: _done("The password is set."), 422: INVALID_CHOICE},
            examples=sample(
                {
                    "token": _TOKEN,
                    "password": NEW_JOHN_DOE["password"],
                    "password_confirmation": NEW_JOHN_DOE["password"],
                }
            ),
        )
    ],
    "verify_email": [
        extend_schema(
            operation_id="verifyEmail",
            summary="Prove an e-mail address",
            description="For the holder of a link; it is used up.",
            tags=[LINKS],
            request=ProofReader,
            responses={200: _done("The address is verified."), 422: INVALID_PROOF},
            examples=sample({"token": _TOKEN}, "A token"),
        )
    ],
}
"""For `documented`: each call of `HolderViewSet`."""

LINK_CALLS = {
    "invite": [
        extend_schema(
            operation_id="inviteUser",
            summary="Invite a user",
            description="For administrators. Sends a mail with a link to set the first password.",
            tags=[LINKS],
            parameters=[identifier("user")],
            request=None,
            responses={202: _done("A mail is on its way."), 422: NOT_INVITED},
        )
    ],
    "ask_for_proof": [
        extend_schema(
            operation_id="askForProof",
            summary="Ask for the proof of an address",
            description="Sends a mail with a link that verifies the user's address. Administrators ask any user, others"
            " themselves. After a change of address such a mail goes out by itself.",
            tags=[LINKS],
            parameters=[identifier("user")],
            request=None,
            responses={202: _done("A mail is on its way."), 422: NOT_TO_PROVE},
        )
    ],
}
"""For `documented`: each call of `LinkViewSet`."""
