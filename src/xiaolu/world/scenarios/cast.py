"""The cast of a scenario file: its actors, where they begin and how they go, their acts and what sets these off.

In: tables as TOML gives them; out: `ActorSpec`s, or a ValueError that names field, value and what is valid.
"""

import re
from typing import Any

from xiaolu.core.users import Kind, Thing
from xiaolu.world.scenarios.family import (
    ActorSpec,
    ActSpec,
    FixedRide,
    GoesSpec,
    PlaceSpec,
    RepeatSpec,
    SiteQuery,
)
from xiaolu.world.scenarios.reading import Fields, Names, zero
from xiaolu.world.script import GESTURES

NAME = re.compile(r"[a-z][a-z0-9-]*$")
KINDS = {kind.name.lower(): kind for kind in Kind if kind is not Kind.OBJECT}
THINGS = {t.name.lower(): t for t in (Thing.CONE, Thing.BARRIER, Thing.BOX, Thing.CAR_DOOR, Thing.GATE_ARM)}
ARMS = ("left", "right", "ahead", "behind")
LIGHTS = {"brake": 1, "left": 2, "right": 4, "hazard": 6}
HEEDS = ("all", "not_ego", "not_signals", "none")
LAMPS = ("red", "yellow", "green")
# Triggers with a number: what it may be.
TRIGGERS = {
    "after_s": (0.0, 600.0), "ego_within_m": (0.5, 200.0), "ego_arrives_s": (0.1, 30.0), "ego_past_m": (-300.0, 600.0),
    "ego_at_line_m": (-5.0, 150.0), "ego_stands_s": (0.1, 120.0), "own_m": (0.0, 500.0),
    "ahead_of_ego_m": (-20.0, 100.0),
}  # fmt: skip
# Numbers that an act may set.
DOINGS = {
    "speed_mps": (-5.0, 25.0), "acceleration_mps2": (0.2, 9.0), "offset_m": (-8.0, 8.0), "sideways_mps": (0.1, 3.0),
    "faces_deg": (-360.0, 360.0), "heading_deg": (-360.0, 360.0), "length_m": (0.05, 20.0), "width_m": (0.05, 20.0),
    "height_m": (0.05, 20.0), "in_s": (0.1, 20.0), "style": (0.0, 1e6),
}  # fmt: skip
SIZES = {"length_m": (0.05, 20.0), "width_m": (0.05, 20.0), "height_m": (0.05, 5.0), "style": (0.0, 1e6),
         "reaction_s": (0.0, 3.0), "headway_s": (0.0, 3.0)}  # fmt: skip
S_M, LEFT_M = (-300.0, 600.0), (-80.0, 80.0)


def _place(raw: Any, where: str, names: Names, site: SiteQuery | FixedRide) -> PlaceSpec:
    fields = Fields(raw, where, names)
    if fields.has("arm"):
        if not (isinstance(site, SiteQuery) and site.kind == "junction"):
            raise fields.fail("arm", raw["arm"], "at a junction only")
        how_far = "meets_m" if fields.has("meets_m") else "out_m"
        spec = PlaceSpec(
            zero(), fields.value("left_m", *LEFT_M, 0.0), zero(),
            arm=fields.word("arm", ARMS), **{how_far: fields.value(how_far, 0.0, 200.0)},
        )  # fmt: skip
    else:
        spec = PlaceSpec(
            s_m=fields.value("s_m", *S_M, 0.0),
            left_m=fields.value("left_m", *LEFT_M, 0.0),
            heading_deg=fields.value("heading_deg", -360.0, 360.0, 0.0),
        )
    fields.done()
    return spec


def _line(raw: Any, field: str, fields: Fields) -> tuple[tuple[Any, Any], ...]:
    if not isinstance(raw, list) or len(raw) < 2 or any(not isinstance(p, list) or len(p) != 2 for p in raw):
        raise fields.fail(field, raw, "a list of two or more [s_m, left_m]")
    return tuple(
        (fields.checked(f"{field}[{n}].s_m", s, *S_M), fields.checked(f"{field}[{n}].left_m", left, *LEFT_M))
        for n, (s, left) in enumerate(raw)
    )


