#!/usr/bin/env bash
# Makes the test environment and runs the checks: format, lint, types, tests, and with --all everything else.
set -euo pipefail
program=tests.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"

usage() {
    cat <<'HELP'
Usage: bash tests.sh [--all | PART...] [-- PYTEST_ARGUMENT...]

Makes the test environment (.venv-tests in this folder, or $SLURM_REST_API_TEST_VENV)
from requirements/dev.lock. Without options it runs ruff, mypy and the plain tests, one
process a core. It needs neither root nor Slurm, and reports the tests it left out.

Parts, each alone or with others, then up to four at a time. They install what they need, as root
on Debian or Ubuntu:
  --cluster   tests on a real Slurm cluster in a folder of its own (about 1.5 GB)
  --browser   tests of the pages in Debian's Chromium and Firefox
  --deployed  tests with nginx and uWSGI, of the wheel and of the sdist
  --releases  tests on real clusters of two older releases of Slurm (about 2 GB)
  --fresh     the commands of the documents in an empty Debian root (about 0.5 GB; port 5000)
  --lowest    plain tests of what uses libraries, with the lowest versions that pyproject.toml allows (no root)
  --soak      half an hour of mixed load on a deployment, with a look for leaks (not in --all)

Options:
  --all       format, lint, types, bandit, pip-audit, the documentation site, the JavaScript
              of the pages, the plain tests, and every part, up to four at a time. A skipped
              test is a failure.
  --help      this text
  -- ...      the rest goes to pytest, for example: bash tests.sh -- tests/web -k etag

Variables:
  SLURM_REST_API_TEST_VENV  folder of the test environment
  SLURM_REST_API_SOAK_SECONDS  length of the soak (default: 1800)
  SLURM_REST_API_EXAMPLES   factor on the number of examples of property tests (default: 1)
HELP
}

known_parts=(cluster browser deployed releases fresh lowest)
parts=()
everything=no
while [ "$#" -gt 0 ]; do
    case "$1" in
        --help | -h) usage; exit 0 ;;
        --all) everything=yes ;;
        --cluster | --browser | --deployed | --releases | --fresh | --lowest | --soak) parts+=("${1#--}") ;;
        --) shift; break ;;
        *) fail "unknown argument '$1'; known: --all,$(printf ' --%s,' "${known_parts[@]}") --soak, --help, and pytest's own after --" 2 ;;
    esac
    shift
done
if [ "$everything" = yes ] && [ "${#parts[@]}" -gt 0 ]; then
    fail "--all contains every part. Leave --${parts[0]} out." 2
fi
if [ "$everything" = yes ]; then
    parts=(checks plain "${known_parts[@]}")
elif [ "${#parts[@]}" = 0 ]; then
    parts=(checks plain)
fi
for part in "${parts[@]}"; do
    case "$part" in
        checks | plain | browser | lowest) ;;
        *) [ "$(id -u)" = 0 ] || fail "--$part makes a root folder or installs packages and needs root. Without root: bash tests.sh" ;;
    esac
done

cd "$checkout"
# Each service that a test starts would compile this project again, and each part of the tests all of its modules.
unset PYTHONDONTWRITEBYTECODE
venv="${SLURM_REST_API_TEST_VENV:-$checkout/.venv-tests}"
python="$(find_python)"
if [ "${parts[*]}" != "checks plain" ] && [ "$(id -u)" = 0 ] && ! has_venv "$python" && command -v apt-get >/dev/null; then
    say "Installing python3-venv"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv ||
        fail "apt-get could not install python3-venv; see its own message above"
fi
hold_lock "$venv"
make_venv "$venv" "$python"
# Python compiles what is imported. Half of the modules never are.
PIP_COMPILE=0 install_lock "$venv" "$checkout/requirements/dev.lock"
install_checkout "$venv"
# The lock was for making the environment. Programs started from it, such as daemons of the cluster, must not hold it.
exec 9>&-

failed=()
check() {
    local name="$1"
    shift
    say "== $name: $*"
    "$@" || failed+=("$name")
}

# run_tests PYTHON PART ARGUMENT...: the plain part runs one process a core, the others share services in one process.
run_tests() {
    local interpreter="$1" part="$2" options=()
    shift 2
    if [ "$part" = plain ]; then
        options=(-n "$("$interpreter" -c 'import os; print(len(os.sched_getaffinity(0)))')" --dist=worksteal)
    fi
    "$interpreter" -m pytest -p tests.completeness "--part=$part" "${options[@]}" "${complete[@]}" "$@"
}

# make_lowest_environment: has `lowest` be an environment with the lowest versions that pyproject.toml allows. It is
# kept outside the checkout, under a digest of the files that decide its packages.
make_lowest_environment() {
    local work digest
    digest="$(cat pyproject.toml requirements/run.in requirements/dev.lock | sha256sum | cut -c1-16)"
    lowest="${XDG_CACHE_HOME:-$HOME/.cache}/slurm-rest-api-lowest/$digest"
    hold_lock "$lowest"
    make_venv "$lowest" "$python"
    if [ ! -e "$lowest/packages.txt" ]; then
        say "Resolving and installing the lowest versions into $lowest"
        work="$(mktemp -d)"
        export UV_HTTP_TIMEOUT="${UV_HTTP_TIMEOUT:-600}"
        "$venv/bin/uv" pip compile --quiet --python "$lowest/bin/python" --resolution lowest-direct \
            pyproject.toml requirements/run.in --extra postgresql --output-file "$work/run.txt" >/dev/null &&
            # The pins of the development tools are kept where they fit.
            cp requirements/dev.lock "$work/packages.txt" &&
            "$venv/bin/uv" pip compile --quiet --python "$lowest/bin/python" --constraints "$work/run.txt" \
                pyproject.toml requirements/run.in --extra dev --output-file "$work/packages.txt" >/dev/null &&
            "$venv/bin/uv" pip install --quiet --python "$lowest/bin/python" --requirement "$work/packages.txt" &&
            mv "$work/packages.txt" "$lowest/packages.txt" || { rm -rf "$work"; return 1; }
        rm -rf "$work"
    fi
    install_checkout "$lowest"
    exec 9>&-
}

