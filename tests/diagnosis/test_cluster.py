"""One load in a child process: each way in which the child can end has its finding."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from slurm_rest_api.diagnosis.cluster import TRIAL_COMMAND, check_load
from slurm_rest_api.diagnosis.finding import Finding
from slurm_rest_api.slurmapi.sources.part_reader import SNAPSHOT_PARTS
from slurm_rest_api.slurmapi.sources.parts import PartOrigin, all_from, origins_as_json
from tests.waiting import GIVE_UP_SECONDS, with_longer_limits

PLENTY = GIVE_UP_SECONDS
DONE = {
    "done": True,
    "seconds": 0.25,
    "rpcs": 6,
    "jobs": 3,
    "nodes": 2,
    "partitions": 1,
}
OPENED = {"step": "load", "detail": "pyslurm 25.11.2 for Slurm 26.05.5", "parts": []}
LOADED = "One load took 0.25 s and 6 RPCs: 3 jobs, 2 nodes, 1 partitions."
FATAL = "import sys; sys.stderr.write('ignored\\n\\none\\ntwo\\nfatal: no slurm.conf\\n'); sys.exit(1)"
CRASH = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
HANG = "import time; time.sleep(3600)"


def child(*reports: dict[str, Any], then: str = "") -> list[str]:
    """Returns a command that prints `reports`, and then runs the Python code `then`."""
    lines = "".join(json.dumps(report) + "\n" for report in reports)
    return [sys.executable, "-c", f"import sys; sys.stdout.write({lines!r}); sys.stdout.flush()\n{then}"]


def judged(command: list[str], source: str = "slurm", seconds: float = PLENTY) -> list[Finding]:
    return check_load(command, source, os.environ, seconds)


def fallback(reason: str) -> dict[str, Any]:
    detail = f"commands of Slurm 26.05.5 in /usr/bin, because {reason}"
    return {"step": "load", "detail": detail, "parts": origins_as_json(all_from("commands", reason))}


def verdicts(findings: list[Finding]) -> list[tuple[str, str]]:
    return [(finding.name, finding.verdict) for finding in findings]


def test_a_successful_load() -> None:
    findings = judged(child({"step": "open"}, OPENED, DONE))
    assert findings == [
        Finding("source", "ok", "The service reads the cluster with pyslurm 25.11.2 for Slurm 26.05.5."),
        Finding("controller", "ok", LOADED),
    ]


@pytest.mark.parametrize(
    ("reason", "verdict"), [("pyslurm is not installed", "ok"), ("importing pyslurm crashed with SIGSEGV", "warning")]
)
def test_a_load_with_the_commands_in_place_of_pyslurm(reason: str, verdict: str) -> None:
    findings = judged(child({"step": "open"}, fallback(reason), DONE))
    assert verdicts(findings) == [("source", verdict), ("controller", "ok")]
    assert findings[0].sentence == (
        f"The service reads the cluster with commands of Slurm 26.05.5 in /usr/bin, because {reason}."
        " Parts: jobs, nodes, partitions, statistics, reservations, licenses from commands,"
        f" because {reason}."
    )
    assert (findings[0].remedy is not None) == (verdict == "warning")


PLUGIN = "error: cannot create auth context for auth/munge\nfatal: failed to initialize auth plugin\n"
NO_CONF = "error: s_p_parse_file: cannot stat file /x/slurm.conf: No such file or directory, retrying in 1sec\n"


@pytest.mark.parametrize(
    ("printed", "sentence", "remedy"),
    [
        (
            PLUGIN,
            "because Slurm's library cannot load the plugin auth/munge.",
            "Install the packages with Slurm's plugins",
        ),
        (NO_CONF, "because there is no slurm.conf: /x/slurm.conf.", "Provide Slurm's configuration on this host"),
    ],
)
def test_a_missing_plugin_is_no_missing_slurm_conf(printed: str, sentence: str, remedy: str) -> None:
    code = f"import sys; sys.stderr.write({printed!r}); sys.exit(1)"
    (finding,) = judged(child({"step": "open"}, then=code), "slurm:pyslurm")
    assert finding.sentence == f"Importing pyslurm ended the process, {sentence}"
    assert (finding.remedy or "").startswith(remedy)


def test_commands_without_a_plugin_are_no_unreachable_controller() -> None:
    refusal = "slurmctld cannot be read: scontrol ended with exit status 1 (scontrol: error: cannot create auth context"
    refusal += " for auth/munge scontrol: fatal: failed to initialize auth plugin). Run `scontrol ping` on this host."
    findings = judged(child({"step": "open"}, OPENED, {"unavailable": refusal}))
    assert (findings[1].remedy or "").startswith("Install the packages with Slurm's plugins")


def test_a_fallback_because_of_a_missing_library_says_where_to_get_it() -> None:
    reason = "pyslurm cannot be imported: libslurmfull.so: cannot open shared object file: No such file or directory"
    findings = judged(child({"step": "open"}, fallback(reason), DONE))
    assert findings[0].verdict == "warning"
    assert (findings[0].remedy or "").startswith("Install Slurm's library")


def test_a_load_with_one_part_from_the_commands() -> None:
    opened = {
        "step": "load",
        "detail": "pyslurm 22.5.3 for Slurm 22.05.8; nodes from commands of Slurm 22.05.8 in /usr/bin",
        "parts": origins_as_json(
            [
                *all_from("pyslurm", parts=("jobs", "partitions", "statistics")),
                PartOrigin("nodes", "commands", "pyslurm 22.5.3 says ALLOCATED for MIXED"),
            ]
        ),
    }
    finding = judged(child({"step": "open"}, opened, DONE))[0]
    assert (finding.name, finding.verdict) == ("source", "warning")
    assert finding.sentence.endswith(
        "jobs, partitions, statistics from pyslurm; nodes from commands, because pyslurm 22.5.3 says ALLOCATED for"
        " MIXED."
    )


def test_parts_that_are_not_loaded_are_no_warning() -> None:
    parts = [*all_from("pyslurm", parts=SNAPSHOT_PARTS), PartOrigin("licenses", "commands", "pyslurm lacks them")]
    finding = judged(child({"step": "open"}, {**OPENED, "parts": origins_as_json(parts)}, DONE))[0]
    assert (finding.verdict, finding.remedy) == ("ok", None)


def test_an_unreachable_controller() -> None:
    refusal = "slurmctld cannot be read: Unable to contact slurm controller (connect failure) (Slurm error 1800)."
    findings = judged(child({"step": "open"}, OPENED, {"unavailable": refusal}))
    assert verdicts(findings) == [("source", "ok"), ("controller", "problem")]
    assert findings[1].sentence == refusal
    assert findings[1].remedy is not None
    assert "scontrol ping" in findings[1].remedy


def test_an_unusable_pyslurm() -> None:
    findings = judged(child({"step": "open"}, {"unusable": "pyslurm cannot be imported: no"}))
    assert findings == [Finding("source", "problem", "pyslurm cannot be imported: no.")]


def test_commands_that_cannot_read_the_configuration() -> None:
    message = "slurmctld cannot be read: scontrol ended with exit status 1 (fatal: no configuration source)."
    findings = judged(child({"step": "open"}, {"unavailable": message}), "slurm:commands")
    assert verdicts(findings) == [("controller", "problem")]
    assert findings[0].sentence == message


@pytest.mark.parametrize(
    ("source", "step", "then", "sentence", "remedy"),
    [
        (
            "slurm:pyslurm",
            "open",
            FATAL,
            "Importing pyslurm ended the process with exit code 1. Its last output: one / two / fatal: no slurm.conf"
            " Slurm's library ends the process if there is no usable slurm.conf.",
            "SLURM_CONF",
        ),
        (
            "slurm",
            "load",
            FATAL,
            "Reading the cluster ended the process with exit code 1. Its last output: one / two / fatal: no slurm.conf",
            "build.sh",
        ),
        ("slurm:pyslurm", "open", CRASH, "Importing pyslurm crashed with SIGSEGV.", "build.sh"),
        ("slurm", "open", CRASH, "Opening the source crashed with SIGSEGV.", "build.sh"),
        ("slurm", "load", CRASH, "Reading the cluster crashed with SIGSEGV.", "build.sh"),
        ("slurm:commands", "load", CRASH, "Reading the cluster crashed with SIGSEGV.", None),
    ],
)
def test_a_child_that_exits_or_crashes(source: str, step: str, then: str, sentence: str, remedy: str | None) -> None:
    findings = judged(child({"step": step}, then=then), source)
    assert verdicts(findings) == [("source", "problem")]
    assert findings[0].sentence == sentence
    assert (remedy or "") in (findings[0].remedy or "")
    assert (findings[0].remedy is None) == (remedy is None)


def test_a_child_that_hangs_is_killed_and_reported() -> None:
    importing = judged(child({"step": "open"}, then=HANG), "slurm:pyslurm", 1.0)
    assert verdicts(importing) == [("source", "problem")]
    assert importing[0].sentence == "Importing pyslurm did not end within 1 s."
    limit, loading = with_longer_limits(
        lambda seconds: judged(child({"step": "open"}, OPENED, then=HANG), seconds=seconds),
        lambda findings: len(findings) == 2,
    )
    assert verdicts(loading) == [("source", "ok"), ("controller", "problem")]
    assert loading[1].sentence == f"slurmctld did not answer within {limit:g} s."


@pytest.mark.parametrize(
    ("then", "seconds", "sentence"),
    [
        (CRASH, PLENTY, "A load of site:make crashed with SIGSEGV."),
        (HANG, 1.0, "A load of site:make did not end within 1 s."),
        ("raise SystemExit(3)", PLENTY, "A load of site:make ended with exit code 3."),
    ],
)
def test_a_custom_source_that_fails(then: str, seconds: float, sentence: str) -> None:
    findings = judged(child({"step": "open"}, then=then), "site:make", seconds)
    assert verdicts(findings) == [("source", "problem")]
    assert findings[0].sentence == sentence


SITE = """
from slurm_rest_api.errors import SourceUnavailable
from slurm_rest_api.slurmapi.sources.base import Snapshot

