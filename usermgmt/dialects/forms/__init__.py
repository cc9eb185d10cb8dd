"""The form-driven contract: stored configurations decide what may be sent and what is checked (contracts/forms.md)."""
