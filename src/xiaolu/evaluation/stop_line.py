"""The stop line that governs the ego from tick to tick, and what its lamp, or an officer, says. World frame, metres."""

from typing import NamedTuple

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import LampColour
from xiaolu.core.frames import to_parent
from xiaolu.core.scene import Scene
from xiaolu.world.ground import Ground
from xiaolu.world.officer import Command, command_at
from xiaolu.world.routing import RoutePath
from xiaolu.world.signals import entry_colour, heads_of, ordered_by
from xiaolu.world.town import LaneKind, Town, Turn

DRIVE = (int(LaneKind.DRIVE),)
OVER_M = 5.0  # so far behind the bumper a line is forgotten
NEAR_M = 1.0  # a line so near, then another further on: it has been crossed
NUDGED_M = 2.0  # who is no farther aside of its route than this has not changed lanes: the route's line governs
LOOK_M = 40.0  # of the route's lanes: some maps have the line on a lane of a few decimetres, before the junction


class Governing(NamedTuple):
    """approach: the lane whose stop line governs, -1 for none; inside: the left-turn lane whose second line it is,
    beyond its waiting area, -1 for a first line; ahead_m: from the front bumper to it, negative once past, NaN."""

    approach: int = -1
    inside: int = -1
    ahead_m: float = np.nan


