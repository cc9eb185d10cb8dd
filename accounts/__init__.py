"""Users, passwords, tokens and the audit trail."""
