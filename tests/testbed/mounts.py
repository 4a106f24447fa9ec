"""The mounts that daemons inside the root need."""

from __future__ import annotations

from pathlib import Path

from .layout import CHECKOUT_IN_ROOT, Layout
from .steps import DeadlineError, run_command, wait_until

# target inside the root → arguments of mount(8). Device nodes and the process table are the host's.
_SYSTEM_MOUNTS = {
    "proc": ["-t", "proc", "proc"],
    "sys": ["--bind", "/sys"],
    "dev": ["--bind", "/dev"],
    "dev/shm": ["--bind", "/dev/shm"],
    "dev/pts": ["--bind", "/dev/pts"],
    "run": ["-t", "tmpfs", "-o", "mode=0755", "tmpfs"],
    "tmp": ["-t", "tmpfs", "-o", "mode=1777", "tmpfs"],
}


def mounted_below(folder: Path) -> list[Path]:
    """Returns the mount points below `folder`, the last mounted first (the order to unmount them in)."""
    points = []
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        point = Path(line.split()[4].encode().decode("unicode_escape"))
        if point.is_relative_to(folder):
            points.append(point)
    return points[::-1]


def mount_system(layout: Layout) -> None:
    """Mounts what is missing of process table, devices, and empty run and tmp folders."""
    present = set(mounted_below(layout.root))
    for name, arguments in _SYSTEM_MOUNTS.items():
        target = layout.root / name
        if target not in present:
            target.mkdir(parents=True, exist_ok=True)
            _mount([*arguments, str(target)], target)


def mount_checkout(layout: Layout) -> bool:
    """Mounts this checkout read-only inside the root. Returns True if that changed something.

    It replaces the mount of another checkout.
    """
    target = layout.inside(CHECKOUT_IN_ROOT)
    if target in mounted_below(layout.root):
        if target.samefile(layout.checkout):
            return False
        _unmount(target)
    target.mkdir(parents=True, exist_ok=True)
    _mount(["--bind", str(layout.checkout), str(target)], target)
    run_command(["mount", "-o", "remount,bind,ro", str(target)])
    return True


def unmount_all(layout: Layout) -> None:
    """Unmounts everything below the root."""
    for point in mounted_below(layout.root):
        _unmount(point)


def _mount(arguments: list[str], target: Path) -> None:
    run_command(["mount", *arguments])
    # Without this an unmount here could travel to the host's own /dev and /sys, where mounts are shared.
    run_command(["mount", "--make-private", str(target)])


def _unmount(point: Path) -> None:
    # The kernel releases a mount a moment after the last process that used it has ended.
    def attempt() -> int:
        return run_command(["umount", str(point)]).returncode

    try:
        wait_until(f"{point} to be unmounted", attempt, lambda status: status == 0, timeout=5, interval=0.2)
    except DeadlineError:
        run_command(["umount", "--lazy", str(point)])
