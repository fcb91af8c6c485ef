"""Actor ways: where an actor of a family begins, and along what it goes from there. In: specs, values, a place; world
frame out: lines of its own, or lanes of the town."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.world.scenarios.family import ActorSpec, PlaceSpec
from xiaolu.world.scenarios.sites import Place
from xiaolu.world.scenarios.streets import Streets
from xiaolu.world.scenarios.values import Value
from xiaolu.world.town import LaneKind

GO_ON_M = 160.0  # how far the lanes of an actor are laid out beyond the site
AHEAD_M = 40.0  # and how far beyond the goal they go on at least: who led the ego there does not stand before it
WALK_M, WALK_STEP_M = 90.0, 4.0
WAY_STEP_M = 2.0
ON_WAY_M = 1.5  # who is so near the route's line has come onto it
MEETS_WITHIN_M = 20.0  # who comes from an arm meets the ego this soon after it enters the junction


class MisfitError(Exception):
    """The family cannot be staged at this place: something it needs is not there."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """Parameters as drawn: numbers, words."""

    numbers: dict[str, float]
    words: dict[str, str]

    def word(self, word: str) -> str:
        return self.words.get(word, word)


class ActorWays:
    """Leads one family's actors over one place."""

    def __init__(self, place: Place, drawn: Drawn, streets: Streets) -> None:
        self.place, self.drawn, self.streets = place, drawn, streets
        self.town, self.frame = streets.town, place.frame

    def number(self, value: Value, s_m: float = 0.0) -> float:
        """Return a value here, measures across taken at s_m."""

        def lookup(name: str) -> float:
            found = self.drawn.numbers.get(name)
            return self.frame.measure(name, s_m) if found is None else found

        return value.at(lookup)

    def way_of(self, spec: ActorSpec, n: int, length_m: float):
        """Return (own lines, lanes, along the first, offset, pose, s_m) of an actor at its start."""
        goes, frame = spec.goes, self.frame
        shift_s = n * self.number(spec.repeat.step_s_m) if spec.repeat else 0.0
        shift_left = n * self.number(spec.repeat.step_left_m) if spec.repeat else 0.0
        if goes.kind == "line":
            line = self.line(goes.line, shift_s, shift_left)
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

    def line(self, raw, shift_s: float = 0.0, shift_left: float = 0.0) -> np.ndarray:
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

    def meets_s_m(self, lanes: list[int], along_m: float) -> float:
        """Return where along the route who comes over lanes from an arm comes onto it; NaN where it never does."""
        return self._meeting(lanes, along_m)[0]

    def _meeting(self, lanes: list[int], along_m: float) -> tuple[float, float]:
        """Return where along the route that is, and how far its middle has gone by then."""
        way = np.array(self.to_junctions_end(lanes, along_m)).reshape(-1, 2)
        places = np.array([self.frame.of(x, y, 0.0) for x, y in way]).reshape(-1, 2)
        on_it = np.flatnonzero(np.abs(places[:, 1]) < ON_WAY_M)
        if not len(on_it):
            return np.nan, np.nan
        gone = np.hypot(*np.diff(way[: on_it[0] + 1], axis=0).T).sum()
        return float(places[on_it[0], 0]), float(gone)

    def to_junctions_end(self, lanes: Sequence[int], along_m: float) -> list[tuple[float, float]]:
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
