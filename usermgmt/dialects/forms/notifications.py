"""The mails that a configuration may name: sent when its form was taken, after the commit, or never (contract 4)."""

from typing import Final

WELCOME: Final = "welcome"
INVITATION: Final = "invitation"  # a link to set the first password; to who has none
VERIFICATION: Final = "verification"  # a link that proves the address; to who has not proved it

NOTIFICATIONS: Final = (WELCOME, INVITATION, VERIFICATION)
