"""The references: one Django project, served as djoser's user would (djoser.py) and as bare views (bare.py)."""
