#!/bin/sh
# Stops the service before its files are removed. dpkg calls it with "remove", rpm with 0, and both also at an upgrade.
set -e
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl --no-reload disable --now slurm-rest-api.service ||
                echo "slurm-rest-api: the service was not stopped. Run: systemctl stop slurm-rest-api" >&2
        fi
        ;;
esac
