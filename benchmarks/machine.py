"""Describes the machine of a measurement."""

from __future__ import annotations

import os
import platform
import time

import psutil


def machine() -> str:
    """Returns `Measured on 2026-11-24 on 2 cores (x86_64), 24 GiB, Python 3.11.7.`"""
    memory = round(psutil.virtual_memory().total / 2**30)
    return (
        f"Measured on {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores ({platform.machine()}), {memory} GiB,"
        f" Python {platform.python_version()}."
    )