# Folders and modules of plain tests that depend on the standard library alone, or take long and use the same functions of
# the libraries as others. The lowest versions are tested with the rest.
without_libraries=(pyslurm_build slurm demo browser cluster deployed fresh releases security soak
    slurmapi/sources slurmapi/collector slurmapi/store
    # Orders, filters and formats of the snapshot: slurmapi/test_views.py, slurmapi/query/test_list_query.py and
    # slurmapi/responses/test_document_formats.py send such requests.
    slurmapi/query/test_properties.py slurmapi/query/test_filters.py slurmapi/responses/test_json_stream.py
    slurmapi/responses/test_formats.py slurmapi/responses/test_changes.py
    slurmapi/responses/test_change_histories.py
    # Permissions: auth/test_modes.py, auth/test_key_set.py and auth/test_factory.py use the libraries.
    auth/test_private_data.py auth/test_rows.py auth/test_token_file.py auth/test_damaged_files.py
    # Child processes and files of this project, and counts of statements.
    diagnosis/test_cluster.py metrics/test_worker_files.py test_request_costs.py
    # The repository itself.
    test_architecture.py test_audit.py test_completeness.py test_docs.py test_scripts.py test_words.py)

complete=()
if [ "$everything" = yes ]; then
    complete=(--complete --durations=25)
    # The examples of property tests are the same in each run, so that a failure can be repeated.
    export HYPOTHESIS_PROFILE="${HYPOTHESIS_PROFILE:-ci}"
    # pip-audit has its own list of certificate authorities. The machine's list may have one more, of a proxy.
    for bundle in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt; do
        if [ -z "${REQUESTS_CA_BUNDLE-}" ] && [ -e "$bundle" ]; then
            export REQUESTS_CA_BUNDLE="$bundle"
        fi
    done
fi
# run_checks: format, lint and types, and with --all the other checks that run no test of this project.
run_checks() {
    check "ruff format" "$venv/bin/python" -m ruff format --check
    check "ruff check" "$venv/bin/python" -m ruff check
    check mypy "$venv/bin/python" -m mypy
    if [ "$everything" = yes ]; then
        check bandit "$venv/bin/python" -m bandit --quiet --configfile pyproject.toml --recursive slurm_rest_api
        check pip-audit "$venv/bin/python" -m tests.audit
        check documentation "$venv/bin/python" -m sphinx -W -n --keep-going -q -b html docs build/docs
        check JavaScript bash requirements/javascript.sh
    fi
}

# run_parts FILE PART...: runs parts one after the other, and writes the names of what failed to FILE, one a line.
run_parts() {
    local file="$1" part
    shift
    failed=()
    for part in "$@"; do
        case "$part" in
            checks) run_checks ;;
            lowest)
                make_lowest_environment || { failed+=("lowest tests"); continue; }
                HYPOTHESIS_PROFILE=few check "lowest tests" run_tests "$lowest/bin/python" plain \
                    "${without_libraries[@]/#/--ignore=tests/}" "${pytest_arguments[@]}"
                ;;
            *) check "$part tests" run_tests "$venv/bin/python" "$part" "${pytest_arguments[@]}" ;;
        esac
    done
    [ "${#failed[@]}" = 0 ] || printf '%s\n' "${failed[@]}" >"$file"
}

# Rows of parts run side by side, because the tests of a cluster mostly wait. The output of the first row is seen at
# once, that of the others at their end. Parts are put together so that all rows end at about the same time. The first
# row cannot be divided, so it has the processors first.
pytest_arguments=("$@")
rows=("cluster" "checks plain" "deployed lowest fresh" "browser releases" "soak")
work="$(mktemp -d)"
row_processes=()
trap '[ "${#row_processes[@]}" = 0 ] || kill "${row_processes[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
first=()
for number in "${!rows[@]}"; do
    row=()
    for part in ${rows[number]}; do
        [[ " ${parts[*]} " != *" $part "* ]] || row+=("$part")
    done
    if [ "${#row[@]}" = 0 ]; then
        continue
    elif [ "${#first[@]}" = 0 ]; then
        first=("$work/row-$number.failed" "${row[@]}")
    else
        say "== Side by side with the following, with their output at the end: ${row[*]}"
        (renice -n 5 "$BASHPID" >/dev/null; run_parts "$work/row-$number.failed" "${row[@]}") >"$work/row-$number.txt" 2>&1 &
        row_processes+=("$!")
    fi
done
if [ "${#first[@]}" -gt 0 ]; then
    (run_parts "${first[@]}")
fi
for process in "${row_processes[@]}"; do
    wait "$process" || failed+=("a row of parts")
done
row_processes=()
for output in "$work"/row-*.txt; do
    [ ! -e "$output" ] || cat "$output"
done
for names in "$work"/row-*.failed; do
    [ ! -e "$names" ] || { mapfile -t in_row <"$names" && failed+=("${in_row[@]}"); }
done
[ "${#failed[@]}" -eq 0 ] || fail "failed: $(printf '%s, ' "${failed[@]}" | sed 's/, $//')"
