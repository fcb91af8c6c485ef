"""What signals and hands order: stops and slow passes for the speed, lanes that are taken without a lamp's leave.

Frame of the way, metres: sigma along the ego's path from its rear axle, s along its course.
"""

import numpy as np

from xiaolu.core.decision import Cause, LampColour, Perceived
from xiaolu.core.rates import SECOND_NS
from xiaolu.core.users import Kind
from xiaolu.expert.bodies import Counted, frenet
from xiaolu.expert.course import Course, StopLine
from xiaolu.expert.hands import COMMAND_M, OFFICIALS, SHORT_M, Order, orders_of
from xiaolu.expert.limits import Limits
from xiaolu.expert.path import FRONT_M, PATH_STEP_M
from xiaolu.expert.reasons import Reason
from xiaolu.expert.speed import ENVELOPE_MPS2, ORDINARY_BRAKE_MPS2
from xiaolu.expert.tick import Memory, Tick
from xiaolu.world.signals import entry_colour
from xiaolu.world.town import Turn

# Whose front is no farther aside of its way than this at a line is in its lane there; farther, in the one beside. About
# where the referee draws the line: between the two, both lamps hold.
IN_LANE_M, ASIDE_M = 1.5, 2.3
LINE_GAP_M, LEAST_LINE_GAP_M = 1.0, 0.35  # front bumper to stop line; where it comes up late; tuned
AMBER_BRAKE_MPS2 = 2.2  # a stop for yellow that needs more than this is not made
RUN_OUT_S = 3.0  # the shortest flashing green
SIGN_MPS, SLOW_BY_M = 4.0, 8.0  # past somebody who asks for it, and from so far before him on
# Creeping up to a red line that is about to turn green: this project's written specification.
CREEP_S, CREEP_SEEN_S, CREEP_MPS, CREEP_MPS2, CREEP_LATE_S, CREEP_MARGIN_M, CREEP_FROM_M = (
    3.0,
    1.0,
    1.0,
    2.0,
    0.5,
    0.3,
    6.0,
)


def humble_lanes(course: Course, colours: np.ndarray, s0_m: float) -> frozenset[int]:
    """Return the junction lanes of the way that may be taken on red: right turns on a round lamp.

    Allowed while giving way (Implementing Regulations of the PRC road traffic law, art. 38).
    """
    out = set()
    for line in course.stop_lines:
        near = -25.0 < line.s_m - s0_m < 90.0 and line.turn == Turn.RIGHT
        arrow = (course.town.head_arrow[line.heads] == Turn.RIGHT).any()
        if near and not arrow and course.ruling(line, colours) == LampColour.RED:
            out.add(line.lane)
    return frozenset(out)


def unlit_lanes(course: Course, colours: np.ndarray, s0_m: float) -> frozenset[int]:
    """Return the junction lanes of the way whose lamp is dark or flashes yellow: the rules of a junction without one
    hold there (Implementing Regulations, art. 42 and 52)."""
    near = (line for line in course.stop_lines if -40.0 < line.s_m - s0_m < 90.0)
    return frozenset(line.lane for line in near if course.ruling(line, colours) == LampColour.DARK)


def hands(course: Course, scene, here: Counted, s0_m: float, memory: Memory) -> tuple[Order, ...]:
    """Return what hands ask of the ego: of officials the highest only, and every passer-by's."""
    turn, comes_rad = Turn.NONE, float(scene.ego_pose[2])
    for entry in course.entries:
        if entry.to_s_m > s0_m + 1.0:
            turn = entry.turn if entry.from_s_m - s0_m < COMMAND_M else Turn.NONE
            if entry.from_s_m < s0_m + FRONT_M:
                # Who has begun its turn still comes from where it came.
                comes_rad = float(course.yaw_rad[max(int((entry.from_s_m - FRONT_M) / course.step_m), 0)])
            break
    found = orders_of(here, scene.ego_pose, comes_rad, turn, memory.orders, scene.stamp_ns)
    officials = [c for c in found if c.kind in OFFICIALS]
    return (*officials[:1], *(c for c in found if c.kind not in OFFICIALS))


