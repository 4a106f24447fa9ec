"""Program 2: translates a query string into a validated list query. No I/O."""
