"""Clients: the customers (tenants) that users belong to."""
