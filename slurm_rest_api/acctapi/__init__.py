"""/users and /history, straight from the tables that slurmdbd writes. Everything here only reads."""
