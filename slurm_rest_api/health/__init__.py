"""Health checks for monitoring: /health and /health/live."""
