"""Who asks, and what they may see. Nothing in here knows HTTP: `web/auth.py` does."""
