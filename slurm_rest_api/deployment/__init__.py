"""The files that run the service under systemd, uWSGI and nginx, and the command that installs them."""