class StopLine:
    """Follows one ride. `now` is the line of the last step."""

    def __init__(self, town: Town, path: RoutePath, ground: Ground) -> None:
        self._town, self._path, self._ground = town, path, ground
        self._waiting = [k for k, lane in enumerate(path.plan.lanes) if np.isfinite(town.waiting_s_m[lane])]
        self.now = Governing()
        self._waved = False  # an officer let it go over the first line, when it came to it

    def follow(self, scene: Scene, s_m: float) -> dict:
        """Take the next step of an ego s_m along its route, and return the track's columns about signals.

        The line is that of the lane under the bumper, or the one just passed, or the next one of the route; beyond a
        left-turn waiting area that is the second one. What an officer in sight orders outranks the lamp: go is green,
        stop is red for right turns too. Whom he let go over the first line need not wait for a lamp at the second.
        """
        town = self._town
        bumper = to_parent(scene.ego_pose, np.array([EGO_BODY.front_x_m, 0.0]))
        lane, lane_s_m, _offset, distance = self._ground.nearest(
            float(bumper[0]), float(bumper[1]), DRIVE, yaw=float(scene.ego_pose[2])
        )
        lane, lane_s_m, distance = self._own_lane(int(lane), float(lane_s_m), float(distance), bumper, s_m)
        approach, inside, ahead_m = self.now
        passed_m = ahead_m - scene.ego_speed_mps * 0.1
        turning, to_second_m = self._second_line(bumper, s_m)
        if lane >= 0 and distance < 2.0 and np.isfinite(town.stop_s_m[lane]):
            self.now = Governing(int(lane), -1, float(town.stop_s_m[lane] - lane_s_m))
        elif turning >= 0 and approach >= 0 and inside < 0 and ahead_m > 0.0:
            # Over the first line; the second governs from the next tick on.
            self.now = Governing(approach, inside, min(passed_m, 0.0))
        elif turning >= 0 and approach >= 0:
            self.now = Governing(approach, turning, to_second_m)
        elif approach >= 0 and ahead_m <= 0.0 and passed_m > -OVER_M:
            self.now = Governing(approach, inside, passed_m)
        else:
            found = self._next_line(int(lane), float(lane_s_m)) if lane >= 0 else None
            if found is not None and approach >= 0 and found.approach != approach and passed_m < NEAR_M:
                found = Governing(approach, inside, min(passed_m, 0.0))  # it has just gone over that one
            if found is not None:
                self.now = found
            elif approach >= 0:
                # Back on the route's lanes, a line still ahead on another lane is none of its own.
                left = lane in self._path.plan.lanes and passed_m > NEAR_M
                gone = left or passed_m <= -OVER_M
                self.now = Governing(-1, inside) if gone else Governing(approach, inside, passed_m)
        colour, right, officer = LampColour.NONE, False, False
        if self.now.approach >= 0:
            colour, right, officer = self.ruling(scene, self.now)
            if self.now.inside < 0 and self.now.ahead_m > 0.0:
                self._waved = officer and self._ordered(scene, self.now) == Command.PASS
        return {"line_ahead_m": self.now.ahead_m, "signal_colour": int(colour), "right_turn": right, "officer": officer}

    def ruling(self, scene: Scene, line: Governing) -> tuple[LampColour, bool, bool]:
        """Return what governs the connection the ego takes, whether red lets it pass, and whether an officer said so.

        The connection is the route's if the ego is on the route's lane, else the one with the kindest lamp.
        A right turn on a round lamp may pass on red.
        """
        town, ways = self._town, self._ways(line)
        if not ways:
            return LampColour.NONE, False, False
        inside = line.inside >= 0
        order = self._ordered(scene, line)
        if inside and order == Command.NONE and self._waved:
            order = Command.PASS
        if order in (Command.PASS, Command.STOP, Command.PULL_OVER, Command.ADVANCE):
            enters = order == Command.ADVANCE and not inside and np.isfinite(town.waiting_s_m[ways[0]])
            go = order == Command.PASS or bool(enters)
            return LampColour.GREEN if go else LampColour.RED, False, True
        orders = ordered_by(town, scene.signal_colour, scene.signal_countdown_s)
        if inside:
            return LampColour(int(orders[town.lane_signal[line.inside]])), False, False
        colours = [entry_colour(town, orders, n) for n in ways]
        arrows = np.concatenate([town.head_arrow[heads_of(town, n)] for n in ways])
        right = all(Turn(int(town.lane_turn[n])) == Turn.RIGHT for n in ways) and not (arrows == Turn.RIGHT).any()
        free = [c for c in colours if c != LampColour.RED]
        return (free or colours)[0], right, False

    def _ways(self, line: Governing) -> list[int]:
        """Return the signalled connections beyond a line: the route's, or all where it takes none of them."""
        ways = [int(n) for n in self._town.following(line.approach) if self._town.lane_signal[n] >= 0]
        return [n for n in ways if n in self._path.plan.lanes] or ways

    def _ordered(self, scene: Scene, line: Governing) -> Command:
        """Return what officers in sight order at a line that has signalled connections."""
        onward = line.inside if line.inside >= 0 else self._ways(line)[0]
        return command_at(self._town, line.approach, onward, scene.users, scene.visible)

    def _own_lane(
        self, lane: int, lane_s_m: float, distance_m: float, bumper: np.ndarray, s_m: float
    ) -> tuple[int, float, float]:
        """Return (lane, m along it, m from it): the route's lane for who leans out of it over a neighbouring one."""
        if lane in self._path.plan.lanes:
            return lane, lane_s_m, distance_m
        front_m, offset_m = self._path.project(float(bumper[0]), float(bumper[1]), s_m)
        if abs(offset_m) > NUDGED_M:
            return lane, lane_s_m, distance_m
        own = self._path.lane_at(front_m)
        line = self._town.line(own)[:, :2]
        nearest = int(np.hypot(*(line - bumper[:2]).T).argmin())
        ahead = np.diff(line[max(nearest - 1, 0) : nearest + 2], axis=0).sum(axis=0)
        along_m = float((bumper[:2] - line[nearest]) @ ahead / np.hypot(*ahead))
        spacing_m = float(self._town.lane_length_m[own]) / (len(line) - 1)
        return own, nearest * spacing_m + along_m, abs(float(offset_m))

    def _next_line(self, lane: int, s_m: float) -> Governing | None:
        """Return the next stop line of the route after a place on one of its lanes, None where there is none near."""
        town, lanes = self._town, self._path.plan.lanes
        at, ahead_m = np.flatnonzero(lanes == lane), -s_m
        if not len(at):
            return None
        for onward in lanes[at[0] :].tolist():
            line_m = ahead_m + float(town.stop_s_m[onward])
            if line_m > 0.0 and any(town.lane_signal[n] >= 0 for n in town.following(onward)):
                return Governing(onward, -1, line_m) if line_m < LOOK_M else None
            ahead_m += float(town.lane_length_m[onward])
            if ahead_m > LOOK_M:
                return None
        return None

    def _second_line(self, bumper: np.ndarray, s_m: float) -> tuple[int, float]:
        """Return the route's left-turn lane with a waiting area that the bumper is on, and how far its line is; -1."""
        town, path = self._town, self._path
        for position in self._waiting:
            from_m = float(path.lane_from_s_m[position])
            second_m = from_m + float(town.waiting_s_m[path.plan.lanes[position]])
            if from_m - 10.0 < s_m + EGO_BODY.front_x_m < second_m + 10.0:
                front_m, offset_m = path.project(float(bumper[0]), float(bumper[1]), s_m)
                if from_m < front_m < second_m + 5.0 and abs(offset_m) < 2.0:
                    return int(path.plan.lanes[position]), second_m - front_m
        return -1, np.nan
