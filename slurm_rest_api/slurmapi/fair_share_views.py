"""The live route /fairshare."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.slurmapi.contract.responses import FairShareResponse
from slurm_rest_api.slurmapi.query.fair_share import FairShareParameters, of_fair_share
from slurm_rest_api.slurmapi.responses.responder import Responder
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.routes import add_csv_route


def add_fair_share_route(blueprint: APIBlueprint, responder: Responder) -> None:
    """Adds the route of the fair share to the blueprint of the live routes."""

    @blueprint.get("/fairshare", summary="Fair share", responses={"200": FairShareResponse, "404": ErrorAnswer})
    def fairshare(query: FairShareParameters) -> Response:
        """Fair share of accounts and of users in accounts, as `sshare` prints it. Keyed by `account/user`."""
        return responder.records("fairshare", query, of_fair_share(query))

    add_csv_route(blueprint, "/fairshare", fairshare)
