"""Where the testbed lives: its cache folder, its root and the checkout it serves. Knows nothing of Slurm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# Slurm comes as binary packages only, one version per suite: this constant alone decides the release under test.
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
    """Paths on the host; everything but `checkout` lies in `base`."""

    base: Path
    checkout: Path
    suite: str = SUITE
    mirror: str = MIRROR

    @property
    def root(self) -> Path:
        """The Debian root that the cluster runs in."""
        return self.base / "root"

    @property
    def state_file(self) -> Path:
        """JSON: the ports chosen at the last fresh start."""
        return self.base / "state.json"

    @property
    def lock_file(self) -> Path:
        """Held while `up` or `down` works, so that two of them cannot mix."""
        return self.base / "lock"

    @property
    def session_lock_file(self) -> Path:
        """Held by a test session while it uses the cluster: two sessions would drain each other's nodes."""
        return self.base / "session.lock"

    def inside(self, path: str) -> Path:
        """The host's path of `path` (absolute, as seen inside the root)."""
        return self.root / path.lstrip("/")


def layout_from(environ: Mapping[str, str]) -> Layout:
    """The layout that the environment asks for.

    `SLURM_REST_API_TESTBED` names the cache folder, `SLURM_REST_API_TESTBED_SUITE` and
    `SLURM_REST_API_TESTBED_MIRROR` the Debian suite and the mirror to take it from.
    """
    return Layout(
        base=Path(environ.get("SLURM_REST_API_TESTBED") or CACHE).absolute(),
        checkout=Path(__file__).resolve().parents[2],
        suite=environ.get("SLURM_REST_API_TESTBED_SUITE") or SUITE,
        mirror=environ.get("SLURM_REST_API_TESTBED_MIRROR") or MIRROR,
    )
