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
from xiaolu.world.scenarios import checks as catalogue
from xiaolu.world.scenarios.cast import LAMPS, NAME, S_M, read_actor, refer
from xiaolu.world.scenarios.family import (
    MEASURES_ACROSS,
    MEASURES_ALONG,
    TAGS,
    TOWNS,
    ActorSpec,
    AroundSpec,
    CheckSpec,
    EgoSpec,
    Family,
    FixedRide,
    Parameter,
    SignalSpec,
    SiteQuery,
)
from xiaolu.world.scenarios.reading import Fields, Names
from xiaolu.world.scenarios.values import constant, parse_value

UNITS = {
    "_mps2": (0.0, 10.0), "_mps": (-10.0, 30.0), "_m": (-500.0, 500.0), "_s": (0.0, 600.0), "_deg": (-360.0, 360.0),
    "_share": (0.0, 1.0), "_count": (0.0, 40.0),
}  # fmt: skip
FACTOR = (-10.0, 10.0)
PARAMETER = re.compile(r"[a-z][a-z0-9_]*$")
ROAD_CLASSES = ("primary", "secondary", "tertiary", "residential", "living", "service")
FAULTS = (
    "red_extended", "countdown_of_other", "countdown_hidden", "countdown_jumps", "dark", "stuck", "flashing_yellow",
)  # fmt: skip
EVERYWHERE = ("width_m", "lanes", "two_way", "shared", "sidewalk", "parked", "classes", "limit_mps", "private")
# Which fields each kind of site knows.
SITES = {
    "street": (*EVERYWHERE, "length_m", "clear_m", "bend_deg"),
    "narrow": (*EVERYWHERE, "length_m", "clear_m", "bend_deg"),
    "junction": (*EVERYWHERE, "blind", "turn", "signal", "arrow", "countdown", "crossing", "arms", "has", "marked",
                 "roundabout", "waiting_area", "gives_way"),
    "crossing": (*EVERYWHERE, "signal", "marked"),
    "bend": (*EVERYWHERE, "bend_deg", "blind"),
    "dead_end": EVERYWHERE, "bay": EVERYWHERE, "kerb": (*EVERYWHERE, "kerb_m"), "gate": EVERYWHERE,
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
    return family_of(raw, source, name)


def family_of(raw: dict[str, Any], source: str, name: str) -> Family:
    """Return the family that a file's tables stand for, as `read_family` does."""
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
    actors = top.tables("actors", lambda one, where: read_actor(one, where, names, site))
    refer(actors)
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
        "kerb_m": lambda f: fields.span(f, -30.0, 30.0),
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
