"""Backing up as a decision: for whom the ego makes room behind itself, how far it goes on with that, and when it ends.

In: what the teacher knows at one moment and remembers. Out: the Decision of driving back, or of standing aside for who
comes through. Where there is room, and the way there, is worked out in `backing`.
"""

from dataclasses import replace

import numpy as np

from xiaolu.core.decision import Cause, Decision
from xiaolu.core.frames import to_child
from xiaolu.core.plan import Plan
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.users import Kind
from xiaolu.expert import backing
from xiaolu.expert.backing import Backing
from xiaolu.expert.bodies import queueing
from xiaolu.expert.course import Course
from xiaolu.expert.path import FRONT_M, PLANNED
from xiaolu.expert.reasons import NAMES, Reason, backing_sentence, limited_by, reason_of
from xiaolu.expert.speed import STOP_MPS2, easy_stop_m
from xiaolu.expert.tick import FORESEEN_STEPS, Memory, Tick
from xiaolu.measures.strategy import strategy_of
from xiaolu.world.ground import Ground

NOBODY = -2  # for whom it backs off only to have room
AT_GOAL_M = 12.0  # so near its goal it does not back off: it is there
GONE_M = -3.0  # for whom it made room has passed it
# So long after it was seen to back up it is the other one that makes room, but not for longer than so; tuned.
THEIRS_NS, IN_VAIN_NS = 12_000_000_000, 30_000_000_000
THERE_M = 0.3  # of where it wants to be: it is there


