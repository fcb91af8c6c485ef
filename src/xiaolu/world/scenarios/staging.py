"""Staging: a family's actors, drawn and at their place in the world. In: specs, values, a place; out: a `Script`."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind, Thing
from xiaolu.world.scenarios.cast import KINDS, LIGHTS, THINGS
from xiaolu.world.scenarios.family import ActorSpec, ActSpec, Family, PlaceSpec
from xiaolu.world.scenarios.fixtures import stands_in_way
from xiaolu.world.scenarios.sites import Place
from xiaolu.world.scenarios.streets import Streets
from xiaolu.world.scenarios.values import Value
from xiaolu.world.script import FACE_EGO, GESTURES, NEAREST_LANE, Act, Actor, Heed, Hinge, Script, When
from xiaolu.world.temper import HEIGHT_M, LENGTH_M, WIDTH_M
from xiaolu.world.town import LaneKind

THING_M = {
    Thing.CONE: (0.36, 0.36, 0.7), Thing.BARRIER: (0.35, 1.5, 1.0), Thing.BOX: (0.5, 0.5, 0.5),
    Thing.CAR_DOOR: (1.0, 0.12, 1.2), Thing.GATE_ARM: (3.2, 0.12, 1.0),
}  # fmt: skip
GO_ON_M = 160.0  # how far the lanes of an actor are laid out beyond the site
AHEAD_M = 40.0  # and how far beyond the goal they go on at least: who led the ego there does not stand before it
WALK_M, WALK_STEP_M = 90.0, 4.0
PARKED_GAP_M = 1.5  # no ambient parked car reaches nearer to an actor or its line than this
# Nobody begins so near the ego's way to a lamp that is set, and to an actor's way from its arm: in their own lanes.
WAY_M, WAY_STEP_M = 2.2, 2.0
ON_WAY_M = 1.5  # who is so near the route's line has come onto it
BESIDE_WAY_M = 0.3  # and what is parked leaves so much beside that way
MEETS_WITHIN_M = 20.0  # who comes from an arm meets the ego this soon after it enters the junction
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


class MisfitError(Exception):
    """The family cannot be staged at this place: something it needs is not there."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Parameters as drawn: numbers, words."""

    numbers: dict[str, float]
    words: dict[str, str]

    def word(self, word: str) -> str:
        return self.words.get(word, word)


