"""The live routes of reservations and licenses."""

from __future__ import annotations

from flask import Response
from flask_openapi3 import APIBlueprint

from slurm_rest_api.slurmapi.contract.responses import (
    LicenseAnswer,
    LicensesResponse,
    ReservationAnswer,
    ReservationsResponse,
)
from slurm_rest_api.slurmapi.query import filters
from slurm_rest_api.slurmapi.query.parameters import (
    LicensesParameters,
    NamePath,
    RecordParameters,
    ReservationsParameters,
)
from slurm_rest_api.slurmapi.responses.responder import Responder
from slurm_rest_api.web.envelope import ErrorAnswer
from slurm_rest_api.web.routes import add_csv_route


def add_reservation_routes(blueprint: APIBlueprint, responder: Responder) -> None:
    """Adds the routes of reservations and licenses to the blueprint of the live routes."""

    @blueprint.get("/reservations", summary="Reservations", responses={"200": ReservationsResponse, "404": ErrorAnswer})
    def reservations(query: ReservationsParameters) -> Response:
        """Reservations of nodes, cores and licenses, keyed by name."""
        return responder.records("reservations", query, filters.of_reservations(query))

    @blueprint.get("/licenses", summary="Licenses", responses={"200": LicensesResponse, "404": ErrorAnswer})
    def licenses(query: LicensesParameters) -> Response:
        """Licenses, keyed by name."""
        return responder.records("licenses", query, filters.of_licenses(query))

    @blueprint.get(
        "/reservations/<name>", summary="A reservation", responses={"200": ReservationAnswer, "404": ErrorAnswer}
    )
    def reservation(path: NamePath, query: RecordParameters) -> Response:
        """One reservation by its name."""
        return responder.record("reservations", query, path.name)

    @blueprint.get("/licenses/<name>", summary="A license", responses={"200": LicenseAnswer, "404": ErrorAnswer})
    def license_of_name(path: NamePath, query: RecordParameters) -> Response:
        """One license by its name."""
        return responder.record("licenses", query, path.name)

    add_csv_route(blueprint, "/reservations", reservations)
    add_csv_route(blueprint, "/licenses", licenses)