class Retreat:
    """Backs up on one course of a town; its memory is the teacher's."""

    def __init__(self, course: Course, ground: Ground) -> None:
        self.course, self.ground = course, ground

    def decide(self, tick: Tick, memory: Memory) -> Decision | None:
        """Return the decision of backing up for somebody, or of standing aside for it; None where nobody asks that.

        Who gives up rolling back comes to a stand along its way back first: a way forward begins elsewhere.
        """
        before, speed_mps = memory.backing, float(tick.scene.ego_speed_mps)
        decision = self._decide(tick, memory)
        if decision is not None or before is None or speed_mps > -backing.STANDING_MPS:
            return decision
        stop_s_m = tick.s0_m - 0.5 * speed_mps**2 / STOP_MPS2
        memory.backing = replace(before, uid=NOBODY, s_m=stop_s_m, since_ns=tick.scene.stamp_ns)
        return self._back_off(tick, memory.backing, memory)

    def _decide(self, tick: Tick, memory: Memory) -> Decision | None:
        here = tick.here
        kept = memory.backing
        facing = backing.opponent(here, memory.waits_for)
        if facing >= 0 and here.users.speed_mps[facing] < -backing.STANDING_MPS:
            memory.makes_room = _seen_backing(memory.makes_room, int(here.users.uid[facing]), tick.scene.stamp_ns)
            if kept is not None and _is_theirs(memory.makes_room, kept.uid, tick.scene.stamp_ns):
                memory.backing = kept = None  # one of two is enough
        if kept is None:
            kept = (
                self._room_for(tick, memory) or self._room_for_leader(tick, memory) or self._room_to_swing(tick, memory)
            )
            memory.backing = kept
            if kept is None:
                return None
        if kept.uid == NOBODY:
            return self._back_off(tick, kept, memory)
        found = np.flatnonzero(here.users.uid == kept.uid)
        k = int(found[0]) if len(found) else -1
        if k >= 0 and abs(here.turned_rad[k]) < backing.ALONG_RAD:
            return self._behind_leader(tick, kept, memory, k)
        gone = k < 0 or here.ahead_m[k] + 0.5 * here.users.length_m[k] < GONE_M
        if k >= 0 and not gone:
            # Who comes right behind it comes through as well.
            follows = (np.abs(here.turned_rad) > 2.4) & ~here.parked & ~here.on_foot & (here.ahead_m > GONE_M)
            follows &= np.abs(here.left_m) < 5.0
        else:
            follows = (np.abs(here.turned_rad) > 2.4) & ~here.parked & ~here.on_foot
            follows &= (here.ahead_m > GONE_M) & (here.ahead_m < 14.0) & (np.abs(here.left_m) < 5.0)
            if follows.any():
                gone = False
        stands = k >= 0 and here.stood_s[k] * SECOND_NS > backing.STANDS_NS
        if gone or tick.scene.stamp_ns - kept.since_ns > (backing.STANDS_NS if stands else backing.GIVE_UP_NS):
            memory.backing = None
            memory.waits_since_ns = -1
            memory.too_near_s_m = np.inf if gone else min(kept.s_m, tick.s0_m)
            return None
        if tick.scene.ego_speed_mps < -backing.STANDING_MPS:
            kept = replace(kept, since_ns=tick.scene.stamp_ns)  # patience begins when it stands
        if k >= 0 and tick.s0_m - kept.s_m > 0.5:
            kept = memory.backing = self._still_room(tick, kept, float(here.users.width_m[k]))
        return self.towards(tick, kept, memory, k)

    def _behind_leader(self, tick: Tick, kept: Backing, memory: Memory, k: int) -> Decision | None:
        """Return the decision of keeping away from a leader that needs the room to back up; None when it drives on, or
        has stood for long without making use of it."""
        here, stamp_ns = tick.here, tick.scene.stamp_ns
        away_m = float(here.ahead_m[k] - 0.5 * here.users.length_m[k] - FRONT_M)
        if tick.scene.ego_speed_mps < -backing.STANDING_MPS or here.users.speed_mps[k] < -backing.STANDING_MPS:
            kept = memory.backing = replace(kept, since_ns=stamp_ns)
        if away_m > backing.LEADER_M + 2.0 or stamp_ns - kept.since_ns > backing.STANDS_NS:
            memory.backing, memory.waits_since_ns = None, -1
            return None
        if away_m < backing.LEADER_M - 2.0 and tick.s0_m - kept.s_m < 1.0:
            kept = memory.backing = self._back_by(tick, kept, backing.LEADER_M - away_m) or kept
        return self.towards(tick, kept, memory, k)

    def _back_by(self, tick: Tick, kept: Backing, back_m: float) -> Backing | None:
        """Return a place so far behind the ego, None where its wheels would leave the road on the way."""
        place = replace(kept, s_m=tick.s0_m - back_m, left_m=tick.d0_m)
        return backing.kept_on_road(self.course, self.ground, tick.scene.ego_pose, tick.s0_m, tick.d0_m, place)

    def _room_for_leader(self, tick: Tick, memory: Memory) -> Backing | None:
        """Return where to back up to for a leader that stands face to face with somebody, and cannot back up with the
        ego right behind it; None where there is none."""
        here = tick.here
        if tick.speed_mps > 0.2 or tick.waited_s < backing.SETTLE_S or memory.sets_off:
            return None
        k = backing.locked_leader(here)
        if k < 0:
            return None
        away_m = float(here.ahead_m[k] - 0.5 * here.users.length_m[k] - FRONT_M)
        name = NAMES[Kind(int(here.users.kind[k]))]
        begun = Backing(int(here.users.uid[k]), f"{name} ahead", tick.s0_m, tick.d0_m, tick.scene.stamp_ns)
        kept = self._back_by(tick, begun, backing.LEADER_M - away_m)
        if kept is None:
            return None
        path = backing.path_back(self.course, tick.scene.ego_pose, tick.s0_m, tick.d0_m, kept)
        fits = backing.drivable(path, tick.scene.ego_pose)
        return kept if fits and self._room(tick, path) > backing.LEAST_M else None

    def _room(self, tick: Tick, path: np.ndarray) -> float:
        back_mps = max(-float(tick.scene.ego_speed_mps), 0.0)
        stops_m = easy_stop_m(back_mps, -tick.acceleration_mps2, STOP_MPS2) if back_mps > 0.0 else 0.0
        return backing.room_behind(tick.here, backing.driven_back(tick.scene, path), stops_m)

    def _back_off(self, tick: Tick, kept: Backing, memory: Memory) -> Decision | None:
        """Return the decision of backing off from what stands in the way, None when it is there."""
        path = backing.path_back(self.course, tick.scene.ego_pose, tick.s0_m, tick.d0_m, kept)
        left_m = min(tick.s0_m - kept.s_m, self._room(tick, path))
        stands = abs(tick.scene.ego_speed_mps) < backing.STANDING_MPS
        if (left_m < THERE_M and stands) or tick.scene.stamp_ns - kept.since_ns > backing.STUCK_NS:
            memory.backing, memory.waits_since_ns = None, -1
            return None
        return self.towards(tick, kept, memory)

    def _room_to_swing(self, tick: Tick, memory: Memory) -> Backing | None:
        """Return where to back off to from what stands so near in the way that it cannot be passed from here, None
        where nothing does: a queue is waited in, and so is whoever may still go."""
        here = tick.here
        if tick.speed_mps > 0.2 or tick.waited_s < backing.STUCK_S or memory.sets_off or memory.waits_for < 0:
            return None
        found = np.flatnonzero(here.users.uid == memory.waits_for)
        stop = memory.aside or memory.berth
        goal_s_m = self.course.goal_s_m if stop is None else stop.s_m
        if not len(found) or goal_s_m - tick.s0_m < AT_GOAL_M:
            return None
        k = int(found[0])
        away_m = float(here.ahead_m[k] - 0.5 * here.users.length_m[k] - FRONT_M)
        drives_on = not here.parked[k] and not here.on_foot[k] and abs(here.turned_rad[k]) < backing.FACES_RAD
        waits = drives_on and queueing(self.course, here, k, tick.s0_m + here.ahead_m[k])
        if here.stood_s[k] < backing.STUCK_STANDS_S or not -FRONT_M < away_m < backing.STUCK_M or waits:
            return None
        often, there_m = memory.backed_off
        often = often if abs(tick.s0_m - there_m) < backing.SAME_PLACE_M else 0
        if often >= len(backing.BACKS_OFF_M):
            return None
        back_m = backing.BACKS_OFF_M[often]
        name = NAMES[Kind(int(here.users.kind[k]))]
        place = Backing(NOBODY, name, tick.s0_m - back_m, tick.d0_m, tick.scene.stamp_ns)
        kept = backing.kept_on_road(self.course, self.ground, tick.scene.ego_pose, tick.s0_m, tick.d0_m, place)
        if kept is None:
            return None
        path = backing.path_back(self.course, tick.scene.ego_pose, tick.s0_m, tick.d0_m, kept)
        if not backing.drivable(path, tick.scene.ego_pose) or self._room(tick, path) < backing.LEAST_M:
            return None
        memory.backed_off = often + 1, tick.s0_m
        return kept

    def _still_room(self, tick: Tick, kept: Backing, width_m: float) -> Backing:
        """Return the place it backs to, or the next one behind it where what it has seen since leaves no room there."""
        back_m = max(tick.s0_m - kept.s_m, 0.0)
        place = backing.place_behind(self.course, tick.here, tick.s0_m, width_m, back_m)
        moved = place is not None and place[0] < kept.s_m - backing.LENGTH_CELLS
        if not moved or place is None:
            return kept
        further = replace(kept, s_m=place[0], left_m=place[1])
        pose = tick.scene.ego_pose
        return backing.kept_on_road(self.course, self.ground, pose, tick.s0_m, tick.d0_m, further) or kept

    def towards(self, tick: Tick, kept: Backing, memory: Memory, k: int = -1) -> Decision:
        """Return the decision of driving back to a place, or of standing there; k: the counted user it is for, -1 for
        nobody in particular."""
        here = tick.here
        if kept.line is None:
            begun = backing.line_of(self.course, tick.scene.ego_pose, tick.s0_m, tick.d0_m, kept)
            kept = replace(kept, line=begun)
            memory.backing = kept if memory.backing is not None else None
        path = backing.path_back(self.course, tick.scene.ego_pose, tick.s0_m, tick.d0_m, kept)
        left_m = min(tick.s0_m - kept.s_m, self._room(tick, path))
        _, speed = backing.roll_back(tick.scene.ego_speed_mps, left_m, tick.acceleration_mps2)
        memory.s_m = memory.offsets_s0_m = tick.s0_m
        moves = left_m > THERE_M or tick.scene.ego_speed_mps < -0.1
        if not moves:
            speed = np.zeros_like(speed)
        memory.offsets_m, memory.path = None, None
        memory.speed_stamp_ns, memory.speed_mps = tick.scene.stamp_ns, speed[: FORESEEN_STEPS + 1].copy()
        reason = reason_of(here, k) if k >= 0 else Reason(Cause.RIGHT_OF_WAY, kept.what, 0.0, uid=kept.uid)
        reason = replace(reason, cause=Cause.RIGHT_OF_WAY, what=kept.what)
        points = to_child(tick.scene.ego_pose, path[PLANNED, :2])
        plan = Plan(points, np.ascontiguousarray(speed[5:51:5]))
        strategy = strategy_of(plan, tick.scene.ego_speed_mps, np.zeros(len(points)))
        why = backing_sentence(kept.what, bool(speed.min() < -0.2), kept.uid == NOBODY)
        return Decision(tick.scene.stamp_ns, plan, strategy, reason.cause, why, limited_by=limited_by(reason))

    def _room_for(self, tick: Tick, memory: Memory) -> Backing | None:
        """Return where to back up to for the one that stands face to face with the ego, None where nobody does."""
        if tick.speed_mps > 0.2 or tick.waited_s < backing.SETTLE_S or memory.sets_off:
            return None
        k = backing.opponent(tick.here, memory.waits_for)
        if k < 0:
            return None
        if _is_theirs(memory.makes_room, int(tick.here.users.uid[k]), tick.scene.stamp_ns):
            return None  # who has begun makes room: two that back up never meet an end
        u, course, pose = tick.here.users, self.course, tick.scene.ego_pose
        name = f"oncoming {NAMES[Kind(int(u.kind[k]))]}"
        in_vain_m = tick.s0_m - memory.too_near_s_m + backing.FURTHER_M
        # Where the nearest place is too near to get so far aside, one further back.
        for least_m in np.maximum(backing.LEASTS_M, in_vain_m).tolist():
            place = backing.place_behind(course, tick.here, tick.s0_m, float(u.width_m[k]), least_m)
            if place is None:
                return None
            found = Backing(int(u.uid[k]), name, *place, tick.scene.stamp_ns)
            kept = backing.kept_on_road(course, self.ground, pose, tick.s0_m, tick.d0_m, found)
            if kept is None:
                continue
            path = backing.path_back(course, pose, tick.s0_m, tick.d0_m, kept)
            if backing.drivable(path, pose):
                return kept if self._room(tick, path) > backing.LEAST_M else None
        return None


def _seen_backing(known: tuple[int, int, int], uid: int, stamp_ns: int) -> tuple[int, int, int]:
    """Return (uid, since, until): who is seen to back up for the ego, and when it began with that."""
    goes_on = known[0] == uid and stamp_ns - known[2] < IN_VAIN_NS
    return uid, known[1] if goes_on else stamp_ns, stamp_ns


def _is_theirs(known: tuple[int, int, int], uid: int, stamp_ns: int) -> bool:
    """Whether a user has begun to make room, and gets on with it."""
    return known[0] == uid and stamp_ns - known[2] < THEIRS_NS and stamp_ns - known[1] < IN_VAIN_NS
