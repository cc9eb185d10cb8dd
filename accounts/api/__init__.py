"""The native contract: the product's own API, at the root of the host (contracts: native)."""
