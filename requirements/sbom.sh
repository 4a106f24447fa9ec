#!/usr/bin/env bash
# Prints the software bill of materials (CycloneDX 1.6, JSON) of an environment of the service, with licences.
#   bash requirements/sbom.sh            the environment .venv of build.sh
#   bash requirements/sbom.sh FOLDER     another one, in which slurm-rest-api is installed
set -euo pipefail
environment="$(readlink -f "${1:-.venv}")"
cd "$(dirname "${BASH_SOURCE[0]}")/.."

tool="${SLURM_REST_API_TEST_VENV:-.venv-tests}/bin/cyclonedx-py"
[ -x "$tool" ] || tool="$(command -v cyclonedx-py)" ||
    { echo "sbom.sh: needs cyclonedx-py; run 'bash tests.sh' once, which installs it" >&2; exit 1; }
[ -x "$environment/bin/python" ] ||
    { echo "sbom.sh: $environment is no Python environment; name that of the service" >&2; exit 1; }

# The tool does not read a version that setuptools takes from the code.
project="$(mktemp --suffix=.toml)"
trap 'rm -f "$project"' EXIT
version="$(cd / && "$environment/bin/python" -c 'from importlib.metadata import version; print(version("slurm-rest-api"))')"
sed "s/^dynamic = .*/version = \"$version\"/" pyproject.toml >"$project"
"$tool" environment --pyproject "$project" --output-reproducible --output-file - "$environment/bin/python"
