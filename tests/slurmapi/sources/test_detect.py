"""The choice between pyslurm and Slurm's commands, and sources by name."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from slurm_rest_api.errors import SourceUnavailable, SourceUnusable
from slurm_rest_api.pyslurm_build.state import State
from slurm_rest_api.slurmapi.sources.detect import SlurmAccess, open_source
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.parts import all_from
from slurm_rest_api.slurmapi.sources.proof_record import Identity
from slurm_rest_api.slurmapi.sources.proof_run import ProofSettings
from slurm_rest_api.slurmapi.sources.pyslurm.trial_import import Trial
from slurm_rest_api.slurmapi.sources.slurm_source import SlurmSource
from tests.fakes import FakeSource
from tests.slurmapi.sources import fake_pyslurm
from tests.slurmapi.sources.fake_reader import FakeReader

ACCESS = SlurmAccess("/opt/slurm/bin", cycle_seconds=60.0)
NO_FAULTS: Mapping[str, str] = {}


def modules(**available: Any) -> Any:
    """Imports what is there, by name."""

    def import_module(name: str) -> Any:
        if name not in available:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return available[name]

    return import_module


class Commands:
    """Opens as Slurm's commands do, and keeps the arguments."""

    def __init__(self, error: Exception | None = None) -> None:
        self.reader = FakeReader("commands of Slurm 26.05.5 in /opt/slurm/bin")
        self.arguments: tuple[Any, ...] = ()
        self.refusal = error

    def open_commands(self, *arguments: Any) -> FakeReader:
        self.arguments = arguments
        if self.refusal is not None:
            raise self.refusal
        return self.reader

    def open(
        self, name: str, reason: str | None = None, pyslurm: Any = None, faults: Mapping[str, str] = NO_FAULTS
    ) -> SlurmSource:
        """Opens the source `name` on a host with these commands, where the trial of pyslurm has this result."""
        found = {} if pyslurm is None else {"pyslurm": pyslurm}
        source = open_source(
            name,
            ACCESS,
            import_module=modules(**found),
            try_pyslurm=lambda _seconds, _state: Trial(reason, faults),
            open_commands=self.open_commands,
        )
        assert isinstance(source, SlurmSource)
        return source


def live_origins(source: SlurmSource) -> dict[str, str]:
    return {row.part: row.origin for row in source.origins if row.part in SNAPSHOT_PARTS}


@pytest.mark.parametrize(("compares", "limit"), [(True, 18.0), (False, 0.0)])
def test_a_part_that_differs_from_the_commands_comes_from_them(tmp_path: Path, compares: bool, limit: float) -> None:
    asked: list[Any] = []

    def compare(identity: Identity, _state: State | None, settings: ProofSettings) -> Mapping[str, str]:
        asked.extend((identity["pyslurm"], identity["slurm"], settings))
        return {"jobs": "3 of 46 jobs differ from Slurm's commands in exit_code", "nodes": "a difference"}

    source = open_source(
        "slurm",
        SlurmAccess("/opt/slurm/bin", 60.0, tmp_path, compares),
        import_module=modules(pyslurm=fake_pyslurm.make_pyslurm()),
        try_pyslurm=lambda _seconds, _state: Trial(None, {"nodes": "a fault"}),
        open_commands=Commands().open_commands,
        compare=compare,
    )
    assert isinstance(source, SlurmSource)
    assert asked == ["26.5.0+pyslurm25.11.2", "26.5.5", ProofSettings(tmp_path, limit, "/opt/slurm/bin")]
    assert {row.part: row.why for row in source.origins if row.part in SNAPSHOT_PARTS and row.why} == {
        "jobs": "3 of 46 jobs differ from Slurm's commands in exit_code",
        "nodes": "a fault",
    }
    assert live_origins(source)["partitions"] == "pyslurm"


@pytest.mark.parametrize("name", ["slurm", "slurm:pyslurm"])
@pytest.mark.parametrize("error", [None, SourceUnusable("no scontrol"), SourceUnavailable("no slurm.conf")])
def test_all_parts_come_from_a_pyslurm_that_has_them(name: str, error: Exception | None) -> None:
    source = Commands(error).open(name, None, fake_pyslurm.make_pyslurm())
    assert live_origins(source) == dict.fromkeys(SNAPSHOT_PARTS, "pyslurm")
    assert source.detail == "pyslurm 25.11.2 for Slurm 26.05.5"
    source.load()
    assert source.rpcs_of_last_load == 6


@pytest.mark.parametrize(("error", "origin"), [(None, "commands"), (SourceUnusable("no scontrol"), "none")])
def test_what_pyslurm_lacks_would_come_from_the_commands(error: Exception | None, origin: str) -> None:
    source = Commands(error).open("slurm", None, fake_pyslurm.make_pyslurm())
    assert [(row.part, row.origin) for row in source.origins[4:]] == [("reservations", origin), ("licenses", origin)]
    assert source.origins[5].why == "pyslurm 25.11.2 lacks the number of reserved licenses"


