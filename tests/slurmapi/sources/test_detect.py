"""The choice between pyslurm and Slurm's commands, and sources by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable
from slurm_rest_api.slurmapi.sources.base import ClusterSource
from slurm_rest_api.slurmapi.sources.detect import SlurmAccess, open_source
from slurm_rest_api.slurmapi.sources.pyslurm.source import PyslurmSource
from tests.fakes import FakeSource
from tests.slurmapi.sources import fake_pyslurm

ACCESS = SlurmAccess("/opt/slurm/bin", cycle_seconds=60.0)


def modules(**available: Any) -> Any:
    """Imports what is there, by name."""

    def import_module(name: str) -> Any:
        if name not in available:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return available[name]

    return import_module


class Commands(FakeSource):
    """Opens as Slurm's commands do, and keeps the arguments."""

    def __init__(self, error: Exception | None = None) -> None:
        super().__init__()
        self.name = "slurm"
        self.detail = "commands of Slurm 26.05.5 in /opt/slurm/bin"
        self.arguments: tuple[Any, ...] = ()
        self.refusal = error

    def open_commands(self, *arguments: Any) -> Commands:
        self.arguments = arguments
        if self.refusal is not None:
            raise self.refusal
        return self

    def open(self, name: str, reason: str | None, pyslurm: Any = None) -> ClusterSource:
        """Opens the source `name` on a host with these commands, and where the import of pyslurm has this fault."""
        found = {} if pyslurm is None else {"pyslurm": pyslurm}
        return open_source(
            name,
            ACCESS,
            import_module=modules(**found),
            import_fault=lambda _seconds, _state: reason,
            open_commands=self.open_commands,
        )


def test_slurm_is_pyslurm_where_its_import_works() -> None:
    commands = Commands()
    source = commands.open("slurm", None, fake_pyslurm.make_pyslurm())
    assert isinstance(source, PyslurmSource)
    assert commands.arguments == ()


def test_slurm_is_the_commands_where_pyslurm_cannot_be_used() -> None:
    commands = Commands()
    # The module is there: its import would end the process, so that it must not be imported.
    source = commands.open("slurm", "importing pyslurm crashed with SIGSEGV")
    assert source.name == "slurm"
    assert source.detail == (
        "commands of Slurm 26.05.5 in /opt/slurm/bin, because importing pyslurm crashed with SIGSEGV"
    )
    assert source.load() is commands.snapshot
    assert source.rpcs_of_last_load == 6
    assert commands.arguments == ("/opt/slurm/bin", 48.0)


def test_the_trial_gets_a_share_of_the_time_of_a_load() -> None:
    seconds: list[float] = []

    def trial(limit: float, _state: object) -> str | None:
        seconds.append(limit)
        return None

    open_source("slurm", ACCESS, import_module=modules(pyslurm=fake_pyslurm.make_pyslurm()), import_fault=trial)
    assert seconds == [24.0]


def test_a_host_with_neither_gets_both_reasons() -> None:
    commands = Commands(SourceUnusable("Slurm's command cannot be found: scontrol in /usr/bin."))
    with pytest.raises(SourceUnusable, match=r"pyslurm is not installed\. Slurm's command cannot be found.*build\.sh"):
        commands.open("slurm", "pyslurm is not installed")


def test_commands_that_fail_are_an_error_of_the_load() -> None:
    commands = Commands(SourceUnavailable("slurmctld cannot be read"))
    with pytest.raises(SourceUnavailable, match="slurmctld cannot be read"):
        commands.open("slurm", "pyslurm is not installed")


def test_the_commands_can_be_chosen_where_pyslurm_works() -> None:
    commands = Commands()
    source = commands.open("slurm:commands", None, fake_pyslurm.make_pyslurm())
    assert source is commands
    assert commands.arguments == ("/opt/slurm/bin", 48.0)


def test_pyslurm_can_be_chosen_and_never_falls_back() -> None:
    commands = Commands()
    reason = "pyslurm 25.11.2 is for Slurm 25.11, but this host has Slurm 26.05"
    assert isinstance(commands.open("slurm:pyslurm", reason, fake_pyslurm.make_pyslurm()), PyslurmSource)
    with pytest.raises(SourceUnusable, match=r"pyslurm cannot be imported: No module named 'pyslurm'.*build\.sh"):
        commands.open("slurm:pyslurm", reason)
    assert commands.arguments == ()


def test_a_chosen_pyslurm_without_statistics_is_an_error() -> None:
    half = fake_pyslurm.make_pyslurm()
    del half.slurmctld, half.Partitions
    with pytest.raises(
        SourceUnusable,
        match=r"26\.5\.0\+pyslurm25\.11\.2 lacks Partitions, slurmctld\.Statistics.*slurm:commands",
    ):
        open_source("slurm:pyslurm", ACCESS, import_module=modules(pyslurm=half))


def test_a_function_of_the_configuration_is_called() -> None:
    own = FakeSource()
    imported = modules(**{"site.cluster": SimpleNamespace(make=lambda: own)})
    assert open_source("site.cluster:make", import_module=imported) is own


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
        open_source(name, import_module=modules(**{"site.cluster": SimpleNamespace(make=None)}))
