"""Shader programs, put together from the package's files: one set draws pictures, one draws labels."""

from importlib.resources import files

import moderngl

SOURCES = {
    "plain": ("static.vert", "plain.frag"),
    "facade": ("static.vert", "facade.frag"),
    "ground": ("static.vert", "ground.frag"),
    "rigid": ("rigid.vert", "plain.frag"),
    "limb": ("limb.vert", "plain.frag"),
    "signal": ("signal.vert", "signal.frag"),
}
PICTURE_ONLY = {"sky": ("sky.vert", "sky.frag"), "shadow": ("shadow.vert", "shadow.frag")}
FRAME_BLOCK = 0


def _source(name: str, labels: bool) -> str:
    folder = files("xiaolu.cameras") / "shaders"
    parts = ["common.glsl", "air.glsl", name] if name.endswith(".frag") else ["common.glsl", name]
    head = "#version 330 core\n" + ("#define LABELS\n" if labels else "")
    return head + "\n".join((folder / part).read_text() for part in parts)


def programs(context: moderngl.Context, labels: bool) -> dict[str, moderngl.Program]:
    """Return the programs by name. labels: those that write what a pixel shows instead of its colour."""
    built = {}
    for name, (vertex, fragment) in (SOURCES if labels else SOURCES | PICTURE_ONLY).items():
        program = context.program(vertex_shader=_source(vertex, labels), fragment_shader=_source(fragment, labels))
        if "Frame" in program:
            program["Frame"].binding = FRAME_BLOCK  # type: ignore[union-attr]
        built[name] = program
    return built
