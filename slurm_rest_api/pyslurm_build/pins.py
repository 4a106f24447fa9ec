"""Revisions of pyslurm that build.sh takes for each release line of Slurm, with the digests of their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from slurm_rest_api.pyslurm_build.versions import Line

REPOSITORY: Final = "https://github.com/PySlurm/pyslurm"


@dataclass(frozen=True)
class Pin:
    """A revision of pyslurm's repository.

    `sha256` is of the archive REPOSITORY/archive/COMMIT.tar.gz (git archive piped through `gzip -cn`). Such archives
    may be packed again with another compression. `tree` is the digest of the unpacked files (`unpack.tree_digest`).
    """

    branch: str
    commit: str
    sha256: str
    tree: str


PINS: Final[Mapping[Line, Pin]] = {
    (21, 8): Pin(
        "21.8.x",
        "5da5023c7a9d31178dbf5069a8ffe9e4058ad74d",
        "a4770f8423c31e98cbf201e53395e01a376990b101a4633cdfb1661c5137e89d",
        "2e3bbfb6bec46391cf8ce9bd9801fbc036476ce324f6594ed4681ada9151acfc",
    ),
    (22, 5): Pin(
        "22.5.x",
        "987ee72d2ac4475400a4b58a983d7e769e82d408",
        "998c35e59af5e240188b560a5d645d6800d548497993c145cf6b602c5bf48cfc",
        "71832ee84a211f8830c08e197b94f2b053ebfa5a9c04b1d1cb2ffbb7ee713511",
    ),
    (23, 2): Pin(
        "23.2.x",
        "8b637386163cb19e660714a7de38aeecece63d68",
        "b7272c53a14a43c6eba749aa05473fcdda622938de766990d2e24c34828626e5",
        "f3207707e334621235197a7a5ca20fda2bea1cdfd3fe45ca6104c59a4bc42017",
    ),
    (23, 11): Pin(
        "23.11.x",
        "9a1f6c76f970d0606c187a5f1d343c4ff65b76b4",
        "d64bf6001b30899be3d0845b57056db55c8127434801042faa458e874c3f9419",
        "87d34dbe113cdb5dcbc4456e19d7a923e97c2bb03890e0a5f1635ba1ee0fd546",
    ),
    (24, 5): Pin(
        "24.5.x",
        "e59d1767af02a811f0bda5d9c9f6497bbd94869d",
        "05d99227ea7de17965bff4c9f2745a7e0633a8f902bcf54ed71e01603d6cd5e6",
        "227f1d526589c1e4ef0aece49aa15ce305c5dca8b4d6105e714a228d31d12e6e",
    ),
    (24, 11): Pin(
        "24.11.x",
        "2adb2da8b5a1ca5d1b94d94858dd4c406f9f2f07",
        "74bd484e267c500e845aa81125f32c1e298e359a5acf7a4dfbaa33722eec5f05",
        "c43aed9378b84f78723627e7e911efa88c05bd7e2d0f39fdee70593e44353296",
    ),
    (25, 5): Pin(
        "25.5.x",
        "c7905dda0765b4e964fa5a3bf7343616c2d53ddb",
        "3505e537b901a7b14e828c2476f98dcb0d41732d7a0be8af069abd6c92186988",
        "0fed16762268bc5935f061e6234375f7c66773a73617b8fcbed35c49d170b06b",
    ),
    (25, 11): Pin(
        "25.11.x",
        "1455c7b5377d6fdf3c0b7579c3e51f197843315b",
        "68b740adc728f70e7d38f7defbb4eb255ff18c8b1b1afddc4005ff3227de4317",
        "a4ea0c5335e9b3bb670764e5300612976a455d8a645bc2ac831af21f19b6bd2b",
    ),
}
"""For 25.11 PyPI has releases that are newer than the branch, build.sh takes those."""

SDIST_TREES: Final[Mapping[str, str]] = {
    "25.11.0": "e6d2b8f5291650c026a6ccb96b1df1cae35e09236d6fff39b263616e2f38e75c",
    "25.11.2": "e4f641090d71df0b72f6f5d87e53c6cd79f2b1964982569b0e1b41aadb55ba02",
}
"""Digests of the unpacked source archives on PyPI."""
