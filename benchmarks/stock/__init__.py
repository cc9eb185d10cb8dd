"""The peer: a user directory as Django and DRF give it, out of the box."""
