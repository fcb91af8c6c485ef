"""Staging: a family's actors, drawn and at their place in the world. In: specs, values, a place; out: a `Script`."""

from collections.abc import Callable

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind, Thing
from xiaolu.world.scenarios.actor_ways import WAY_STEP_M, ActorWays, Drawn, MisfitError
from xiaolu.world.scenarios.cast import KINDS, LIGHTS, THINGS
from xiaolu.world.scenarios.family import ActorSpec, ActSpec, Family
from xiaolu.world.scenarios.fixtures import stands_in_way
from xiaolu.world.scenarios.sites import Place
from xiaolu.world.scenarios.streets import Streets
from xiaolu.world.script import FACE_EGO, GESTURES, NEAREST_LANE, Act, Actor, Heed, Hinge, Script, When
from xiaolu.world.temper import HEIGHT_M, LENGTH_M, WIDTH_M

THING_M = {
    Thing.CONE: (0.36, 0.36, 0.7), Thing.BARRIER: (0.35, 1.5, 1.0), Thing.BOX: (0.5, 0.5, 0.5),
    Thing.CAR_DOOR: (1.0, 0.12, 1.2), Thing.GATE_ARM: (3.2, 0.12, 1.0),
}  # fmt: skip
PARKED_GAP_M = 1.5  # no ambient parked car reaches nearer to an actor or its line than this
# Nobody begins so near the ego's way to a lamp that is set, and to an actor's way from its arm: in their own lanes.
WAY_M = 2.2
BESIDE_WAY_M = 0.3  # and what is parked leaves so much beside that way
SITE_M = 45.0  # where a family wants no ambient parked cars, none stand within this of the site
LAMPS = {"red": LampColour.RED, "yellow": LampColour.YELLOW, "green": LampColour.GREEN}
_TRIGGERS = {
    "at_once": When.AT_ONCE, "after_s": When.AFTER_S, "ego_within_m": When.EGO_WITHIN_M,
    "ego_arrives_s": When.EGO_ARRIVES_S, "ego_past_m": When.EGO_PAST, "ego_at_line_m": When.EGO_PAST,
    "ego_stands_s": When.EGO_STANDS_S, "ego_goes": When.EGO_GOES, "own_m": When.OWN_M, "lamp": When.LAMP,
    "ahead_of_ego_m": When.AHEAD_OF_EGO_M, "actor": When.ACTOR,
}  # fmt: skip
_HINGES = {"middle": Hinge.MIDDLE, "front": Hinge.FRONT, "back": Hinge.BACK}
_HEEDS = {"all": Heed.ALL, "not_ego": Heed.NOT_EGO, "not_signals": Heed.NOT_SIGNALS, "none": Heed.NONE}


