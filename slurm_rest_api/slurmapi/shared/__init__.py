"""Shared by the collector and the web workers, apart from the store: runtime files, pacing, refresh pipe."""
