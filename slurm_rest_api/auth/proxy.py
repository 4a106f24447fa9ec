"""The name that the web server in front has found out."""

from __future__ import annotations

from collections.abc import Collection

from slurm_rest_api.auth.principal import Authenticate, Credentials, Principal
from slurm_rest_api.errors import Unauthenticated


def by_proxy(admins: Collection[str]) -> Authenticate:
    """Trusts REMOTE_USER, which only the web server can set; a header of that name is something else."""

    def authenticate(credentials: Credentials) -> Principal:
        if not credentials.remote_user:
            raise Unauthenticated("The web server in front of this service has not told who asks.")
        name = credentials.remote_user
        return Principal(name, "admin" if name in admins else "user")

    return authenticate
