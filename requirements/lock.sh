#!/usr/bin/env bash
# Recreates the lock files: run.lock, dev.lock, pyslurm-build.lock, pyslurm-build-cython0.lock, uwsgi.lock,
# package.lock and package-tools.lock, with hashes, for every Python from 3.11 on.
#   bash requirements/lock.sh             keeps each pin that still fits
#   bash requirements/lock.sh --upgrade   takes the newest releases
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

upgrade=()
case "${1-}" in
    "") ;;
    --upgrade) upgrade=(--upgrade) ;;
    *) echo "lock.sh: unknown argument '$1'; known: --upgrade" >&2; exit 2 ;;
esac

uv="${SLURM_REST_API_TEST_VENV:-.venv-tests}/bin/uv"
[ -x "$uv" ] || uv="$(command -v uv)" || { echo "lock.sh: needs uv; run 'bash tests.sh' once, which installs it" >&2; exit 1; }

# This machine's own indexes and package folders must not show in files that other machines read.
unset "${!UV_@}" "${!PIP_@}"
lock() {
    "$uv" pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --no-emit-package pip \
        --default-index https://pypi.org/simple --no-emit-index-url --custom-compile-command "bash requirements/lock.sh" \
        "${upgrade[@]}" "$@"
}

lock pyproject.toml requirements/run.in --output-file requirements/run.lock
lock pyproject.toml requirements/run.in --extra dev --constraints requirements/run.lock --output-file requirements/dev.lock
lock requirements/pyslurm-build.in --output-file requirements/pyslurm-build.lock
lock requirements/pyslurm-build-cython0.in --output-file requirements/pyslurm-build-cython0.lock
lock requirements/uwsgi.in --output-file requirements/uwsgi.lock
lock pyproject.toml requirements/package.in --extra postgresql --constraints requirements/run.lock \
    --output-file requirements/package.lock
lock requirements/package-tools.in --output-file requirements/package-tools.lock