class Staging:
    """Puts one family's actors at one place."""

    def __init__(self, family: Family, place: Place, drawn: Drawn, streets: Streets, signal: int, style: int) -> None:
        """signal: column of the ego's lamp, -1 for none; style: whatever looks are drawn from."""
        self.family, self.place, self.drawn, self.streets = family, place, drawn, streets
        self.town, self.frame, self.signal, self.style = streets.town, place.frame, signal, style

    def number(self, value: Value, s_m: float = 0.0) -> float:
        """Return a value here, measures across taken at s_m."""

        def lookup(name: str) -> float:
            found = self.drawn.numbers.get(name)
            return self.frame.measure(name, s_m) if found is None else found

        return value.at(lookup)

    def script(self, there: Callable[[str], bool]) -> tuple[Script, dict[str, int]]:
        """Return the script and each actor's number by name. there(name): whether an actor takes part."""
        rows: list[tuple[ActorSpec, str, int]] = []
        for spec in self.family.actors:
            if not there(spec.name):
                continue
            if spec.repeat is None:
                rows.append((spec, spec.name, 0))
            else:
                count = max(round(self.number(spec.repeat.count)), 1)
                rows += [(spec, f"{spec.name}-{n + 1}", n) for n in range(count)]
        numbers = {name: number for number, (_, name, _) in enumerate(rows)}
        firsts: dict[str, int] = {}
        for number, (spec, _, _) in enumerate(rows):
            firsts.setdefault(spec.name, number)
        actors = tuple(self._actor(spec, name, n, firsts) for spec, name, n in rows)
        for spec, _, n in rows:
            if spec.parked and spec.at is not None and stands_in_way(self.town, self.frame, self._s_m(spec, n)):
                raise MisfitError("right beside what is put there something of the town stands in the way")
        clear_m = self.number(self.family.around.clear_m)
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
                way = self._to_junctions_end(actor.lanes, actor.along_m)
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
        return self.number(spec.at.s_m) + (n * self.number(spec.repeat.step_s_m) if spec.repeat else 0.0)

    def _meets_s_m(self, lanes: list[int], along_m: float) -> float:
        """Return where along the route who comes over lanes from an arm comes onto it; NaN where it never does."""
        return self._meeting(lanes, along_m)[0]

    def _meeting(self, lanes: list[int], along_m: float) -> tuple[float, float]:
        """Return where along the route that is, and how far its middle has gone by then."""
        way = np.array(self._to_junctions_end(lanes, along_m)).reshape(-1, 2)
        places = np.array([self.frame.of(x, y, 0.0) for x, y in way]).reshape(-1, 2)
        on_it = np.flatnonzero(np.abs(places[:, 1]) < ON_WAY_M)
        if not len(on_it):
            return np.nan, np.nan
        gone = np.hypot(*np.diff(way[: on_it[0] + 1], axis=0).T).sum()
        return float(places[on_it[0], 0]), float(gone)

    def _to_junctions_end(self, lanes: Sequence[int], along_m: float) -> list[tuple[float, float]]:
        """Return places along an actor's lanes, from where it begins to where it has left the junction."""
        out, from_m, entered = [], along_m, False
        for lane in lanes:
            inside = int(self.town.lane_junction[lane]) >= 0
            if entered and not inside:
                break
            entered |= inside
            for s_m in np.arange(from_m, float(self.town.lane_length_m[lane]), WAY_STEP_M):
                x, y = self.town.pose_at(lane, float(s_m))[:2]
                out.append((float(x), float(y)))
            from_m = 0.0
        return out

    def _actor(self, spec: ActorSpec, name: str, n: int, numbers: dict[str, int]) -> Actor:
        word = self.drawn.word(spec.kind)
        thing = THINGS.get(word)
        kind = Kind.OBJECT if thing is not None else KINDS[word]
        size = THING_M[thing] if thing is not None else (LENGTH_M[kind], WIDTH_M[kind], HEIGHT_M[kind])
        length, width, height = (
            self.number(spec.numbers[field]) if field in spec.numbers else float(usual)
            for field, usual in zip(("length_m", "width_m", "height_m"), size, strict=True)
        )
        lines, lanes, along, offset, pose, here = self._way(spec, n, length)
        own: list[np.ndarray] = list(lines)
        if not lines and not lanes and any(act.line not in (None, "lane") for act in spec.acts):
            own = [_stub(pose)]
        meets_s_m = self._meets_s_m(lanes, along) if spec.goes.kind == "arm" else np.nan if lanes else here
        acts = tuple(self._act(act, pose, here, own, numbers, meets_s_m) for act in spec.acts)
        style = (
            int(thing) if thing is not None else (self.style + 7919 * numbers.get(spec.name, 0) + 31 * n) % 1_000_003
        )
        temper = {f: self.number(spec.numbers[f]) for f in ("reaction_s", "headway_s") if f in spec.numbers}
        if "style" in spec.numbers:
            style = round(self.number(spec.numbers["style"]))
        return Actor(
            name, kind, pose, length, width, height, style,
            parked=spec.parked, hinge=_HINGES[spec.hinge], lines=tuple(own), lanes=tuple(lanes), along_m=along,
            offset_m=offset, then_lane=spec.goes.then_lane, acts=acts, **temper,
        )  # fmt: skip

    def _way(self, spec: ActorSpec, n: int, length_m: float):
        """Return (own lines, lanes, along the first, offset, pose, s_m) of an actor at its start."""
        goes, frame = spec.goes, self.frame
        shift_s = n * self.number(spec.repeat.step_s_m) if spec.repeat else 0.0
        shift_left = n * self.number(spec.repeat.step_left_m) if spec.repeat else 0.0
        if goes.kind == "line":
            line = self._line(goes.line, shift_s, shift_left)
            dx, dy = line[1, :2] - line[0, :2]
            pose = (*(float(v) for v in line[0]), float(np.arctan2(dy, dx)))
            return [line], (), 0.0, 0.0, pose, self.number(goes.line[0][0]) + shift_s
        assert spec.at is not None
        if goes.kind == "arm":
            arm, to = self.drawn.word(spec.at.arm), self.drawn.word(goes.to)
            out_m = self._out_m(spec.at, arm, to, length_m) + length_m / 2 - shift_s
            lanes, along = self._arm(arm, to, out_m)
            x, y, z, yaw = self._on_lane(lanes[0], along)
            # On the ego's own arm the route's measures are those of its place, elsewhere those of the junction.
            here = -out_m if arm == "behind" else 0.0
            left_m = self.number(spec.at.left_m, here) + shift_left
            return [], lanes, along, left_m, (x - left_m * np.sin(yaw), y + left_m * np.cos(yaw), z, yaw), here
        s_m = self.number(spec.at.s_m) + shift_s
        left_m = self.number(spec.at.left_m, s_m) + shift_left
        heading = np.radians(self.number(spec.at.heading_deg, s_m))
        pose = frame.pose(s_m, left_m, float(heading))
        if goes.kind == "ego":
            at = self.frame.anchor_s_m + s_m
            lanes, along = self._on_route(s_m)
            if float(self.town.lane_length_m[lanes].sum()) - along < self.place.path.length_m - at + AHEAD_M:
                raise MisfitError("the street ends soon after the goal")
            return [], lanes, along, left_m, pose, s_m
        if goes.kind == "oncoming":
            found = frame.oncoming(s_m) or frame.opposite(s_m)
            if found is None:
                raise MisfitError("no lane the other way")
            lanes = [found[0], *self.streets.on_from(found[0], GO_ON_M)]
            along = self._along(found[0], pose)
            return [], lanes, along, 0.0, self._on_lane(found[0], along), s_m
        if goes.kind == "lane":
            lane, _, _, distance = self.streets.ground.nearest(pose[0], pose[1], (int(LaneKind.DRIVE),), yaw=pose[3])
            if lane < 0 or distance > 4.0:
                raise MisfitError("no lane there")
            along = self._along(int(lane), pose)
            return [], [int(lane)], along, 0.0, self._on_lane(int(lane), along), s_m
        if goes.kind == "walk":
            line = self._walk(s_m, 1.0 if self.drawn.word(goes.side) == "left" else -1.0, np.cos(heading) < 0.0)
            dx, dy = line[1, :2] - line[0, :2]
            return [line], (), 0.0, 0.0, (*(float(v) for v in line[0]), float(np.arctan2(dy, dx))), s_m
        return [], (), 0.0, 0.0, pose, s_m

    def _line(self, raw, shift_s: float = 0.0, shift_left: float = 0.0) -> np.ndarray:
        """Return a line of the route frame as world points (n, 3); it follows the street between its points."""
        points = []
        marks = [(s := self.number(value) + shift_s, self.number(left, s)) for value, left in raw]
        (first_s, first_left), (second_s, second_left) = marks[:2]
        crosses = abs(second_left - first_left) > abs(second_s - first_s)
        # Who go over the road come one behind the other, and are all over it in the end.
        marks = [(s, left + shift_left * (k == 0 or not crosses)) for k, (s, left) in enumerate(marks)]
        for k, (s_m, left_m) in enumerate(marks):
            if k > 0:
                before_s, before_left = marks[k - 1]
                for part in np.linspace(0.0, 1.0, max(int(abs(s_m - before_s) / 6.0), 1) + 1)[1:-1]:
                    points.append(
                        self.frame.pose(before_s + part * (s_m - before_s), before_left + part * (left_m - before_left))
                    )
            points.append(self.frame.pose(s_m, left_m))
        line = np.array(points)[:, :3]
        if np.hypot(*np.diff(line[:, :2], axis=0).T).sum() < 0.05:
            raise MisfitError("a line without length")
        return line

    def _walk(self, s_m: float, side: float, against: bool) -> np.ndarray:
        if self.frame.walkway(s_m, side) < 0:
            raise MisfitError("no footway there")
        name = "left_walk_m" if side > 0 else "right_walk_m"
        sign = -1.0 if against else 1.0
        at = s_m + sign * np.arange(0.0, WALK_M, WALK_STEP_M)
        kept = [s for s in at if abs(self.frame.measure(name, s) - self.frame.measure(name, s_m)) < 1.5]
        return np.array([self.frame.pose(float(s), self.frame.measure(name, float(s))) for s in kept])[:, :3]

    def _on_route(self, s_m: float) -> tuple[list[int], float]:
        plan, at = self.place.plan, self.frame.anchor_s_m + s_m
        lanes = [int(lane) for lane in plan.lanes]
        if at < 0.0:
            along = plan.start_s_m + at
            if along >= 0.0:
                return [*lanes, *self.streets.on_from(lanes[-1], GO_ON_M)], along
            head = self.streets.back_from(lanes[0], -along)
            lengths = float(self.town.lane_length_m[head].sum()) if head else 0.0
            if along + lengths < 0.0:
                raise MisfitError("the street behind is too short")
            along += lengths
            lanes = [*head, *lanes]
            while along > self.town.lane_length_m[lanes[0]]:
                along -= float(self.town.lane_length_m[lanes.pop(0)])
            return [*lanes, *self.streets.on_from(lanes[-1], GO_ON_M)], along
        here = int(self.place.path.lane_index[self.place.path._index(min(at, self.place.path.length_m))])
        rest = [*lanes[here:], *self.streets.on_from(lanes[-1], GO_ON_M)]
        return rest, self._along(rest[0], self.frame.pose(s_m))

    def _arm(self, arm: str, to: str, out_m: float) -> tuple[list[int], float]:
        arms = self.place.arms
        if arms is None or not arms.into.get(arm) or not arms.out.get(to):
            raise MisfitError(f"no way from the {arm} arm to the {to} one")
        ways = [(approach, self.streets.between(approach, arms.out[to])) for approach in arms.into[arm]]
        own = self.place.site.chain[-1] if self.place.site.chain else -1
        # Where it goes the ego's way it is in the ego's lane, so that the two have to do with each other.
        ways.sort(key=lambda way: own not in way[1][-1:])
        if own in arms.out[to] and not any(own in way[-1:] for _, way in ways):
            raise MisfitError(f"who comes from the {arm} arm goes on in another lane than the ego")
        for approach, through in ways:
            if through:
                head = self.streets.back_from(approach, out_m - float(self.town.lane_length_m[approach]))
                lanes = [*head, *through, *self.streets.on_from(through[-1], GO_ON_M)]
                along = float(self.town.lane_length_m[[*head, approach]].sum()) - out_m
                if along < 0.0:
                    raise MisfitError(f"the {arm} arm is too short")
                while along > self.town.lane_length_m[lanes[0]]:
                    along -= float(self.town.lane_length_m[lanes.pop(0)])
                return lanes, along
        raise MisfitError(f"no way from the {arm} arm to the {to} one")

    def _out_m(self, at: PlaceSpec, arm: str, to: str, length_m: float) -> float:
        """Return how far from the junction an actor's front begins on its arm."""
        if at.meets_m is None:
            assert at.out_m is not None
            return self.number(at.out_m)
        lanes, along = self._arm(arm, to, length_m / 2)
        meets_s_m, gone_m = self._meeting(lanes, along)
        out_m = self.number(at.meets_m) - (gone_m - length_m / 2)
        if not (out_m >= 0.0 and meets_s_m < MEETS_WITHIN_M):
            raise MisfitError(f"who comes from the {arm} arm meets the ego's way too far inside the junction")
        return out_m

    def _along(self, lane: int, pose) -> float:
        line = self.town.line(lane)[:, :2]
        k = int(np.argmin(np.hypot(*(line - pose[:2]).T)))
        return min(max(k / (len(line) - 1), 0.0), 1.0) * float(self.town.lane_length_m[lane])

    def _on_lane(self, lane: int, along: float) -> tuple[float, float, float, float]:
        x, y, z, yaw = self.town.pose_at(lane, along)
        return float(x), float(y), float(z), float(yaw)

    def _act(
        self, spec: ActSpec, pose, s_m: float, own: list[np.ndarray], numbers: dict[str, int], meets_s_m: float
    ) -> Act:
        def number(field: str) -> float | None:
            value = spec.numbers.get(field)
            return None if value is None else self.number(value, s_m)

        along = self.frame.pose(s_m)[3]
        faces: float | str | None = None
        if spec.faces_ego:
            faces = FACE_EGO
        elif "faces_deg" in spec.own:
            faces = np.nan
        elif "faces_deg" in spec.numbers:
            faces = along + np.radians(self.number(spec.numbers["faces_deg"], s_m))
        heading = number("heading_deg")
        speed = np.nan if "speed_mps" in spec.own else number("speed_mps")
        line = -1
        if spec.line == "lane":
            line = NEAREST_LANE
        elif spec.line is not None:
            own.append(self._line(spec.line))
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
        value = None if spec.value is None else self.number(spec.value)
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
            out["within_m"] = self.number(spec.within_m)
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
