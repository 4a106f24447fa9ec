"""Whether the parts of the service do their work, for whoever watches it."""
