"""The form-driven contract (docs/contracts/forms.md): what may be sent is decided by a stored configuration."""
