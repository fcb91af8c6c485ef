"""The OpenGL context that everything is drawn in: EGL on Linux (no display needed), the platform's own elsewhere."""

import os
import sys
from functools import lru_cache

import moderngl

# EGL driver and loader in the words of the package managers that ship them.
_EGL_HELP = (
    "Drawing needs OpenGL 3.3 through EGL. On Debian or Ubuntu: `apt install libegl1 libgl1 libgl1-mesa-dri`; on "
    "Fedora: `dnf install libglvnd-egl mesa-dri-drivers`; with an NVIDIA GPU in a container, start it with "
    "NVIDIA_DRIVER_CAPABILITIES=all. Without a GPU, Mesa's llvmpipe draws on the CPU; nothing else is needed."
)


class NoGraphicsError(RuntimeError):
    """No OpenGL context could be made; the message says what to install."""


def open_context() -> moderngl.Context:
    """Return this process's OpenGL context, made on first call. Raises NoGraphicsError with the packages to install.

    One context serves all renderers of a process. A process that was forked makes its own.
    """
    return _context_of(os.getpid())


@lru_cache(maxsize=1)
def _context_of(_pid: int) -> moderngl.Context:
    # Mesa's software driver would start a thread per core; many processes with one core each are faster.
    os.environ.setdefault("LP_NUM_THREADS", "0")
    try:
        if sys.platform.startswith("linux"):
            return moderngl.create_context(standalone=True, require=330, backend="egl")  # type: ignore[arg-type]
        return moderngl.create_context(standalone=True, require=330)
    except Exception as error:
        raise NoGraphicsError(f"no OpenGL context: {error}. {_EGL_HELP}") from error
