#!/bin/sh
# Adds the system user of the service. It runs before the files are unpacked, because some belong to the user.
set -e
if ! getent passwd slurm-rest-api >/dev/null; then
    useradd --system --user-group --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin slurm-rest-api
fi
