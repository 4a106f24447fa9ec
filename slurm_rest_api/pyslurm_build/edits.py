"""Replaces text in pyslurm's unpacked source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable


@dataclass(frozen=True)
class Edit:
    """Replaces `old`, which must be in the file `path` exactly once, by `new`.

    `if_present`: only some revisions have `old`. The others stay as they are.
    """

    path: str
    reason: str
    old: str
    new: str
    if_present: bool = False


def apply_edit(source: Path, edit: Edit) -> None:
    """Changes one file below `source`.

    Raises:
        SourceUnusable: the old text is not in the file exactly once.
    """
    file = source / edit.path
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    count = text.count(edit.old)
    if edit.if_present and count == 0:
        return
    if count != 1:
        wanted = re.sub(r"\s+", " ", edit.old).strip()
        raise SourceUnusable(
            f"Cannot adjust {edit.path}: expected the text '{wanted}' once, found it {count} times. "
            f"Reason of the adjustment: {edit.reason}. It does not fit this pyslurm. "
            "Run build.sh without --pyslurm_version, it then takes the pyslurm that is known to fit."
        )
    file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
