"""The route /fairshare."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import APIBlueprint, Tag

from slurm_rest_api.errors import NotFound
from slurm_rest_api.slurmapi.contract.responses import FairShareResponse
from slurm_rest_api.slurmapi.query.fair_share import FairShareParameters, of_fair_share
from slurm_rest_api.slurmapi.responses.responder import Responder
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.routes import add_csv_route


def fair_share_blueprint(responder: Responder, *, is_on: bool) -> APIBlueprint:
    """Returns the blueprint of /fairshare. If it is not `is_on`, it answers 404 and names the setting."""
    blueprint = APIBlueprint(
        "fairshare",
        __name__,
        abp_tags=[Tag(name="live", description="The state of the cluster now, from slurmctld.")],
        abp_responses=dict.fromkeys(("400", "404", "412", "503"), ErrorAnswer),
    )

    @blueprint.get("/fairshare", summary="Fair share", responses={"200": FairShareResponse})
    def fairshare(query: FairShareParameters) -> Response:
        """Fair share of accounts and of users in accounts, as `sshare` prints it. Keyed by `account/user`."""
        if not is_on:
            raise NotFound(
                "The fair share is turned off: `system.fair_share_seconds` is 0. An administrator can set it to 300,"
                " for example."
            )
        return responder.records("fairshare", query, of_fair_share(query))

    add_csv_route(blueprint, "/fairshare", fairshare)
    return blueprint
