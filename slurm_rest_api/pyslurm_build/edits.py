"""Replaces text in pyslurm's unpacked source."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from slurm_rest_api.errors import SourceUnusable


@dataclass(frozen=True)
class Edit:
    """Replaces `old`, which must be in the file `path` exactly once, by `new`."""

    path: str
    reason: str
    old: str
    new: str


def apply_edit(source: Path, edit: Edit) -> None:
    """Changes one file below `source`.

    Raises:
        SourceUnusable: the old text is not in the file exactly once.
    """
    file = source / edit.path
    text = file.read_text(encoding="utf-8") if file.is_file() else ""
    count = text.count(edit.old)
    if count != 1:
        wanted = re.sub(r"\s+", " ", edit.old).strip()
        raise SourceUnusable(
            f"Cannot adjust {edit.path}: expected the text '{wanted}' once, found it {count} times. "
            f"Reason of the adjustment: {edit.reason}. It does not fit this pyslurm. "
            "Choose another with --pyslurm_version=X.Y.Z."
        )
    file.write_text(text.replace(edit.old, edit.new), encoding="utf-8")
