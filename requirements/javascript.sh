#!/usr/bin/env bash
# Checks the JavaScript of the pages: format, lint (Biome) and unit tests (Node's own test runner).
#   bash requirements/javascript.sh         what tests.sh --all runs
#   bash requirements/javascript.sh --fix   formats the files and makes the corrections that Biome is sure of
set -euo pipefail
program=javascript.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"
cd "$checkout"

fix=no
case "${1-}" in
    "") ;;
    --fix) fix=yes ;;
    *) fail "unknown argument '$1'; known: --fix" 2 ;;
esac

if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "node and npm are missing (node 18 or newer). Install them:$(install_hint "nodejs npm" "nodejs npm")"
    fi
    say "Installing nodejs and npm"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends nodejs npm ||
        fail "apt-get could not install nodejs and npm; see its own message above"
fi

# npm writes this file at the end of an installation.
if [ package-lock.json -nt node_modules/.package-lock.json ]; then
    say "Installing the packages of package-lock.json into node_modules"
    npm ci --silent || fail "npm could not install package-lock.json; see its own message above"
fi
if [ "$fix" = yes ]; then
    npm run --silent fix
    exit
fi
npm run --silent check
npm run --silent test
