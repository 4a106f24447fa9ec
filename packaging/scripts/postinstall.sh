#!/bin/sh
# Tells systemd of the unit. A service that runs is reloaded: its workers restart one after the other.
set -e
if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # A faulty configuration must not leave the package half installed. The service then runs on as it was.
    systemctl try-reload-or-restart slurm-rest-api.service ||
        echo "slurm-rest-api: the service was not reloaded. Run: journalctl -u slurm-rest-api" >&2
fi
