"""The native contract's calls on clients."""