class Staging:
    """Puts one family's actors at one place."""

    def __init__(self, family: Family, place: Place, drawn: Drawn, streets: Streets, signal: int, style: int) -> None:
        """signal: column of the ego's lamp, -1 for none; style: whatever looks are drawn from."""
        self.family, self.place, self.drawn, self.streets = family, place, drawn, streets
        self.town, self.frame, self.signal, self.style = streets.town, place.frame, signal, style
        self.ways = ActorWays(place, drawn, streets)

    def script(self, there: Callable[[str], bool]) -> tuple[Script, dict[str, int]]:
        """Return the script and each actor's number by name. there(name): whether an actor takes part."""
        rows: list[tuple[ActorSpec, str, int]] = []
        for spec in self.family.actors:
            if not there(spec.name):
                continue
            if spec.repeat is None:
                rows.append((spec, spec.name, 0))
            else:
                count = max(round(self.ways.number(spec.repeat.count)), 1)
                rows += [(spec, f"{spec.name}-{n + 1}", n) for n in range(count)]
        numbers = {name: number for number, (_, name, _) in enumerate(rows)}
        firsts: dict[str, int] = {}
        for number, (spec, _, _) in enumerate(rows):
            firsts.setdefault(spec.name, number)
        actors = tuple(self._actor(spec, name, n, firsts) for spec, name, n in rows)
        for spec, _, n in rows:
            if spec.parked and spec.at is not None and stands_in_way(self.town, self.frame, self._s_m(spec, n)):
                raise MisfitError("right beside what is put there something of the town stands in the way")
        clear_m = self.ways.number(self.family.around.clear_m)
        places = [(*actor.pose[:2], clear_m) for actor in actors] + [(*self.frame.pose(0.0)[:2], clear_m)]
        if self.family.signals is not None:
            # Who led the ego there would stand where it has to, and the lamp would decide nothing.
            places += [
                (*self.frame.pose(s)[:2], WAY_M) for s in np.arange(self.frame.marks["start_m"], 0.0, WAY_STEP_M)
            ]
        parked = [circle for actor in actors for circle in _circles(actor)]
        for (spec, _, _), actor in zip(rows, actors, strict=True):
            if spec.goes.kind == "arm":
                # What stands in its lane, parked or at a red, would keep it from coming.
                way = self.ways.to_junctions_end(actor.lanes, actor.along_m)
                places += [(x, y, WAY_M) for x, y in way]
                parked += [(x, y, 0.5 * actor.width_m + 0.95 + BESIDE_WAY_M) for x, y in way]
        if not self.family.around.parked:
            parked += [(*self.frame.pose(s)[:2], SITE_M) for s in (-40.0, -15.0, 15.0, 40.0)]
        if self.place.start_pose is not None:
            x, y, yaw = self.place.start_pose
            middle = EGO_BODY.centre_x_m
            parked.append((x + middle * np.cos(yaw), y + middle * np.sin(yaw), 4.2))
        return Script(actors, np.array(places).reshape(-1, 3), np.array(parked).reshape(-1, 3)), numbers

    def _s_m(self, spec: ActorSpec, n: int) -> float:
        """Return abreast of where on the route the n-th of a row is put."""
        assert spec.at is not None
        return self.ways.number(spec.at.s_m) + (n * self.ways.number(spec.repeat.step_s_m) if spec.repeat else 0.0)

    def _actor(self, spec: ActorSpec, name: str, n: int, numbers: dict[str, int]) -> Actor:
        word = self.drawn.word(spec.kind)
        thing = THINGS.get(word)
        kind = Kind.OBJECT if thing is not None else KINDS[word]
        size = THING_M[thing] if thing is not None else (LENGTH_M[kind], WIDTH_M[kind], HEIGHT_M[kind])
        length, width, height = (
            self.ways.number(spec.numbers[field]) if field in spec.numbers else float(usual)
            for field, usual in zip(("length_m", "width_m", "height_m"), size, strict=True)
        )
        lines, lanes, along, offset, pose, here = self.ways.way_of(spec, n, length)
        own: list[np.ndarray] = list(lines)
        if not lines and not lanes and any(act.line not in (None, "lane") for act in spec.acts):
            own = [_stub(pose)]
        meets_s_m = self.ways.meets_s_m(lanes, along) if spec.goes.kind == "arm" else np.nan if lanes else here
        acts = tuple(self._act(act, pose, here, own, numbers, meets_s_m) for act in spec.acts)
        style = (
            int(thing) if thing is not None else (self.style + 7919 * numbers.get(spec.name, 0) + 31 * n) % 1_000_003
        )
        temper = {f: self.ways.number(spec.numbers[f]) for f in ("reaction_s", "headway_s") if f in spec.numbers}
        if "style" in spec.numbers:
            style = round(self.ways.number(spec.numbers["style"]))
        return Actor(
            name, kind, pose, length, width, height, style,
            parked=spec.parked, hinge=_HINGES[spec.hinge], lines=tuple(own), lanes=tuple(lanes), along_m=along,
            offset_m=offset, then_lane=spec.goes.then_lane, acts=acts, **temper,
        )  # fmt: skip

    def _act(
        self, spec: ActSpec, pose, s_m: float, own: list[np.ndarray], numbers: dict[str, int], meets_s_m: float
    ) -> Act:
        def number(field: str) -> float | None:
            value = spec.numbers.get(field)
            return None if value is None else self.ways.number(value, s_m)

        along = self.frame.pose(s_m)[3]
        faces: float | str | None = None
        if spec.faces_ego:
            faces = FACE_EGO
        elif "faces_deg" in spec.own:
            faces = np.nan
        elif "faces_deg" in spec.numbers:
            faces = along + np.radians(self.ways.number(spec.numbers["faces_deg"], s_m))
        heading = number("heading_deg")
        speed = np.nan if "speed_mps" in spec.own else number("speed_mps")
        line = -1
        if spec.line == "lane":
            line = NEAREST_LANE
        elif spec.line is not None:
            own.append(self.ways.line(spec.line))
            line = len(own) - 1
        gesture = -1 if "gesture" in spec.own else (GESTURES[self.drawn.word(spec.gesture)] if spec.gesture else None)
        lights = None
        if spec.lights is not None:
            lights = -1 if "lights" in spec.own else sum(LIGHTS[word] for word in set(spec.lights))
        style = number("style")
        return Act(
            spec.name,
            **self._trigger(spec, numbers, meets_s_m),
            speed_mps=speed,
            acceleration_mps2=number("acceleration_mps2"),
            heeds=_HEEDS[self.drawn.word(spec.heeds)] if spec.heeds else None,
            line=line,
            turns_back=spec.turns_back,
            offset_m=number("offset_m"),
            sideways_mps=number("sideways_mps"),
            faces_rad=faces,
            gesture=gesture,
            lights=lights,
            yaw_rad=None if heading is None else along + float(np.radians(heading)),
            length_m=number("length_m"),
            width_m=number("width_m"),
            height_m=number("height_m"),
            in_s=number("in_s") or 1.0,
            style=None if style is None else round(style),
            vanishes=spec.vanishes,
        )

    def _trigger(self, spec: ActSpec, numbers: dict[str, int], meets_s_m: float) -> dict:
        """Return an act's trigger; meets_s_m: where along the route its actor waits, or comes onto it from an arm; NaN
        for one that is under way there."""
        out: dict = {"when": _TRIGGERS[spec.when]}
        value = None if spec.value is None else self.ways.number(spec.value)
        if spec.when in ("ego_past_m", "ego_at_line_m"):
            assert value is not None
            s_m = value if spec.when == "ego_past_m" else self.frame.marks["stop_line_m"] - value
            x, y, _, yaw = self.frame.pose(s_m)
            out["gate"] = (x, y, yaw)
        elif spec.when == "lamp":
            if self.signal < 0:
                raise MisfitError("no signal there")
            out |= {"signal": self.signal, "value": float(LAMPS[self.drawn.word(spec.lamp)])}
        elif spec.when == "actor":
            if spec.actor not in numbers:
                raise MisfitError(f"{spec.actor} is not there")
            acts = next(actor.acts for actor in self.family.actors if actor.name == spec.actor)
            order = 1 + next(k for k, act in enumerate(acts) if act.name == spec.act)
            out |= {"other": numbers[spec.actor], "other_act": order}
        elif value is not None:
            out["value"] = value
            if spec.when == "ego_arrives_s":
                # Along the way, not straight on: before a bend the ego would be abreast of it all too soon.
                x, y, _, yaw = (np.nan,) * 4 if np.isnan(meets_s_m) else self.frame.pose(meets_s_m)
                out["gate"] = (x, y, yaw)
        if spec.within_m is not None:
            out["within_m"] = self.ways.number(spec.within_m)
        return out


def _stub(pose) -> np.ndarray:
    x, y, z, yaw = pose
    return np.array([[x, y, z], [x + np.cos(yaw), y + np.sin(yaw), z]])


def _circles(actor: Actor) -> list[tuple[float, float, float]]:
    """Return circles (x, y, radius) in which no parked car's middle may be, for an actor and its lines."""
    reach = 0.5 * actor.width_m + 0.95 + PARKED_GAP_M
    out = [(actor.pose[0], actor.pose[1], 0.5 * actor.length_m + 2.3 + PARKED_GAP_M)]
    for line in actor.lines:
        step = np.hypot(*np.diff(line[:, :2], axis=0).T)
        s = np.concatenate([[0.0], np.cumsum(step)])
        for at in np.arange(0.0, s[-1], 2.0):
            out.append((float(np.interp(at, s, line[:, 0])), float(np.interp(at, s, line[:, 1])), reach + 1.3))
    return out
