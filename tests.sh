#!/usr/bin/env bash
# Makes the test environment and runs every check: format, lint, types, tests.
set -euo pipefail
program=tests.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"

usage() {
    cat <<'HELP'
Usage: bash tests.sh [--all] [-- PYTEST_ARGUMENT...]

Makes the test environment (.venv-tests in this folder, or $SLURM_REST_API_TEST_VENV)
from requirements/dev.lock and runs ruff, mypy and pytest in it. Needs neither root nor
Slurm; what that leaves out is listed at the end.

Options:
  --all     everything: also bandit, pip-audit, and the tests that need a real Slurm
            cluster or a browser, which they bring up and install by themselves (root on
            Debian or Ubuntu, about 2 GB of disk). A part that is missing is a failure there, never a skip.
  --help    this text
  -- ...    the rest goes to pytest
HELP
}

everything=no
while [ "$#" -gt 0 ]; do
    case "$1" in
        --help | -h) usage; exit 0 ;;
        --all) everything=yes ;;
        --) shift; break ;;
        *) fail "unknown argument '$1'; known: --all, --help, and pytest's own after --" 2 ;;
    esac
    shift
done
if [ "$everything" = yes ] && [ "$(id -u)" != 0 ]; then
    fail "--all brings up a Slurm cluster in a folder of its own and needs root for that; without it: bash tests.sh"
fi

cd "$checkout"
venv="${SLURM_REST_API_TEST_VENV:-$checkout/.venv-tests}"
python="$(find_python)"
if [ "$everything" = yes ] && ! has_venv "$python" && command -v apt-get >/dev/null; then
    say "Installing python3-venv"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv ||
        fail "apt-get could not install python3-venv; its own message stands above"
fi
hold_lock "$venv"
make_venv "$venv" "$python"
install_lock "$venv" "$checkout/requirements/dev.lock"
install_checkout "$venv"
# The lock was for making the environment; what runs in it, daemons of the test cluster too, must not hold it.
exec 9>&-

failed=()
check() {
    say "== $*"
    "$venv/bin/python" -m "$@" || failed+=("'${*:1:2}'")
}
check ruff format --check
check ruff check
check mypy
if [ "$everything" = yes ]; then
    # pip-audit brings a list of authorities of its own; that of the machine may have one more, a proxy's.
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
        if [ -z "${REQUESTS_CA_BUNDLE-}" ] && [ -e "$bundle" ]; then
            export REQUESTS_CA_BUNDLE="$bundle"
        fi
    done
    check bandit --quiet --configfile pyproject.toml --recursive slurm_rest_api
    check tests.audit
    check pytest --complete --durations=25 -p tests.completeness "$@"
else
    check pytest -p tests.completeness -m "not cluster and not deployed and not fresh and not browser" "$@"
fi
[ "${#failed[@]}" -eq 0 ] || fail "failed: ${failed[*]}"
