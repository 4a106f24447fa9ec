#!/bin/sh
# Deletes configuration and data if dpkg purges the package. Else both stay, as far as they were changed. The user stays.
set -e
case "$1" in
    remove | 0)
        if [ -d /run/systemd/system ]; then
            systemctl daemon-reload
        fi
        ;;
    purge) rm -rf /etc/slurm-rest-api /var/lib/slurm-rest-api /run/slurm-rest-api ;;
esac
