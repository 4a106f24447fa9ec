"""Configuration of systemd, uWSGI and nginx, and the command that installs it."""