class Source:
    name = "site"
    detail = "own"
    rpcs_of_last_load = 4
    def load(self):
        print("noise that is no report")
        return Snapshot(iter([{"job_id": 1}, {"job_id": 2}]), [{"name": "n1"}], [{"name": "p1"}], {})

class Away(Source):
    def load(self):
        raise SourceUnavailable("the cluster is away")

def broken():
    raise KeyError("no such thing")
"""


@pytest.mark.parametrize(
    ("source", "verdict", "start"),
    [
        ("site_source:Source", "ok", "site_source:Source: One load took "),
        ("site_source:Away", "problem", "the cluster is away."),
        ("site_source:none", "problem", "The source 'site_source:none' is unusable: "),
        ("site_nowhere:make", "problem", "The source 'site_nowhere:make' is unusable: "),
        ("site_source:broken", "problem", "A load of site_source:broken ended with exit code 1. Its last output: "),
    ],
)
def test_the_real_child_loads_the_configured_source(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, verdict: str, start: str
) -> None:
    (tmp_path / "site_source.py").write_text(SITE)
    monkeypatch.syspath_prepend(tmp_path)
    findings = judged([*TRIAL_COMMAND, source, "", str(tmp_path)], source)
    assert verdicts(findings) == [("source", verdict)]
    assert findings[0].sentence.startswith(start)
    if verdict == "ok":
        assert findings[0].sentence.endswith("and 4 RPCs: 2 jobs, 1 nodes, 1 partitions.")
