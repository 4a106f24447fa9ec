"""The published contract: every field of every record with its type, unit and origin."""