def short_of(line_m: float, speed_mps: float) -> float:
    """Return where the front stops before a line that is line_m ahead of it: LINE_GAP_M short, nearer only where that
    takes firmer braking than in ordinary driving. Who stands stays: what is left before the line is not driven up."""
    ordinary_m = 0.5 * speed_mps**2 / ORDINARY_BRAKE_MPS2
    return max(line_m - LINE_GAP_M, min(ordinary_m, line_m - LEAST_LINE_GAP_M))


def obey(course: Course, tick: Tick, limits: Limits) -> None:
    """Add what hands ask for to the limits: a stop before them (an officer's: at the line), or a slow pass."""
    for order in tick.orders:
        official = order.kind in OFFICIALS
        cause = Cause.SIGNAL if official else Cause.PEDESTRIAN
        away_m = max(order.ahead_m - FRONT_M, 0.0)
        what = f"{order.who}'s sign" if official else f"{order.who} who asks it to"
        reason = Reason(cause, what, away_m, uid=order.uid)
        if order.stop:
            stop_m = away_m - SHORT_M
            if order.kind == Kind.OFFICER and not order.aside:
                if any(entry.from_s_m + 0.3 < tick.s0_m + FRONT_M < entry.to_s_m for entry in course.entries):
                    continue  # it is in the junction already, and clears it
                lines = [line.s_m - tick.s0_m - FRONT_M for line in course.stop_lines]
                lines += [entry.from_s_m - tick.s0_m - FRONT_M for entry in course.entries if not entry.signalled]
                ahead = [m for m in lines if -0.3 < m < away_m]
                if ahead:
                    stop_m = short_of(min(ahead), tick.speed_mps)
            limits.stop(max(stop_m, 0.0), 0.0, np.inf, reason)
        elif order.slow:
            # Slow by the time it is abreast, braking for that from now on.
            braking = (tick.speed_mps**2 - SIGN_MPS**2) / (2.0 * max(away_m - SLOW_BY_M, 1.0))
            braking = float(np.clip(braking, ENVELOPE_MPS2, ORDINARY_BRAKE_MPS2))
            limits.slow(away_m + FRONT_M + order.beyond_m, SIGN_MPS, tick.speed_mps, reason, braking)


def _ruling(course: Course, tick: Tick, line: StopLine, path: np.ndarray, front_m: float) -> LampColour:
    """Return what rules the ego at a line front_m ahead on its path (n, 4): the lamp of its way or, where it gets there
    in a lane beside, that lane's; both, and red before anything else, where it is between the two.

    Of several ways on from the lane beside, the kindest lamp rules.
    """
    own, town = course.ruling(line, tick.colours), course.town
    if line.second or abs(tick.d0_m) < 0.5 * IN_LANE_M:
        return own
    x, y, yaw, _ = path[min(max(round(front_m / PATH_STEP_M), 0), len(path) - 1)]
    bumper = np.array([x + FRONT_M * np.cos(yaw)]), np.array([y + FRONT_M * np.sin(yaw)])
    index = round(line.s_m / course.step_m)
    _, d = frenet(course.xy, course.yaw_rad, course.step_m, max(index - 15, 0), min(index + 15, course.n), *bumper)
    aside_m = float(d[0])
    if abs(aside_m) < IN_LANE_M:
        return own
    lanes = town.lane_left if aside_m > 0.0 else town.lane_right
    beside = int(lanes[line.before])
    onward = [] if beside < 0 else [int(n) for n in town.following(beside) if town.lane_signal[n] >= 0]
    colours = [entry_colour(town, tick.colours, n) for n in onward]
    if not colours:
        return own
    theirs = next((colour for colour in colours if colour != LampColour.RED), LampColour.RED)
    if abs(aside_m) > ASIDE_M or theirs == LampColour.RED:
        return theirs
    return own


