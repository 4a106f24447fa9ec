"""Opens the demonstration cluster by the options behind `source: demo:`."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated, Final, Self
from urllib.parse import quote, unquote

import pydantic
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from slurm_rest_api.demo.files import DemoFolder
from slurm_rest_api.demo.scale import DEFAULT_JOBS, DEFAULT_NODES, FEWEST_NODES, MOST_JOBS, MOST_NODES, Scale
from slurm_rest_api.demo.source import DemoSource
from slurm_rest_api.demo.source_with_history import RememberingSource
from slurm_rest_api.errors import SourceUnusable

logger = logging.getLogger(__name__)

IN_WORDS: Final = "This is the demonstration cluster: a simulation. No node, job or user in it exists."


def _decoded(value: object) -> object:
    return unquote(value) if isinstance(value, str) else value


class DemoOptions(BaseModel):
    """`nodes=300,jobs=1000,seed=1,folder=/absolute/path`; what is left out has its default.

    Blanks, commas and percent signs of the path are percent-encoded.
    In `folder` the past is written: job records with slurmdbd's tables, and load samples. Without it there is no past.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    nodes: Annotated[int, Field(ge=FEWEST_NODES, le=MOST_NODES)] = DEFAULT_NODES
    jobs: Annotated[int, Field(ge=1, le=MOST_JOBS)] = DEFAULT_JOBS
    seed: int = 1
    folder: Annotated[Path | None, BeforeValidator(_decoded)] = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """The options in a text.

        Raises:
            SourceUnusable: one is unknown or out of its range; the message says which, and what is accepted.
        """
        try:
            return cls.model_validate(dict(part.split("=", 1) for part in text.split(",") if part))
        except pydantic.ValidationError as error:
            told = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
            raise SourceUnusable(
                f"The options of the source demo cannot be used: {told}."
                " Known are nodes, jobs, seed and folder, as in demo:nodes=300,jobs=1000."
            ) from error
        except ValueError as error:
            raise SourceUnusable(f"The options of the source demo are `name=value`, not {text!r}.") from error

    @property
    def scale(self) -> Scale:
        """Size and seed."""
        return Scale(self.nodes, self.jobs, self.seed)


def source_name(scale: Scale, folder: DemoFolder) -> str:
    """What `system.source` has to be for a cluster of this size with its past in `folder`."""
    return f"demo:nodes={scale.nodes},jobs={scale.jobs},seed={scale.seed},folder={quote(str(folder.root))}"


def open_demo(text: str) -> DemoSource:
    """The demonstration cluster with these options.

    Raises:
        SourceUnusable: the options cannot be used.
    """
    options = DemoOptions.parse(text)
    logger.warning("%s (%s)", IN_WORDS, options.scale)
    if options.folder is None:
        return DemoSource(options.scale)
    try:
        return RememberingSource(options.scale, DemoFolder(options.folder))
    except OSError as error:
        raise SourceUnusable(f"The demo's folder {options.folder} cannot be used: {error.strerror}.") from error
