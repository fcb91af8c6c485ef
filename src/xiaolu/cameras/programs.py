"""Shader programs, put together from the package's files: three sets draw pictures, one draws labels."""

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
LIT_ONLY = {
    "glow": ("glow.vert", "glow.frag"),
    "gleam": ("gleam.vert", "gleam.frag"),
    "spill": ("spill.vert", "spill.frag"),
}
SHADED_ONLY = {"eclipse": ("eclipse.vert", "eclipse.frag"), "glare": ("sky.vert", "glare.frag")}
# By what is drawn: open daylight, which is what most rides have and costs least; where lamps are lit; where a low sun
# casts long shadows; and what each pixel shows.
KINDS: dict[str, tuple[dict[str, tuple[str, str]], tuple[str, ...]]] = {
    "picture": (SOURCES | PICTURE_ONLY, ()),
    "lit": (SOURCES | PICTURE_ONLY | LIT_ONLY, ("NEAR", "LIT")),
    "shaded": (SOURCES | PICTURE_ONLY | SHADED_ONLY, ("NEAR", "SHADED")),
    "labels": (SOURCES, ("LABELS",)),
}
FRAME_BLOCK = 0
UNITS = {"walls": 0, "grounds": 1, "light_map": 2}  # texture units
# These draw the light map, or look it up in their own way.
NOT_NEAR = {"sky.frag", "shadow.frag", "glow.frag", "gleam.frag", "spill.frag", "eclipse.frag", "glare.frag"}

LARGE = {"ground.frag", "facade.frag"}


def _source(name: str, defines: tuple[str, ...]) -> str:
    folder = files("xiaolu.cameras") / "shaders"
    stage = "fragment" if name.endswith(".frag") else "vertex"
    parts = ["common.glsl", "air.glsl", name] if stage == "fragment" else ["common.glsl", name]
    if stage == "fragment" and "NEAR" in defines and name not in NOT_NEAR:
        parts.insert(1, "near.glsl")
    words = (*defines, stage.upper(), *(("LARGE",) if name in LARGE else ()))
    head = "#version 330 core\n" + "".join(f"#define {word}\n" for word in words)
    return head + "\n".join((folder / part).read_text() for part in parts)


def programs(context: moderngl.Context, kind: str) -> dict[str, moderngl.Program]:
    """Return the programs of one of KINDS by name."""
    sources, defines = KINDS[kind]
    built = {}
    for name, (vertex, fragment) in sources.items():
        program = context.program(vertex_shader=_source(vertex, defines), fragment_shader=_source(fragment, defines))
        if "Frame" in program:
            program["Frame"].binding = FRAME_BLOCK  # type: ignore[union-attr]
        for sampler, unit in UNITS.items():
            if sampler in program:
                program[sampler] = unit
        built[name] = program
    return built
