"""Access to databases that may hang: limits on waiting threads, and on the time that a driver waits."""
