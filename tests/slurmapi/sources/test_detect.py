from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnusable
from slurm_rest_api.slurmapi.sources.detect import open_source
from slurm_rest_api.slurmapi.sources.legacy import LegacySource
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.slurmapi.sources import fake_classic_pyslurm, fake_pyslurm


def modules(**available: Any) -> Any:
    """Imports what is there, by name."""

    def import_module(name: str) -> Any:
        if name not in available:
            raise ModuleNotFoundError(f"No module named {name!r}")
        return available[name]

    return import_module


def test_the_object_api_is_preferred() -> None:
    both = SimpleNamespace(**{**vars(fake_classic_pyslurm.make_pyslurm()), **vars(fake_pyslurm.make_pyslurm())})
    assert isinstance(open_source("slurm", modules(pyslurm=both)), PyslurmSource)


def test_the_classic_api_is_used_without_an_object_for_statistics() -> None:
    mixed = SimpleNamespace(**{**vars(fake_classic_pyslurm.make_pyslurm()), **vars(fake_pyslurm.make_pyslurm())})
    del mixed.slurmctld
    assert isinstance(open_source("slurm", modules(pyslurm=mixed)), LegacySource)


def test_a_pyslurm_with_neither_api_is_an_error_with_the_missing_parts() -> None:
    half = fake_pyslurm.make_pyslurm()
    del half.Partitions
    with pytest.raises(
        SourceUnusable,
        match=r"26\.5\.0\+pyslurm25\.11\.2.*lacks Partitions.*job, node, partition, statistics.*build\.sh",
    ):
        open_source("slurm", modules(pyslurm=half))


def test_a_host_without_pyslurm_gets_advice() -> None:
    with pytest.raises(SourceUnusable, match=r"No module named 'pyslurm'.*build\.sh"):
        open_source("slurm", modules())


def test_a_function_of_the_configuration_is_called() -> None:
    own = PyslurmSource(fake_pyslurm.make_pyslurm(), None)  # type: ignore[arg-type]
    assert open_source("site.cluster:make", modules(**{"site.cluster": SimpleNamespace(make=lambda: own)})) is own


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("nonsense", "'nonsense' is unknown"),
        ("site.cluster:", "is unknown"),
        ("missing:make", "missing cannot be imported"),
        ("site.cluster:other", "has no function other"),
    ],
)
def test_unusable_names_are_errors(name: str, message: str) -> None:
    with pytest.raises(SourceUnusable, match=message):
        open_source(name, modules(**{"site.cluster": SimpleNamespace(make=None)}))
