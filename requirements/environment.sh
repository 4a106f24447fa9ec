# Sourced by the scripts: finds Python and fills virtual environments from lock files. It only defines functions.

fail() {
    printf '%s: %s\n' "${program:-build.sh}" "$1" >&2
    exit "${2:-1}"
}

say() {
    printf '%s\n' "$*"
}

# install_hint DEBIAN_PACKAGES RHEL_PACKAGES: prints the commands that install them.
install_hint() {
    printf '\n  on Debian/Ubuntu:  apt-get install %s\n  on RHEL/Rocky:     dnf install %s' "$1" "$2"
}

# Prints the path of $SLURM_REST_API_PYTHON, or of the first Python of at least 3.11. python3 is first, because Slurm
# sites maintain that one.
find_python() {
    local name
    if [ -n "${SLURM_REST_API_PYTHON-}" ]; then
        "$SLURM_REST_API_PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
            fail "SLURM_REST_API_PYTHON=$SLURM_REST_API_PYTHON is not a Python of at least 3.11. Name another one."
        command -v "$SLURM_REST_API_PYTHON"
        return
    fi
    for name in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            command -v "$name"
            return
        fi
    done
    fail "no Python of at least 3.11 on the PATH (looked for python3 and python3.11 to python3.14). Install one:$(
        install_hint "python3 python3-venv   (Debian 12, Ubuntu 24.04 or newer)" "python3.11   (RHEL 9 or Rocky 9)"
    )"
}

python_line() {
    "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'
}

has_venv() {
    "$1" -c 'import ensurepip, venv' 2>/dev/null
}

# make_venv FOLDER PYTHON: makes the environment, or replaces a broken one. It refuses any other folder.
make_venv() {
    local venv="$1" python="$2" version
    if [ -e "$venv/pyvenv.cfg" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
        # Another Python replaces the environment only if it is asked for.
        if [ -z "${SLURM_REST_API_PYTHON-}" ] || [ "$(python_line "$venv/bin/python")" = "$(python_line "$python")" ]; then
            return
        fi
    fi
    if [ -e "$venv" ] && [ ! -e "$venv/pyvenv.cfg" ] && [ -n "$(ls -A "$venv" | grep -vx '\.install\.lock')" ]; then
        fail "$venv exists and is not a Python environment. Move it, or name another folder."
    fi
    version="$(python_line "$python")"
    has_venv "$python" || fail "$python cannot make virtual environments (no module venv or ensurepip). Install it:$(
        install_hint "python3-venv   (python$version-venv, if $python is not the system's python3)" "python$version   (it contains venv)"
    )"
    say "Making the environment $venv with $python ($version)"
    rm -rf "$venv/bin" "$venv/lib" "$venv/lib64" "$venv/include" "$venv/pyvenv.cfg" "$venv"/slurm-rest-api-*
    "$python" -m venv "$venv" || fail "$python -m venv $venv failed; see its own message above"
}

# install_lock VENV LOCKFILE: installs exactly the lock file's packages, unless they are installed.
install_lock() {
    local venv="$1" lock="$2" stamp now total
    stamp="$1/slurm-rest-api-$(basename "$lock").stamp"
    now="$(sha256sum <"$lock") $(readlink -f "$venv/bin/python")"
    if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
        return
    fi
    rm -f "$stamp"
    say "Installing the packages of ${lock#"$checkout/"} into $venv"
    # pip skips packages that are only for Windows.
    total="$(grep '^[A-Za-z0-9]' "$lock" | grep -vc win32)"
    PYTHONUNBUFFERED=1 "$venv/bin/python" -m pip install --progress-bar off --disable-pip-version-check \
        --require-hashes --no-deps -r "$lock" | show_progress "$total" ||
        fail "pip could not install ${lock#"$checkout/"}; see its own message above. It needs https://pypi.org or a mirror of it (pip's settings index-url and proxy are obeyed)."
    printf '%s\n' "$now" >"$stamp"
}

# show_progress TOTAL: turns pip's messages into one line a package.
show_progress() {
    awk -v total="$1" '
        /^Collecting / { printf "  %d of %d: %s\n", ++count, total, $2; fflush() }
        /^Installing collected packages/ { print "  unpacking"; fflush() }'
}

# package_digest: prints a digest of the files that go into the package.
package_digest() {
    (
        cd "$checkout"
        { printf '%s\0' pyproject.toml setup.py README.md; find slurm_rest_api -type f ! -name '*.py[co]' -print0 | sort -z; } |
            xargs -0 sha256sum
    ) 2>/dev/null | sha256sum
}

# install_checkout VENV: editable if the checkout is writable, else a copy that is renewed when the sources change.
install_checkout() {
    local venv="$1" stamp="$1/slurm-rest-api-checkout.stamp" now copy
    if [ -w "$checkout" ]; then
        now="editable $checkout $(sha256sum <"$checkout/pyproject.toml")"
    else
        now="copy $checkout $(package_digest)"
    fi
    if [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
        return
    fi
    rm -f "$stamp"
    if [ -w "$checkout" ]; then
        say "Installing slurm-rest-api from $checkout (editable: changes there take effect at once)"
        install_source "$venv" --editable "$checkout"
    else
        say "Installing a copy of slurm-rest-api from $checkout (which is read-only: run build.sh again after it changes)"
        copy="$(mktemp -d)"
        (cd "$checkout" && cp -R pyproject.toml setup.py README.md LICENSE.txt slurm_rest_api "$copy/") ||
            { rm -rf "$copy"; fail "could not copy the sources of $checkout"; }
        chmod -R u+w "$copy"
        (install_source "$venv" --force-reinstall "$copy") || { rm -rf "$copy"; exit 1; }
        rm -rf "$copy"
    fi
    printf '%s\n' "$now" >"$stamp"
}

install_source() {
    local venv="$1"
    shift
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation "$@" ||
        fail "pip could not install the checkout; see its own message above"
}

# hold_lock VENV: takes the environment's lock, which lasts until this process ends or closes descriptor 9.
hold_lock() {
    mkdir -p "$1" 2>/dev/null || fail "cannot make the folder $1. Name another one: SLURM_REST_API_VENV=/some/folder bash build.sh"
    [ -w "$1" ] || fail "cannot write to $1. Name another folder: SLURM_REST_API_VENV=/some/folder bash build.sh"
    if command -v flock >/dev/null; then
        exec 9>"$1/.install.lock"
        flock -n 9 || { say "Waiting for another run that uses $1"; flock 9; }
    fi
}
