"""The vocabulary of form configurations, compiled into validators: no HTTP, no database (contract 4)."""
