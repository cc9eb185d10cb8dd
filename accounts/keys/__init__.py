"""The keys that sign and verify JWTs: one of them signs, every known one verifies (native contract 1)."""

from accounts.keys.material import Key
from accounts.keys.ring import Keyring, check, keyring, named, open_files

__all__ = ["Key", "Keyring", "check", "keyring", "named", "open_files"]
