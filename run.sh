#!/usr/bin/env bash
# Starts the collector and the web server together, in the foreground; Ctrl-C stops both.
set -euo pipefail
program=run.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"

usage() {
    cat <<'HELP'
Usage: bash run.sh [OPTION]...

Starts slurm-rest-api on this host: the collector that reads Slurm and the web server
that answers. Ctrl-C stops both. Needs the environment that build.sh makes.

Options:
  --config=FILE   the configuration (default: $SLURM_REST_API_CONFIG, ./config.yml,
                  /etc/slurm-rest-api/config.yml: the first that exists)
  --host=ADDRESS  the address to listen on
  --port=NUMBER   the port to listen on
  --help          this text

Environment: SLURM_REST_API_VENV (the environment's folder; default .venv beside this script).
HELP
}

global_options=()
run_options=()
while [ "$#" -gt 0 ]; do
    argument="$1"
    shift
    case "$argument" in
        --help | -h) usage; exit 0 ;;
        --config | --host | --port)
            [ "$#" -gt 0 ] || fail "$argument needs a value" 2
            argument="$argument=$1"
            shift
            ;;
    esac
    case "$argument" in
        --config=?*) global_options+=("$argument") ;;
        --host=?* | --port=?*) run_options+=("$argument") ;;
        --config=* | --host=* | --port=*) fail "${argument%%=*} needs a value" 2 ;;
        *) fail "unknown argument '$argument'; known: --config FILE, --host ADDRESS, --port NUMBER, --help" 2 ;;
    esac
done

venv="${SLURM_REST_API_VENV:-$checkout/.venv}"
[ -x "$venv/bin/slurm-rest-api" ] || fail "no environment in $venv; make it first: bash build.sh"
exec "$venv/bin/slurm-rest-api" ${global_options[@]+"${global_options[@]}"} run ${run_options[@]+"${run_options[@]}"}
