"""Which passwords an operator may choose for an administrator."""

from django.core.management.base import CommandError, OutputWrapper

from accounts import passwords
from usermgmt.errors import sentence


def policy_for(password: str, *, email: str, warnings: OutputWrapper) -> passwords.Policy:
    """The policy to make the user with; raises CommandError.

    In a development run a password that the policy refuses is taken with a warning: whoever sets the
    environment owns the machine. In service it is refused.
    """
    faults = passwords.check(password, owner=passwords.Owner(email=email), policy=passwords.standard())
    if not faults:
        return passwords.standard()
    told = "; ".join(sentence(fault) for fault in faults)
    if passwords.check(password, owner=passwords.Owner(email=email), policy=passwords.operators()):
        raise CommandError(f"{told}. Choose another DJANGO_SUPERUSER_PASSWORD.")
    warnings.write(f"Warning: {told}. Taken, as this is a development run.")
    return passwords.operators()
