#!/usr/bin/env bash
# Starts the collector and the web server together in the foreground. Ctrl-C stops both.
set -euo pipefail
program=run.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"

usage() {
    cat <<'HELP'
Usage: bash run.sh [OPTION]...

Starts slurm-rest-api on this host: the collector, which reads Slurm, and the web
server. Ctrl-C stops both. It needs the environment from build.sh.

With --demo it serves a simulated cluster instead. That needs no Slurm, creates the
environment if it is missing, and ignores this host's configuration.

Options:
  --config=FILE   configuration file (default: the first that exists of
                  $SLURM_REST_API_CONFIG, ./config.yml, /etc/slurm-rest-api/config.yml)
  --host=ADDRESS  address to listen on
  --port=NUMBER   port to listen on
  --demo          serve the simulated cluster
  --demo-nodes=N  number of its nodes (300)
  --demo-jobs=N   approximate number of jobs in its queue (1000)
  --help          print this text

Environment: SLURM_REST_API_VENV (folder of the environment, by default .venv in the
folder of this script).
HELP
}

# make_environment VENV: creates or updates the environment of the demo, if this user may write to it.
make_environment() {
    local venv="$1" python
    if [ -x "$venv/bin/slurm-rest-api" ] && [ ! -w "$venv" ]; then
        return
    fi
    python="$(find_python)"
    hold_lock "$venv"
    make_venv "$venv" "$python"
    install_lock "$venv" "$checkout/requirements/run.lock"
    install_checkout "$venv"
    # Releases the lock, so that the service does not hold it.
    exec 9>&-
}

demo=no
global_options=()
run_options=()
while [ "$#" -gt 0 ]; do
    argument="$1"
    shift
    case "$argument" in
        --help | -h) usage; exit 0 ;;
        --config | --host | --port | --demo-nodes | --demo-jobs)
            [ "$#" -gt 0 ] || fail "$argument needs a value" 2
            argument="$argument=$1"
            shift
            ;;
    esac
    case "$argument" in
        --config=?*) global_options+=("$argument") ;;
        --host=?* | --port=?* | --demo-nodes=?* | --demo-jobs=?*) run_options+=("$argument") ;;
        --demo) demo=yes; run_options+=("$argument") ;;
        --config=* | --host=* | --port=* | --demo-nodes=* | --demo-jobs=*) fail "${argument%%=*} needs a value" 2 ;;
        *) fail "unknown argument '$argument'. Known: --config FILE, --host ADDRESS, --port NUMBER, --demo, --demo-nodes N, --demo-jobs N, --help" 2 ;;
    esac
done

venv="${SLURM_REST_API_VENV:-$checkout/.venv}"
if [ "$demo" = yes ]; then
    make_environment "$venv"
fi
[ -x "$venv/bin/slurm-rest-api" ] || fail "no environment in $venv. Create it: bash build.sh"
exec "$venv/bin/slurm-rest-api" ${global_options[@]+"${global_options[@]}"} run ${run_options[@]+"${run_options[@]}"}
