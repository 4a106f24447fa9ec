"""The snapshot store: one SQLite file that the collector writes and web workers read. No I/O in `conditions`."""