def signals(course: Course, tick: Tick, memory: Memory, limits: Limits, path: np.ndarray) -> Perceived:
    """Add the stops for signals on a path (n, 4), and return what the next one shows. Who directs traffic outranks
    them."""
    perceived = Perceived()
    waved_on_m = max((c.ahead_m + 15.0 for c in tick.orders if c.go), default=-np.inf)
    for line in course.stop_lines:
        front_m = line.s_m - tick.s0_m - FRONT_M
        if front_m < -0.3 or front_m > 90.0:
            continue
        colour = _ruling(course, tick, line, path, front_m)
        if perceived.signal == LampColour.NONE:
            perceived = Perceived(colour, 1.0)
        if front_m < waved_on_m:
            memory.waved_lane = line.lane
        if line.lane in tick.humble or front_m < waved_on_m or (line.second and line.lane == memory.waved_lane):
            continue
        if _must_stop(tick, memory, line, colour, front_m):
            word = {LampColour.RED: "red light", LampColour.YELLOW: "yellow light"}.get(colour, "ending green light")
            reason = Reason(Cause.SIGNAL, word, max(front_m, 0.0))
            stop_m = short_of(front_m, tick.speed_mps)
            if _may_creep(tick, memory, line, colour, front_m):
                stop_m = front_m - CREEP_MARGIN_M
                left_m = np.maximum(stop_m - np.arange(len(limits.allowed)) * PATH_STEP_M, 0.0)
                reach = CREEP_MPS2 * CREEP_LATE_S
                top = np.sqrt(reach**2 + 2.0 * CREEP_MPS2 * left_m) - reach
                limits.allowed[:] = np.minimum(limits.allowed, np.minimum(top, CREEP_MPS))
            limits.stop(stop_m, 0.0, np.inf, reason)
    return perceived


def _may_creep(tick: Tick, memory: Memory, line: StopLine, colour: LampColour, front_m: float) -> bool:
    """Whether the ego may roll up to a red line that is about to be given free.

    The written specification of this project: the countdown of the governing head shows 3 s or less and has run
    down evenly, nobody is on the crossing or the way, and the front never comes nearer to the line than a margin.
    """
    scene, here = tick.scene, tick.here
    kept, shown = memory.countdown_s, scene.signal_countdown_s[line.heads]
    seen = shown[np.isfinite(shown)]
    before = kept.pop(line.lane, None)
    if line.second or colour != LampColour.RED or not len(seen) or np.ptp(seen) > 0.5:
        return False
    now_s, even_s = float(seen[0]), 0.0
    if before is not None:
        since, first = before
        expected = first - (scene.stamp_ns - since) / SECOND_NS
        steady = abs(expected - now_s) < 1.1  # digits are whole seconds
        kept[line.lane] = before if steady else (scene.stamp_ns, now_s)
        even_s = (scene.stamp_ns - since) / SECOND_NS if steady else 0.0
    else:
        kept[line.lane] = (scene.stamp_ns, now_s)
    if now_s > CREEP_S or even_s < CREEP_SEEN_S or not CREEP_MARGIN_M < front_m < CREEP_FROM_M:
        return False
    before_us = (here.ahead_m > 0.5) & (here.ahead_m < FRONT_M + 14.0) & (np.abs(here.left_m) < 5.0)
    people = before_us & here.on_foot & here.on_road
    lead = before_us & ~here.on_foot & (np.abs(here.left_m) < 1.5) & (here.ahead_m < FRONT_M + 8.0)
    return not (people | lead).any()


def _must_stop(tick: Tick, memory: Memory, line: StopLine, colour: LampColour, front_m: float) -> bool:
    speed = tick.speed_mps
    braking = speed**2 / (2.0 * max(front_m - 0.3, 0.05))
    if colour == LampColour.RED:
        memory.committed_lane = -1
        return True
    if colour == LampColour.YELLOW:
        if memory.committed_lane == line.lane and braking > 1.2:
            return False
        if braking > AMBER_BRAKE_MPS2:
            memory.committed_lane = line.lane
            return False
        return True
    if colour == LampColour.FLASHING_GREEN:
        shown = tick.scene.signal_countdown_s
        own = bool(len(line.heads)) and tick.colours[line.column] == colour
        countdown = shown[line.heads] if own else np.array([np.nan])
        left_s = float(countdown[0]) if np.isfinite(countdown[0]) else 0.5 * RUN_OUT_S
        reach_m = speed * left_s + 0.5 * max(8.0 - speed, 0.0) * min(left_s, 1.0)
        if front_m < reach_m or braking > AMBER_BRAKE_MPS2:
            memory.committed_lane = line.lane
            return False
        return braking < 1.6
    return False