def test_slurm_is_the_commands_where_pyslurm_cannot_be_used() -> None:
    commands = Commands()
    # The module is there: its import would end the process, so that it must not be imported.
    source = commands.open("slurm", "importing pyslurm crashed with SIGSEGV")
    assert source.name == "slurm"
    assert source.detail == (
        "commands of Slurm 26.05.5 in /opt/slurm/bin, because importing pyslurm crashed with SIGSEGV"
    )
    assert source.load().nodes is commands.reader.snapshot.nodes
    assert {row.origin for row in source.origins} == {"commands"}
    assert commands.arguments == ("/opt/slurm/bin", 48.0)


@pytest.mark.parametrize("name", ["slurm", "slurm:pyslurm"])
def test_a_part_that_the_trial_found_wrong_comes_from_the_commands(name: str) -> None:
    commands = Commands()
    faults = {"jobs": "pyslurm 25.11.2 gives layouts that lack nodes of the job"}
    source = commands.open(name, None, fake_pyslurm.make_pyslurm(), faults)
    assert live_origins(source) == {**dict.fromkeys(SNAPSHOT_PARTS, "pyslurm"), "jobs": "commands"}
    assert source.origins[0].why == faults["jobs"]
    assert source.detail == ("pyslurm 25.11.2 for Slurm 26.05.5; jobs from commands of Slurm 26.05.5 in /opt/slurm/bin")
    source.load()
    assert commands.reader.begun == [("jobs",)]
    # nodes 2, partitions 2, statistics 1 of pyslurm, and the jobs of the commands.
    assert source.rpcs_of_last_load == 5 + len("jobs")


@pytest.mark.parametrize("name", ["slurm", "slurm:pyslurm"])
def test_a_part_that_pyslurm_lacks_comes_from_the_commands(name: str) -> None:
    half = fake_pyslurm.make_pyslurm()
    del half.slurmctld, half.Partitions
    source = Commands().open(name, None, half)
    assert live_origins(source) == {
        "jobs": "pyslurm",
        "nodes": "pyslurm",
        "partitions": "commands",
        "statistics": "commands",
    }


@pytest.mark.parametrize("name", ["slurm", "slurm:pyslurm"])
def test_a_part_that_neither_has_is_an_error(name: str) -> None:
    half = fake_pyslurm.make_pyslurm()
    del half.Partitions, half.Nodes
    commands = Commands(SourceUnusable("Slurm's command cannot be found: scontrol in /usr/bin."))
    with pytest.raises(
        SourceUnusable,
        match=r"The state of nodes, partitions cannot be read on this host: pyslurm 25\.11\.2 lacks Nodes;"
        r" pyslurm 25\.11\.2 lacks Partitions\."
        r" Slurm's command cannot be found: scontrol in /usr/bin\. Or run build\.sh",
    ):
        commands.open(name, None, half)


def test_a_pyslurm_of_classic_dictionaries_gives_statistics() -> None:
    classic = SimpleNamespace(
        __version__="20.11.8", statistics=lambda: SimpleNamespace(get=lambda: fake_pyslurm.CLASSIC_STATISTICS)
    )
    source = Commands().open("slurm", None, classic)
    assert live_origins(source) == {
        "jobs": "commands",
        "nodes": "commands",
        "partitions": "commands",
        "statistics": "pyslurm",
    }
    assert source.load().statistics["jobs_submitted"] == 26


def test_the_trial_gets_a_share_of_the_time_of_a_load() -> None:
    seconds: list[float] = []

    def trial(limit: float, _state: object) -> Trial:
        seconds.append(limit)
        return Trial(None, {})

    open_source(
        "slurm",
        ACCESS,
        import_module=modules(pyslurm=fake_pyslurm.make_pyslurm()),
        try_pyslurm=trial,
        open_commands=Commands().open_commands,
    )
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
    assert source.origins == all_from("commands")
    assert source.detail == "commands of Slurm 26.05.5 in /opt/slurm/bin"
    assert commands.arguments == ("/opt/slurm/bin", 48.0)


def test_a_chosen_pyslurm_has_to_be_there() -> None:
    reason = "pyslurm 25.11.2 is for Slurm 25.11, but this host has Slurm 26.05"
    source = Commands().open("slurm:pyslurm", reason, fake_pyslurm.make_pyslurm())
    assert live_origins(source) == dict.fromkeys(SNAPSHOT_PARTS, "pyslurm")
    commands = Commands()
    with pytest.raises(SourceUnusable, match=r"pyslurm cannot be imported: No module named 'pyslurm'.*build\.sh"):
        commands.open("slurm:pyslurm", reason)
    assert commands.arguments == ()


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
