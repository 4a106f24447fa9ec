#!/bin/sh
# Deletes the data of the service if dpkg purges the package. Else it stays, and so do the user and changed configuration.
set -e
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl daemon-reload
        fi
        ;;
    purge) rm -rf /etc/slurm-rest-api /var/lib/slurm-rest-api /run/slurm-rest-api ;;
esac