def _goes(raw: Any, fields: Fields) -> GoesSpec:
    words = ("stands", "ego", "oncoming", "lane")
    if raw in words:
        return GoesSpec(raw)
    valid = f"one of {', '.join(words)}, or a table {{ to }}, {{ line }} or {{ walk }}"
    if not isinstance(raw, dict):
        raise fields.fail("goes", raw, valid)
    inner = Fields(raw, fields.inner("goes"), fields.names)
    if inner.has("to"):
        spec = GoesSpec("arm", to=inner.word("to", ARMS))
    elif inner.has("line"):
        line = _line(inner.take("line"), "line", inner)
        spec = GoesSpec("line", line=line, then_lane=inner.word("then", ("stop", "lane"), "stop") == "lane")
    elif inner.has("walk"):
        spec = GoesSpec("walk", side=inner.word("walk", ("left", "right")))
    else:
        raise fields.fail("goes", raw, valid)
    inner.done()
    return spec


def read_actor(raw: Any, where: str, names: Names, site: SiteQuery | FixedRide) -> ActorSpec:
    fields = Fields(raw, where, names)
    name = fields.text("name")
    if not NAME.match(name):
        raise fields.fail("name", name, "lower case letters, digits and -")
    goes = _goes(fields.take("goes", "stands"), fields)
    kind = fields.word("kind", (*KINDS, *THINGS))
    at = _place(fields.take("at"), fields.inner("at"), names, site) if fields.has("at") else fields.take("at", None)
    if at is None and goes.kind != "line":
        raise ValueError(f"{where}at is missing: where does it begin?")
    if (goes.kind == "arm") != (at is not None and bool(at.arm)):
        raise ValueError(
            f"{where}goes: to another arm ({{ to = ... }}) goes with at = {{ arm, out_m or meets_m }}, and only so"
        )
    parked = fields.flag("parked", False) or kind in THINGS
    if parked and goes.kind != "stands":
        raise fields.fail("goes", goes.kind, "stands, for what is parked or a thing")
    numbers = {field: fields.value(field, *limits) for field, limits in SIZES.items() if fields.has(field)}
    for field in SIZES:
        fields.take(field, None)
    repeat = _repeat(fields.take("repeat"), fields.inner("repeat"), names) if fields.has("repeat") else None
    fields.take("repeat", None)
    spec = ActorSpec(
        name, kind, at, goes, parked,
        hinge=fields.word("hinge", ("middle", "front", "back"), "middle"),
        when_share=fields.value("when_share", 0.0, 1.0, 1.0),
        numbers=numbers, repeat=repeat,
        acts=fields.tables("acts", lambda one, inner: _act(one, inner, names, parked, goes)),
    )  # fmt: skip
    fields.done()
    doubles = [act.name for act in spec.acts if act.name and [a.name for a in spec.acts].count(act.name) > 1]
    if doubles:
        raise ValueError(f"{where}acts: two are called {doubles[0]!r}")
    return spec


def _repeat(raw: Any, where: str, names: Names) -> RepeatSpec:
    fields = Fields(raw, where, names)
    spec = RepeatSpec(
        fields.value("count", 1.0, 30.0),
        fields.value("step_s_m", -50.0, 50.0, 0.0),
        fields.value("step_left_m", -20.0, 20.0, 0.0),
    )
    fields.done()
    return spec


