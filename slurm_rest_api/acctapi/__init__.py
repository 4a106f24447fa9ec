"""/users and /history, read from the tables that slurmdbd writes. Nothing here writes to them.

`associations`, `encodings`, `filters`, `records`, `resolve_names`, `sql` and `states` do no I/O.
"""
