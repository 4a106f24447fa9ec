#!/usr/bin/env bash
# Builds the Debian package and the RPM of the service, with nfpm.
set -euo pipefail
program=packaging/build.sh
checkout="$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)"
# shellcheck source=requirements/environment.sh
. "$checkout/requirements/environment.sh"

usage() {
    cat <<'HELP'
Usage: bash packaging/build.sh [OPTION]...

Builds a Debian package and an RPM of slurm-rest-api into the folder dist. They have the
service with its Python packages and uWSGI in /opt/slurm-rest-api, the systemd unit, the
configuration in /etc/slurm-rest-api, and a sample for nginx. They need the Python with
which they are built: on Debian 12 and RHEL 9 that is python3.11. It needs neither root
nor a compiler.

Options:
  --wheel=FILE    use this wheel (default: build it from this checkout)
  --output=DIR    folder for the packages (default: dist in this checkout)
  --format=deb|rpm
                  build only this one
  --maintainer="NAME <ADDRESS>"
                  maintainer of the packages (default: DEBFULLNAME and DEBEMAIL of the
                  environment, else an address that does not exist)
  --help          print this text

Environment: SLURM_REST_API_PYTHON (a Python of the system, in /usr/bin),
SLURM_REST_API_PACKAGING_VENV (folder of the tools, by default .venv-packaging).
HELP
}

wheel=""
output="$checkout/dist"
formats=(deb rpm)
# RFC 2606 reserves .invalid, so the default is no person's address.
maintainer="${DEBFULLNAME:-Local build of slurm-rest-api} <${DEBEMAIL:-slurm-rest-api@localhost.invalid}>"
for argument in "$@"; do
    case "$argument" in
        --help | -h) usage; exit 0 ;;
        --wheel=?*) wheel="$(readlink -f "${argument#*=}")" ;;
        --output=?*) output="${argument#*=}" ;;
        --format=deb | --format=rpm) formats=("${argument#*=}") ;;
        --maintainer=?*) maintainer="${argument#*=}" ;;
        *) fail "unknown argument '$argument'. Known: --wheel=FILE, --output=DIR, --format=deb|rpm, --maintainer=TEXT, --help" 2 ;;
    esac
done
[ -z "$wheel" ] || [ -f "$wheel" ] || fail "there is no wheel $wheel. Build one: leave --wheel out."
# As deb-control(5) has it. The RPM has it as Packager, and its name as Vendor.
[[ "$maintainer" =~ ^[^\<\>]*[^\<\>\ ]\ \<[^\<\>\ ]+@[^\<\>\ ]+\>$ ]] ||
    fail "the maintainer is '$maintainer'. Give a name and an address: --maintainer=\"NAME <ADDRESS>\"." 2

# A package can depend on a Python of the system only. Programs of other folders must not hide it.
python="$(PATH="/usr/bin:/bin" find_python)"
python="$(readlink -f "$python")"
[ "${python%/*}" = /usr/bin ] ||
    fail "$python is in no package of the system. Name a Python in /usr/bin: SLURM_REST_API_PYTHON=/usr/bin/python3.11"

tools="${SLURM_REST_API_PACKAGING_VENV:-$checkout/.venv-packaging}"
hold_lock "$tools"
make_venv "$tools" "$python"
install_lock "$tools" "$checkout/requirements/package-tools.lock"

umask 022
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
if [ -z "$wheel" ]; then
    say "Building the wheel"
    mkdir "$work/source"
    (cd "$checkout" && cp -R pyproject.toml setup.py README.md LICENSE.txt slurm_rest_api "$work/source/")
    "$tools/bin/python" -m pip wheel --quiet --disable-pip-version-check --no-deps --no-build-isolation \
        --wheel-dir "$work/wheel" "$work/source" || fail "pip could not build the wheel; see its own message above"
    wheel="$(echo "$work"/wheel/*.whl)"
fi

# The scripts of a relocatable environment find their Python by their own path.
say "Making the environment of the package"
venv="$work/opt/slurm-rest-api"
uv() {
    # With the certificate authorities of the system, as apt and dnf, because a proxy of the site may have its own.
    "$tools/bin/uv" --quiet --system-certs "$@" || fail "uv could not fill the environment; see its own message above"
}
uv venv --relocatable --no-managed-python --python "$python" "$venv"
uv pip install --python "$venv/bin/python" --no-deps --require-hashes -r "$checkout/requirements/package.lock"
uv pip install --python "$venv/bin/python" --no-deps "$wheel"
# What uv leaves for itself.
rm -f "$venv/.gitignore" "$venv/.lock" "$venv/CACHEDIR.TAG"
# Only root can write there later. So each start would compile what is not compiled now.
"$venv/bin/python" -m compileall -q -j 0 -s "$work" -p / "$venv/lib"

# sbom.sh takes its tool from the environment that this variable names.
SLURM_REST_API_TEST_VENV="$tools" bash "$checkout/requirements/sbom.sh" "$venv" >"$work/slurm-rest-api.cdx.json" ||
    fail "cyclonedx-py could not list the packages; see its own message above"

"$venv/bin/python" -c 'import sys, pathlib
from slurm_rest_api.deployment.install import ANY_HOST, install_files
install_files(pathlib.Path(sys.argv[1]), pathlib.Path("/opt/slurm-rest-api"), ANY_HOST)' "$work/files"

# 1.0.0rc1 comes before 1.0.0, and so does 1.0.0~rc1 for dpkg and rpm.
version="$("$venv/bin/python" -c 'from slurm_rest_api.version import __version__; print(__version__)')"
VERSION="$(sed -E 's/\.?(dev|a|b|rc)([0-9]+)/~\1\2/' <<<"$version")"
case "$(uname -m)" in
    x86_64) ARCH=amd64 ;;
    aarch64) ARCH=arm64 ;;
    *) ARCH="$(uname -m)" ;;
esac
PYTHON="${python##*/}"
MAINTAINER="$maintainer"
VENDOR="${maintainer% <*}"
export VERSION ARCH PYTHON MAINTAINER VENDOR
mkdir -p "$output"
output="$(readlink -f "$output")"
ln -s "$checkout/packaging/scripts" "$checkout/LICENSE.txt" "$work"
cd "$work"
for format in "${formats[@]}"; do
    "$tools/bin/nfpm" package --config "$checkout/packaging/nfpm.yaml" --packager "$format" --target "$output/"
done
