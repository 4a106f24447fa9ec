"""Paths of the testbed: its cache folder, its root and the checkout it installs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Slurm is installed from Debian's packages, one version per suite: the suite decides the release under test.
SUITE = "forky"
MIRROR = "http://deb.debian.org/debian"
CACHE = Path("/var/cache/slurm-rest-api-testbed")

# Places inside the root.
CHECKOUT_IN_ROOT = "/srv/slurm-rest-api"
VENV_IN_ROOT = "/opt/slurm-rest-api/venv"
CA_BUNDLE_IN_ROOT = "/etc/ssl/certs/ca-certificates.crt"
GATES_IN_ROOT = "/tmp/gates"


@dataclass(frozen=True)
class Layout:
    """Paths on the host. All but `checkout` are below `base`."""

    base: Path
    checkout: Path
    suite: str = SUITE
    mirror: str = MIRROR

    @property
    def root(self) -> Path:
        """Returns the Debian root that the cluster runs in."""
        return self.base / "root"

    @property
    def state_file(self) -> Path:
        """Returns the path of a JSON file: the ports chosen at the last new start."""
        return self.base / "state.json"

    @property
    def lock_file(self) -> Path:
        """Returns the path of the lock that `up` and `down` hold while they run."""
        return self.base / "lock"

    @property
    def session_lock_file(self) -> Path:
        """Returns the path of the lock of a test session: two sessions would drain each other's nodes."""
        return self.base / "session.lock"

    def inside(self, path: str) -> Path:
        """Returns the host's path of `path` (absolute, as seen inside the root)."""
        return self.root / path.lstrip("/")


def layout_from(environ: Mapping[str, str]) -> Layout:
    """Returns the layout that the environment variables name.

    `SLURM_REST_API_TESTBED` names the cache folder, `SLURM_REST_API_TESTBED_SUITE` and
    `SLURM_REST_API_TESTBED_MIRROR` the Debian suite and the mirror to take it from.
    """
    suite = environ.get("SLURM_REST_API_TESTBED_SUITE") or SUITE
    return _layout(environ, suite, Path(environ.get("SLURM_REST_API_TESTBED") or _folder_of(CACHE, suite)))


def layout_of_suite(environ: Mapping[str, str], suite: str) -> Layout:
    """Returns the layout of another suite's cluster, in a folder next to that of `layout_from`."""
    return _layout(environ, suite, _folder_of(Path(environ.get("SLURM_REST_API_TESTBED") or CACHE), suite))


def _layout(environ: Mapping[str, str], suite: str, base: Path) -> Layout:
    mirror = environ.get("SLURM_REST_API_TESTBED_MIRROR") or MIRROR
    return Layout(base=base.absolute(), checkout=Path(__file__).resolve().parents[2], suite=suite, mirror=mirror)


def _folder_of(folder: Path, suite: str) -> Path:
    return folder if suite == SUITE else folder.with_name(f"{folder.name}-{suite}")
