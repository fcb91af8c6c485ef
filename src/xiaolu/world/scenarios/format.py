"""The file format of scenario families. In: a TOML file; out: a `Family`, or a ValueError that names file, field, value
and what is valid. Described in docs/scenarios.md.
"""

import re
import tomllib
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from xiaolu.core.conditions import CONDITIONS
from xiaolu.core.users import Kind, Thing
from xiaolu.world.scenarios import checks as catalogue
from xiaolu.world.scenarios.family import (
    MEASURES_ACROSS,
    MEASURES_ALONG,
    TAGS,
    TOWNS,
    ActorSpec,
    ActSpec,
    AroundSpec,
    CheckSpec,
    EgoSpec,
    Family,
    FixedRide,
    GoesSpec,
    Parameter,
    PlaceSpec,
    RepeatSpec,
    SignalSpec,
    SiteQuery,
)
from xiaolu.world.scenarios.reading import Fields, Names, zero
from xiaolu.world.scenarios.values import constant, parse_value
from xiaolu.world.script import GESTURES

UNITS = {
    "_mps2": (0.0, 10.0), "_mps": (-10.0, 30.0), "_m": (-500.0, 500.0), "_s": (0.0, 600.0), "_deg": (-360.0, 360.0),
    "_share": (0.0, 1.0), "_count": (0.0, 40.0),
}  # fmt: skip
FACTOR = (-10.0, 10.0)
NAME = re.compile(r"[a-z][a-z0-9-]*$")
PARAMETER = re.compile(r"[a-z][a-z0-9_]*$")
KINDS = {kind.name.lower(): kind for kind in Kind if kind is not Kind.OBJECT}
THINGS = {t.name.lower(): t for t in (Thing.CONE, Thing.BARRIER, Thing.BOX, Thing.CAR_DOOR, Thing.GATE_ARM)}
ROAD_CLASSES = ("primary", "secondary", "tertiary", "residential", "living", "service")
ARMS = ("left", "right", "ahead", "behind")
LIGHTS = {"brake": 1, "left": 2, "right": 4, "hazard": 6}
HEEDS = ("all", "not_ego", "not_signals", "none")
FAULTS = (
    "red_extended", "countdown_of_other", "countdown_hidden", "countdown_jumps", "dark", "stuck", "flashing_yellow",
)  # fmt: skip
LAMPS = ("red", "yellow", "green")
# Triggers with a number: what it may be.
TRIGGERS = {
    "after_s": (0.0, 600.0), "ego_within_m": (0.5, 200.0), "ego_arrives_s": (0.1, 30.0), "ego_past_m": (-300.0, 600.0),
    "ego_at_line_m": (-5.0, 150.0), "ego_stands_s": (0.1, 120.0), "own_m": (0.0, 500.0),
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
EVERYWHERE = ("width_m", "lanes", "two_way", "shared", "sidewalk", "parked", "classes", "limit_mps", "private")
# Which fields each kind of site knows.
SITES = {
    "street": (*EVERYWHERE, "length_m", "clear_m", "bend_deg"),
    "narrow": (*EVERYWHERE, "length_m", "clear_m", "bend_deg"),
    "junction": (*EVERYWHERE, "blind", "turn", "signal", "arrow", "countdown", "crossing", "arms", "has", "marked",
                 "roundabout", "waiting_area"),
    "crossing": (*EVERYWHERE, "signal", "marked"),
    "bend": (*EVERYWHERE, "bend_deg", "blind"),
    "dead_end": EVERYWHERE, "bay": EVERYWHERE, "kerb": EVERYWHERE, "gate": EVERYWHERE,
}  # fmt: skip
BUILT_IN = "assets/scenarios"


def family_names() -> list[str]:
    """Return the names of the families that come with the package, in order."""
    folder = resources.files("xiaolu").joinpath(BUILT_IN)
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def load_family(name_or_path: str | Path) -> Family:
    """Return a family by its name, or from a file. Raises ValueError naming the file, the field and what is valid."""
    text = str(name_or_path)
    if text.endswith(".toml"):
        path = Path(text)
        if not path.exists():
            raise FileNotFoundError(f"no scenario file at {path}")
        return read_family(path.read_text(encoding="utf-8"), str(path), path.stem)
    if text not in family_names():
        import difflib

        near = difflib.get_close_matches(text, family_names(), 3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; `xiaolu scenario list` names them all"
        raise ValueError(f"no scenario family {text!r}{hint}")
    return _built_in(text)


@cache
def _built_in(name: str) -> Family:
    source = resources.files("xiaolu").joinpath(BUILT_IN, f"{name}.toml")
    return replace(read_family(source.read_text(encoding="utf-8"), f"{name}.toml", name), source=name)


def read_family(text: str, source: str, name: str) -> Family:
    """Return the family that a file's text stands for; source: what to call the file in errors; name: as it must be."""
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{source}: not TOML: {error}") from None
    try:
        return replace(_family(raw, name), source=source)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None


def _family(raw: dict[str, Any], expected: str) -> Family:
    names = Names()
    top = Fields(raw, "", names)
    name = top.text("name")
    if name != expected or not NAME.match(name):
        raise top.fail("name", name, f"{expected!r}, as the file is called: lower case, digits and -")
    title, about = top.text("title"), " ".join(top.text("about").split())
    tags, towns = top.word_list("tags", TAGS), top.word_list("towns", TOWNS)
    for field, words in (("tags", tags), ("towns", towns)):
        if not words:
            raise top.fail(field, list(words), "at least one")
    limit_s = top.number("time_limit_s", 10.0, 600.0)
    parameters = _parameters(top.take("parameters", {}), names)
    site = _site(top.take("site"), names)
    names.measures = frozenset(("site_from_m", "site_to_m"))  # all that is known before there is a route
    ego = _ego(top.take("ego", {}), names, site)
    names.measures = frozenset((*MEASURES_ALONG, *MEASURES_ACROSS))
    around = _around(top.take("around", {}), names)
    conditions = _conditions(top.take("conditions", {"sun": 1.0}))
    signals = _signals(top.take("signals"), names, site) if top.has("signals") else None
    top.take("signals", None)
    actors = top.tables("actors", lambda one, where: _actor(one, where, names, site))
    _refer(actors)
    checks = top.tables("checks", lambda one, where: _check(one, where, names, actors), "check")
    top.done()
    unused = [p.name for p in parameters if p.name not in names.used]
    if unused:
        raise ValueError(f"parameters.{unused[0]}: nothing uses it; leave it out")
    return Family(
        name, title, about, tags, towns, limit_s, parameters, site, ego, around, conditions, signals, actors, checks
    )


def _parameters(raw: Any, names: Names) -> tuple[Parameter, ...]:
    fields = Fields(raw, "parameters.", names)
    out = []
    for name in list(raw):
        if not PARAMETER.match(name) or name in (*MEASURES_ALONG, *MEASURES_ACROSS):
            raise ValueError(f"parameters.{name}: no such name may be given; letters, digits and _, and no measure's")
        unit = next((unit for unit in UNITS if name.endswith(unit)), None)
        content = raw[name]
        if isinstance(content, dict):
            inner = Fields(content, f"parameters.{name}.", names)
            options = inner.take("one_of")
            inner.done()
            if not isinstance(options, list) or not options:
                raise inner.fail("one_of", options, "a list of words or of numbers")
            if all(isinstance(option, str) for option in options):
                parameter = Parameter(name, words=tuple(options))
            else:
                low, high = UNITS[unit] if unit else FACTOR
                for option in options:
                    if isinstance(option, (bool, str)) or not low <= option <= high:
                        raise inner.fail("one_of", option, f"a number within {low:g} to {high:g}")
                parameter = Parameter(name, numbers=tuple(float(option) for option in options))
            fields.take(name)
        elif unit is None:
            raise ValueError(f"parameters.{name}: its name must end in a unit: {', '.join(UNITS)}; or use one_of")
        elif isinstance(content, list):
            parameter = Parameter(name, *fields.span(name, *UNITS[unit]))
        else:
            number = fields.number(name, *UNITS[unit])
            parameter = Parameter(name, number, number)
        if parameter.words:
            names.words[name] = parameter.words
        else:
            names.ranges[name] = parameter.span
        out.append(parameter)
    return tuple(out)


def _site(raw: Any, names: Names) -> SiteQuery | FixedRide:
    fields = Fields(raw, "site.", names)
    kind = fields.word("kind", (*SITES, "ride"))
    if kind == "ride":
        return _fixed(fields)
    known = SITES[kind]
    wanted: dict[str, Any] = {}
    readers: dict[str, Any] = {
        "width_m": lambda f: fields.span(f, 2.0, 40.0),
        "lanes": lambda f: fields.span(f, 1, 6),
        "length_m": lambda f: fields.span(f, 10.0, 2000.0),
        "clear_m": lambda f: fields.number(f, 0.0, 200.0),
        "sidewalk": lambda f: fields.word(f, ("none", "right", "left", "both")),
        "parked": lambda f: fields.word(f, ("none", "right", "left", "both")),
        "classes": lambda f: fields.word_list(f, ROAD_CLASSES),
        "limit_mps": lambda f: fields.span(f, 1.0, 25.0),
        "bend_deg": lambda f: fields.span(f, 0.0, 180.0),
        "turn": lambda f: fields.word(f, ("straight", "left", "right", "any")),
        "arms": lambda f: fields.span(f, 2, 8),
        "has": lambda f: fields.word_list(f, ("left", "right", "ahead")),
    }
    for field in known:
        if fields.has(field):
            wanted[field] = readers.get(field, fields.flag)(field)
        fields.take(field, None)
    fields.done()
    return SiteQuery(kind, **wanted)


def _fixed(fields: Fields) -> FixedRide:
    def integers(field: str) -> tuple[int, ...]:
        raw = fields.take(field)
        if not isinstance(raw, list) or not raw or any(not isinstance(v, int) or v < 0 for v in raw):
            raise fields.fail(field, raw, "a list of lanes")
        return tuple(raw)

    pose = fields.take("start_pose", [])
    if not isinstance(pose, list) or len(pose) not in (0, 3):
        raise fields.fail("start_pose", pose, "x, y and yaw of the rear axle")
    fixed = FixedRide(
        town=fields.text("town"),
        digest=fields.text("digest"),
        lanes=integers("lanes"),
        start_s_m=fields.number("start_s_m", 0.0, 1e5),
        goal_s_m=fields.number("goal_s_m", 0.0, 1e5),
        anchor_s_m=fields.number("anchor_s_m", 0.0, 1e5),
        ride_seed=int(fields.number("ride_seed", 0, 2**53)),
        signals_start_s=fields.number("signals_start_s", 0.0, 1e6),
        start_pose=tuple(float(v) for v in pose),
    )
    fields.done()
    return fixed


def _ego(raw: Any, names: Names, site: SiteQuery | FixedRide) -> EgoSpec:
    fields = Fields(raw, "ego.", names)
    after = -2.0 if isinstance(site, SiteQuery) and site.kind in ("kerb", "dead_end") else 60.0
    spec = EgoSpec(
        start_before_m=fields.value("start_before_m", 5.0, 300.0, 60.0),
        goal_after_m=fields.value("goal_after_m", -5.0, 600.0, after),
        start_mps=fields.value("start_mps", 0.0, 20.0, 0.0),
        start=fields.word("start", ("lane", "bay", "kerb"), "lane"),
        told=fields.word("told", ("phone", "passenger"), "phone"),
    )
    if spec.start != "lane" and (isinstance(site, FixedRide) or site.kind != spec.start):
        raise fields.fail("start", spec.start, f"'lane', unless the site is a {spec.start}")
    fields.done()
    return spec


def _around(raw: Any, names: Names) -> AroundSpec:
    fields = Fields(raw, "around.", names)
    spec = AroundSpec(
        density=fields.value("density", 0.0, 3.0, 0.2),
        clear_m=fields.value("clear_m", 0.0, 100.0, 18.0),
        parked=fields.flag("parked", True),
    )
    fields.done()
    return spec


def _conditions(raw: Any) -> dict[str, float]:
    fields = Fields(raw, "conditions.", Names())
    out = {name: fields.number(name, 0.0, 1000.0) for name in CONDITIONS if fields.has(name)}
    for name in CONDITIONS:
        fields.take(name, None)
    fields.done()
    if not sum(out.values()) > 0.0:
        raise ValueError(f"conditions: {raw!r}; valid is at least one share above 0 of {', '.join(CONDITIONS)}")
    return out


def _signals(raw: Any, names: Names, site: SiteQuery | FixedRide) -> SignalSpec:
    fields = Fields(raw, "signals.", names)
    if not (isinstance(site, SiteQuery) and site.signal):
        raise ValueError("signals: the site has none; valid with site.signal = true only")
    fault = fields.word("fault", (*FAULTS, "none"), "none")
    spec = SignalSpec(
        fault_s=fields.value("fault_s", 0.0, 120.0, 15.0),
        fault_from_s=fields.value("fault_from_s", -120.0, 120.0, -120.0),
        lamp=fields.word("lamp", LAMPS, "") if fields.has("lamp") else fields.take("lamp", ""),
        left_s=fields.span("left_s", 0.0, 120.0, [0.0, 120.0]),
        fault="" if fault == "none" else fault,
    )
    fields.done()
    return spec


def _place(raw: Any, where: str, names: Names, site: SiteQuery | FixedRide) -> PlaceSpec:
    fields = Fields(raw, where, names)
    if fields.has("arm"):
        if not (isinstance(site, SiteQuery) and site.kind == "junction"):
            raise fields.fail("arm", raw["arm"], "at a junction only")
        spec = PlaceSpec(zero(), zero(), zero(), arm=fields.word("arm", ARMS), out_m=fields.value("out_m", 0.0, 200.0))
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


def _actor(raw: Any, where: str, names: Names, site: SiteQuery | FixedRide) -> ActorSpec:
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
        raise ValueError(f"{where}goes: to another arm ({{ to = ... }}) goes with at = {{ arm, out_m }}, and only so")
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


def _refer(actors: tuple[ActorSpec, ...]) -> None:
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


def _check(raw: Any, where: str, names: Names, actors: tuple[ActorSpec, ...]) -> CheckSpec:
    fields = Fields(raw, where, names)
    name = fields.word("check", catalogue.CHECKS)
    values: dict[str, Any] = {}
    known = {actor.name: [act.name for act in actor.acts if act.name] for actor in actors}
    for parameter, rule in catalogue.CHECKS[name].parameters.items():
        given = fields.has(parameter)
        if isinstance(rule, catalogue.Number):
            if given or rule.default is None:
                values[parameter] = fields.value(parameter, rule.low, rule.high)
            else:
                values[parameter] = constant(rule.default)
        elif isinstance(rule, catalogue.Word):
            values[parameter] = fields.word(parameter, rule.known, rule.default or ...)
        elif isinstance(rule, catalogue.Place):
            values[parameter] = fields.value(parameter, *S_M)
        elif isinstance(rule, catalogue.ActorName):
            if given or rule.needed:
                values[parameter] = fields.word(parameter, known)
        elif given or rule.needed:
            actor = str(values.get("actor", ""))
            values[parameter] = fields.word(parameter, known.get(actor, []))
        fields.take(parameter, None)
    fields.done()
    return CheckSpec(name, values)


__all__ = ["family_names", "load_family", "parse_value", "read_family"]
