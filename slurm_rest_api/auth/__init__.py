"""Authentication modes, roles and row-level visibility. Knows nothing of Flask: `web/auth.py` connects it to HTTP."""