def _act(raw: Any, where: str, names: Names, parked: bool, goes: GoesSpec) -> ActSpec:
    fields = Fields(raw, where, names)
    trigger = _trigger(fields.take("when", {}), fields.inner("when"), names)
    own = tuple(f for f in ("speed_mps", "faces_deg", "gesture", "lights") if raw.get(f) == "own")
    ego = raw.get("faces_deg") == "ego"
    numbers = {}
    for field, limits in DOINGS.items():
        if field in own or (field == "faces_deg" and ego):
            fields.take(field)
        elif fields.has(field):
            numbers[field] = fields.value(field, *limits)
        fields.take(field, None)
    line: Any = None
    if fields.has("line"):
        content = fields.take("line")
        line = "lane" if content == "lane" else _line(content, "line", fields)
    fields.take("line", None)
    lights: tuple[str, ...] | None = None
    if fields.has("lights"):
        content = fields.take("lights")
        lights = () if content == "own" else tuple(content) if isinstance(content, list) else None
        if lights is None or any(word not in LIGHTS for word in lights):
            raise fields.fail("lights", content, f"own, or a list of {', '.join(LIGHTS)}")
    fields.take("lights", None)
    gesture = ""
    if fields.has("gesture"):
        gesture = fields.word("gesture", (*GESTURES, "own"))
    fields.take("gesture", None)
    spec = ActSpec(
        name=fields.text("name", "-").strip("-"),
        **trigger,
        numbers=numbers,
        own=own,
        faces_ego=ego,
        heeds=fields.word("heeds", HEEDS) if fields.has("heeds") else fields.take("heeds", ""),
        gesture="" if gesture == "own" else gesture,
        lights=lights,
        line=line,
        turns_back=fields.flag("turns_back", False),
        vanishes=fields.maybe_flag("vanishes"),
    )
    fields.done()
    if parked and (line is not None or spec.turns_back or {"speed_mps", "offset_m"} & set(numbers)):
        raise ValueError(f"{where.rstrip('.')}: what is parked, or a thing, goes nowhere: no speed, line or offset")
    shape = {"heading_deg", "length_m", "width_m", "height_m"} & set(numbers)
    if not parked and shape:
        raise ValueError(f"{where}{min(shape)}: valid for things and parked vehicles; for others there is faces_deg")
    return spec


def _trigger(raw: Any, where: str, names: Names) -> dict[str, Any]:
    fields = Fields(raw, where, names)
    out: dict[str, Any] = {"when": "at_once"}
    valid = (*TRIGGERS, "ego_goes", "lamp", "actor")
    given = [name for name in raw if name in valid]
    if len(given) > 1:
        raise ValueError(f"{where.rstrip('.')}: {' and '.join(given)} given; valid is one trigger")
    for name in valid:
        if not fields.has(name):
            fields.take(name, None)
        elif name in TRIGGERS:
            out = {"when": name, "value": fields.value(name, *TRIGGERS[name])}
        elif name == "ego_goes":
            if not fields.flag(name):
                raise fields.fail(name, False, "true")
            out = {"when": name}
        elif name == "lamp":
            out = {"when": name, "lamp": fields.word(name, LAMPS)}
        else:
            out = {"when": name, "actor": fields.text("actor"), "act": fields.text("act")}
    fields.take("act", None)
    out["within_m"] = fields.maybe_value("within_m", 0.5, 300.0)
    fields.done()
    return out


def refer(actors: tuple[ActorSpec, ...]) -> None:
    """Check that actors' names are single and that triggers refer to actors and acts there are."""
    known = {actor.name: [act.name for act in actor.acts] for actor in actors}
    if len(known) < len(actors):
        doubles = sorted(name for name in known if [a.name for a in actors].count(name) > 1)
        raise ValueError(f"actors: two are called {doubles[0]!r}")
    for actor in actors:
        for act in actor.acts:
            where = f"actors[{actor.name}].acts[{act.name}].when"
            if act.actor and act.actor not in known:
                raise ValueError(f"{where}.actor: {act.actor!r}; valid is one of {', '.join(known)}")
            if act.act and act.act not in known[act.actor]:
                acts = [name for name in known[act.actor] if name]
                raise ValueError(
                    f"{where}.act: {act.act!r}; valid is one of {', '.join(acts) or 'none: it has no acts'}"
                )
