from clients.models.client import NAME_MAX_LENGTH, Client

__all__ = ["NAME_MAX_LENGTH", "Client"]
