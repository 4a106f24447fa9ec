#!/usr/bin/env bash
# Creates the service's Python environment on this host, and installs the pyslurm that fits its Slurm, if there is one.
set -euo pipefail
program=build.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"

usage() {
    cat <<'HELP'
Usage: bash build.sh [OPTION]...

Creates the environment of slurm-rest-api (.venv in this folder, or $SLURM_REST_API_VENV)
and installs the pinned packages of requirements/run.lock, and the pyslurm that fits
this host's Slurm. Where none can be installed it prints the reason, and the service
reads the cluster with Slurm's commands. It can be run again, and does nothing if
nothing has changed.

Options:
  --pyslurm_version=VERSION
        Use this pyslurm: a number (25.11.2), a tag (v24.11.0) or a branch (24.11.x) of
        https://github.com/PySlurm/pyslurm. Without it, the release on PyPI or the
        revision of that repository that is known to fit is used.
  --pyslurm_source=SOURCE
        Use the pyslurm in a folder, in a tar archive, or at a URL of an archive or a Git
        repository (URL@BRANCH, URL@TAG, URL@COMMIT). For a host without internet access:
        bash build.sh --pyslurm_source=~/pyslurm-24.11.x
  --pyslurm_mirror=URL
        Get archives of pyslurm's repository from a copy of it: URL/archive/COMMIT.tar.gz.
        Their digests are checked as well.
  --override_pyslurm_version_hex=0xMMmmpp
        Build a pyslurm for another release of Slurm. The number is this host's Slurm
        release, as in its slurm_version.h (26.05 is 0x1a0500). Known adjustments are
        applied, and the result is tested before it is installed.
  --pyslurm_arguments="WORD..."
        Settings of pyslurm's build, separated by spaces, with quotes like in a shell:
        SLURM_LIB_DIR=DIR or --slurm-lib=DIR       folder of libslurmfull.so
        SLURM_INCLUDE_DIR=DIR or --slurm-inc=DIR   folder with slurm/slurm.h
        --slurm=DIR                                DIR/include and DIR/lib (or lib64)
        CFLAGS=..., CPPFLAGS=..., LDFLAGS=...      added to the options of the build
        NAME=VALUE                                 any other variable for the build
  --uwsgi
        Install uWSGI, too, for a deployment with nginx. It is compiled.
  --require-pyslurm
        Fail where no pyslurm can be installed.
  --no-pyslurm
        Create only the environment. The service reads the cluster with Slurm's commands.
  --help
        Print this text.

Environment: SLURM_REST_API_VENV (folder of the environment), SLURM_REST_API_PYTHON (its
Python), SLURM_LIB_DIR and SLURM_INCLUDE_DIR (Slurm's folders, if they are not found).
Downloads obey http_proxy, https_proxy, no_proxy, ~/.curlrc and pip's setting proxy.
HELP
}

pyslurm_options=()
with_pyslurm=yes
with_uwsgi=no
for argument in "$@"; do
    case "$argument" in
        --help | -h) usage; exit 0 ;;
        --no-pyslurm) with_pyslurm=no ;;
        --uwsgi) with_uwsgi=yes ;;
        --pyslurm_version=?* | --pyslurm_source=?* | --pyslurm_mirror=?* | \
            --override_pyslurm_version_hex=?* | --pyslurm_arguments=* | --require-pyslurm) pyslurm_options+=("$argument") ;;
        *) fail "unknown argument '$argument'. Known: --help, --pyslurm_version=VERSION, --pyslurm_source=SOURCE, --pyslurm_mirror=URL, --override_pyslurm_version_hex=0xMMmmpp, --pyslurm_arguments=\"WORD...\", --uwsgi, --require-pyslurm, --no-pyslurm" 2 ;;
    esac
done
if [ "$with_pyslurm" = no ] && [ "${#pyslurm_options[@]}" -gt 0 ]; then
    fail "--no-pyslurm cannot be combined with ${pyslurm_options[0]%%=*}" 2
fi

venv="${SLURM_REST_API_VENV:-$checkout/.venv}"
python="$(find_python)"
hold_lock "$venv"
make_venv "$venv" "$python"
install_lock "$venv" "$checkout/requirements/run.lock"
install_checkout "$venv"
if [ "$with_uwsgi" = yes ]; then
    install_lock "$venv" "$checkout/requirements/uwsgi.lock"
fi

if [ "$with_pyslurm" = yes ]; then
    "$venv/bin/python" -P -m slurm_rest_api.pyslurm_build --locks="$checkout/requirements" \
        ${pyslurm_options[@]+"${pyslurm_options[@]}"} || exit $?
    say "Ready: bash run.sh"
else
    say "Ready, without pyslurm: bash run.sh"
fi
