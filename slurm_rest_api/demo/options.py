"""Opens the demonstration cluster with the options of the setting `source: demo:…`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import quote, unquote

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import DEFAULT_JOBS, DEFAULT_NODES, FEWEST_NODES, MOST_DAYS, MOST_JOBS, MOST_NODES, Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.demo.source_with_history import SourceWithHistory
from slurm_rest_api.errors import SourceUnusable

logger = logging.getLogger(__name__)

IN_WORDS: Final = "This is the demonstration cluster: a simulation. No node, job or user in it exists."


def _decoded(value: object) -> object:
    return unquote(value) if isinstance(value, str) else value


class DemoOptions(BaseModel):
    """Options such as `nodes=300,jobs=1000,seed=1,folder=/absolute/path`. All are optional.

    Blanks, commas and percent signs of the path are percent-encoded. The past is written into `folder`: job records in
    slurmdbd's tables, and load samples, of at most `days`. Without it there is no past.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: Annotated[int, Field(ge=FEWEST_NODES, le=MOST_NODES)] = DEFAULT_NODES
    jobs: Annotated[int, Field(ge=1, le=MOST_JOBS)] = DEFAULT_JOBS
    seed: int = 1
    days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = MOST_DAYS
    folder: Annotated[Path | None, BeforeValidator(_decoded)] = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parses the options.

        Raises:
            SourceUnusable: an option is unknown or out of range.
        """
        try:
            return cls.model_validate(dict(part.split("=", 1) for part in text.split(",") if part))
        except pydantic.ValidationError as error:
            detail = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise SourceUnusable(
                f"The options of `source: demo` cannot be used: {detail}."
                " Use nodes, jobs, seed, days and folder, as in demo:nodes=300,jobs=1000."
            ) from error
        except ValueError as error:
            raise SourceUnusable(
                f"The options of `source: demo` cannot be used: {text!r}."
                " Use `name=value`, as in demo:nodes=300,jobs=1000."
            ) from error

    @property
    def scale(self) -> Scale:
        """Size and seed of the cluster."""
        return Scale(self.nodes, self.jobs, self.seed, self.days)


def source_name(scale: Scale, folder: DemoFolder) -> str:
    """Returns the value of `system.source` for a cluster of this size with its past in `folder`."""
    days = "" if scale.days == MOST_DAYS else f",days={scale.days}"
    return f"demo:nodes={scale.nodes},jobs={scale.jobs},seed={scale.seed}{days},folder={quote(str(folder.root))}"


def open_demo(text: str) -> DemoSource:
    """Opens the demonstration cluster with these options.

    Raises:
        SourceUnusable: the options cannot be used.
    """
    options = DemoOptions.parse(text)
    logger.warning("%s (%s)", IN_WORDS, options.scale)
    if options.folder is None:
        return DemoSource(options.scale)
    try:
        return SourceWithHistory(options.scale, DemoFolder(options.folder))
    except OSError as error:
        raise SourceUnusable(f"The demo's folder {options.folder} cannot be used: {error.strerror}.") from error
