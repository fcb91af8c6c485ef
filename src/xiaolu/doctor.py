"""What this machine lacks, and how to get it. Checks run in child processes: a broken GL driver may abort."""

import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

GL_PACKAGES = ("libegl1", "libgl1", "libgl1-mesa-dri", "libegl-mesa0")

_GL_PROBE = """
from xiaolu.cameras.context import open_context
context = open_context()
print(context.info["GL_RENDERER"], "OpenGL", context.version_code)
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. `needed_for` says who suffers; `remedy` is a line a person can run, "" when all is well."""

    what: str
    good: bool
    found: str
    needed_for: str
    remedy: str = ""


def _python() -> Finding:
    version = sys.version_info[:2]
    good = (3, 11) <= version <= (3, 13)
    return Finding(
        "Python", good, platform.python_version(), "everything", "" if good else "install Python 3.11 to 3.13"
    )


def _memory() -> Finding:
    gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30 if hasattr(os, "sysconf") else float("nan")
    good = not gib < 2.0
    return Finding(
        "memory", good, f"{gib:.1f} GiB, {os.cpu_count()} processors", "driving", "" if good else "2 GiB wanted"
    )


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    good = free > 1.0
    return Finding("free disk", good, f"{free:.1f} GiB here", "ride logs", "" if good else "free at least 1 GiB here")


def _module(name: str, label: str, needed_for: str, remedy: str) -> Finding:
    good = importlib.util.find_spec(name) is not None
    return Finding(label, good, "installed" if good else "not installed", needed_for, "" if good else remedy)


def gl_remedy() -> str:
    """Return the line that gets a machine like this one an OpenGL context."""
    if platform.system() == "Linux":
        if shutil.which("apt-get"):
            return f"apt-get install -y {' '.join(GL_PACKAGES)}"
        if shutil.which("dnf"):
            return "dnf install -y mesa-libEGL mesa-dri-drivers libglvnd-egl"
        if shutil.which("pacman"):
            return "pacman -S mesa libglvnd"
        return "install EGL and Mesa's software renderer (libEGL.so.1, libGL.so.1, the swrast driver)"
    return "update the graphics driver: OpenGL 3.3 core is needed"


def _gl() -> Finding:
    probe = subprocess.run([sys.executable, "-c", _GL_PROBE], capture_output=True, text=True, timeout=120)
    good = probe.returncode == 0
    last = (probe.stdout if good else probe.stderr).strip().splitlines()[-1:] or [f"exit status {probe.returncode}"]
    return Finding("OpenGL", good, last[0], "cameras", "" if good else gl_remedy())


def examine() -> list[Finding]:
    """Return every finding, the necessary ones first."""
    extra = 'pip install "xiaolu[{}]"'
    return [
        _python(),
        _memory(),
        _disk(),
        _gl(),
        _module("sumo", "SUMO", "xiaolu town import, generate (optional)", extra.format("maps")),
        _module("torch", "PyTorch", "xiaolu train, export (optional)", extra.format("train")),
    ]


def install_gl() -> bool:
    """Install the GL packages through apt where that is possible without asking (root on Debian or Ubuntu).

    Returns whether the attempt was made and succeeded; never raises.
    """
    if platform.system() != "Linux" or shutil.which("apt-get") is None or os.geteuid() != 0:
        return False
    quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(["apt-get", "update", "-qq"], check=False, stdout=subprocess.DEVNULL, env=quiet)
    install = ["apt-get", "install", "-y", "-qq", *GL_PACKAGES]
    return subprocess.run(install, check=False, stdout=subprocess.DEVNULL, env=quiet).returncode == 0
