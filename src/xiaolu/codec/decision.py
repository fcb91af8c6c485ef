"""Proposals to a Decision: the likeliest path and pace, the alternatives, what was perceived, and a sentence why."""

import numpy as np

from xiaolu.codec.ego import STANDING_MPS
from xiaolu.codec.people import ALONG_M, braking_for_mps2, free_speed_mps, stopping_mps
from xiaolu.codec.proposals import MAX_BRAKING_MPS2, MODE_OF, PathChoice, Proposals, distance_of, plan_of
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Cause, Decision, Imagined, LampColour, Pace, PathMode, Perceived, Strategy
from xiaolu.core.observation import EgoState
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, SPEED_TIMES_S, Plan

IMAGINED_PATHS = 3
IMAGINED = IMAGINED_PATHS * len(Pace)
LEAST_CHANCE = 0.02  # an alternative less likely than this is not one
STOPPING_MPS2 = 3.0  # harder than this is never braked without something seen that asks for it
SURE_OF_RED = 0.8
# Where a plan stops before a red line, how far over it one goes on, and how near one stands until red is over [3 m and
# 8 m were chosen on two validation rides, when heads still left the picture nearer to the line; kept since].
SHORT_OF_LINE_M, OVER_LINE_M, NEAR_LINE_M = 3.0, 0.5, 8.0
# Who has stood so long without anything seen that asks for it creeps on, until it sees a reason to stand or has got
# going [tuned: three validation rides stood for 30 s and longer after those they had waited for were gone].
PATIENCE_S, GOING_MPS, FREE_M, CREEPING_MPS = 8.0, 1.0, 10.0, 0.7
BEHIND_M = 2.0  # a stop line further behind the bumper than this has been passed
HELD_BACK_MPS = 0.5  # a plan that is slower than wished by more than this for somebody gives way to him
NOBODY = np.zeros((0, 2))
RISK_MARGIN_M = 4.0  # between bumper and hazard: closer than this is as good as contact

PACE_WORDS = {Pace.GO: "Driving on", Pace.YIELD: "Giving way", Pace.CREEP: "Creeping", Pace.STOP: "Stopping"}
PATH_WORDS = {
    PathMode.KEEP: "",
    PathMode.NUDGE_LEFT: ", a little to the left",
    PathMode.NUDGE_RIGHT: ", a little to the right",
    PathMode.CHANGE_LEFT: ", changing to the left lane",
    PathMode.CHANGE_RIGHT: ", changing to the right lane",
    PathMode.PULL_OVER: ", pulling over",
    PathMode.REVERSE: ", backwards",
}
CAUSE_WORDS = {
    Cause.FREE: "the way is free",
    Cause.CURVE: "the road bends",
    Cause.LEAD: "somebody is ahead",
    Cause.RIGHT_OF_WAY: "others go first here",
    Cause.PEDESTRIAN: "a person may cross",
    Cause.OBSTACLE: "something is in the way",
    Cause.ARRIVAL: "we are arriving",
    Cause.WISH: "you asked for it",
    Cause.GUARDIAN: "the guardian stepped in",
}


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities of logits along the last axis."""
    raised = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def sentence(strategy: Strategy, cause: Cause, perceived: Perceived) -> str:
    """Return why, in words; they follow from the decision, so that word and action cannot part."""
    reason = CAUSE_WORDS.get(cause, "")
    if cause == Cause.SIGNAL:
        colour = perceived.signal.name.lower().replace("_", " ")
        reason = "a signal" if perceived.signal == LampColour.NONE else f"the signal shows {colour}"
    if cause in (Cause.LEAD, Cause.PEDESTRIAN, Cause.OBSTACLE) and np.isfinite(perceived.hazard_m):
        reason += f", {perceived.hazard_m:.0f} m away"
    return f"{PACE_WORDS[strategy.pace]}{PATH_WORDS[strategy.path]}: {reason}."


def braking_needed_mps2(perceived: Perceived, line_m: float, speed_now_mps: float) -> float:
    """Return how hard one may have to brake for what is perceived: from STOPPING_MPS2 to MAX_BRAKING_MPS2.

    line_m: to the stop line of the signal, from the rear axle. A fifth more than what stops a metre short is allowed.
    """
    stops = perceived.signal in (LampColour.RED, LampColour.YELLOW)
    ahead_m = min(perceived.hazard_m, line_m if stops else np.inf) - EGO_BODY.front_x_m - 1.0
    needed = 1.2 * speed_now_mps**2 / (2.0 * max(ahead_m, 0.3))
    return float(np.clip(needed, STOPPING_MPS2, MAX_BRAKING_MPS2))


def imagined_of(
    strategy: Strategy, plan: Plan, chance: float, perceived: Perceived, line_m: float, speed_now_mps: float
) -> Imagined:
    """Return what to expect of a plan, from its own motion and from what was perceived.

    line_m: to the stop line of the signal, from the rear axle, inf without one. score, by which one is chosen: the
    chance the network gives it, times rule_keeping. risk: rises as the front bumper closes in on the perceived hazard,
    scaled by nothing else; comfort: 1 for none, 0 for 4 m/s² of longitudinal acceleration (r.m.s.); rule_keeping: 1
    less the certainty of a red lamp, for a plan that would carry the front bumper over its line.
    """
    knots = np.concatenate([[speed_now_mps], plan.speed_mps])
    step_s = float(SPEED_TIMES_S[0])
    travelled = np.cumsum(0.5 * (knots[1:] + knots[:-1]) * step_s)
    acceleration = np.diff(knots) / step_s
    gap_m = perceived.hazard_m - travelled - EGO_BODY.front_x_m
    risk = 1.0 / (1.0 + np.exp(np.clip(gap_m - RISK_MARGIN_M, -30.0, 30.0))) if np.isfinite(perceived.hazard_m) else 0.0
    crosses = float(travelled[-1]) > line_m - EGO_BODY.front_x_m > -BEHIND_M
    rule_keeping = 1.0 - perceived.signal_certainty if crosses and perceived.signal == LampColour.RED else 1.0
    return Imagined(
        strategy,
        plan,
        chance * rule_keeping,
        np.broadcast_to(risk, (SPEED_KNOTS,)).copy(),
        float(travelled[-1]),
        float(np.clip(1.0 - np.sqrt((acceleration**2).mean()) / 4.0, 0.0, 1.0)),
        rule_keeping,
    )


def held_back(strategy: Strategy, plan: Plan) -> Strategy:
    """Return what a plan is called that people on the way, or a red lamp, have slowed down."""
    return Strategy(strategy.path, Pace.STOP if plan.speed_mps[-1] == 0.0 else Pace.YIELD)


def red_line_mps(perceived: Perceived, line_m: float, speed_now_mps: float) -> np.ndarray:
    """Return the greatest speed (len(ALONG_M),) before the stop line of a lamp that is surely red; inf without one.

    line_m: from the rear axle. A bumper that is well over the line goes on. Who stands near a red line stands until
    the lamp is no longer red, however sure: one doubtful glance sets nobody off.
    """
    before_m = line_m - EGO_BODY.front_x_m
    stands = speed_now_mps < STANDING_MPS and before_m < NEAR_LINE_M
    red = perceived.signal == LampColour.RED and (stands or perceived.signal_certainty > SURE_OF_RED)
    governs = red and -OVER_LINE_M < before_m < np.inf
    return stopping_mps(0.0 if stands else before_m - SHORT_OF_LINE_M) if governs else np.full(len(ALONG_M), np.inf)


def stands_for_nothing(decision: Decision, ego: EgoState) -> bool:
    """Return whether it stands or creeps and sees no lamp, no person and nothing close ahead that asks for it."""
    seen = decision.perceived
    waits = abs(ego.speed_mps) < GOING_MPS and decision.strategy.pace in (Pace.STOP, Pace.CREEP)
    lamp = seen.signal in (LampColour.RED, LampColour.YELLOW)
    explained = decision.cause in (Cause.PEDESTRIAN, Cause.ARRIVAL, Cause.WISH) or seen.hazard_m < FREE_M
    return waits and not lamp and not explained


def decision_of(
    proposals: Proposals, ego: EgoState, stamp_ns: int, people: np.ndarray = NOBODY, stood_s: float = 0.0
) -> Decision:
    """Return the decision: the likeliest path, and of its paces the one with the best score.

    people: (K, 2) points in the ego frame where somebody vulnerable was seen; every plan is slow enough for them.
    stood_s: how long it has stood for nothing; beyond PATIENCE_S it creeps instead of standing.
    The alternatives stand in the order path by path, pace by pace.
    """
    path_chance, pace_chance = softmax(proposals.path_logits), softmax(proposals.pace_logits)
    signal_chance = softmax(proposals.signal_logits)
    signal = int(signal_chance.argmax())
    hazard_m = float(distance_of(proposals.hazard_near[0]))
    perceived = Perceived(
        LampColour(signal), float(signal_chance[signal]), hazard_m, people=tuple((x, y) for x, y in people.tolist())
    )
    order = np.argsort(-path_chance, kind="stable")
    line_m = float(distance_of(proposals.signal_near[0]))
    braking_mps2 = braking_needed_mps2(perceived, line_m, ego.speed_mps)

    def held_at_m(choice: int) -> float:
        """Return how far the line of a red lamp is; a right turn gives way there, red alone does not hold it."""
        return np.inf if PathChoice(choice) == PathChoice.KEEP_RIGHT else line_m

    def imagine(choice: int, pace: Pace, limits: dict[Cause, np.ndarray]) -> tuple[Imagined, Cause | None]:
        """Return what a proposal comes to within limits of speed, and which of them holds it back, if one does."""
        path, speed_mps = proposals.paths[choice], proposals.speeds_mps[pace]
        if pace == Pace.CREEP and stood_s > PATIENCE_S:
            speed_mps = np.maximum(speed_mps, CREEPING_MPS)
        free_mps = np.min(list(limits.values()), axis=0)
        braking = max(braking_mps2, braking_for_mps2(free_mps, ego.speed_mps))
        wished = plan_of(path, speed_mps, ego.speed_mps, braking)
        plan = plan_of(path, speed_mps, ego.speed_mps, braking, free_mps)
        strategy = Strategy(MODE_OF[PathChoice(choice)], pace)
        late = (wished.speed_mps - plan.speed_mps).max() > HELD_BACK_MPS
        strategy = held_back(strategy, plan) if late else strategy
        chance = float(path_chance[choice] * pace_chance[pace])
        found = imagined_of(strategy, plan, chance, perceived, held_at_m(choice), ego.speed_mps)
        if not late:
            return found, None
        alone = {cause: plan_of(path, speed_mps, ego.speed_mps, braking, one) for cause, one in limits.items()}
        return found, min(alone, key=lambda cause: float(alone[cause].speed_mps.sum()))

    imagined, reasons = [], []
    for choice in order[:IMAGINED_PATHS]:
        limits = {Cause.PEDESTRIAN: free_speed_mps(proposals.paths[choice], people)}
        for pace in Pace:
            found, reason = imagine(int(choice), pace, limits)
            imagined.append(found)
            reasons.append(reason)
    valid = [path_chance[c] * pace_chance[p] >= LEAST_CHANCE for c in order[:IMAGINED_PATHS] for p in Pace]
    best = int(np.argmax([alternative.score for alternative in imagined[: len(Pace)]]))
    if best == Pace.STOP and stood_s > PATIENCE_S:
        best = int(Pace.CREEP)
    # Whatever seems best is driven no further than a line whose lamp is surely red.
    limits = {Cause.SIGNAL: red_line_mps(perceived, held_at_m(int(order[0])), ego.speed_mps)}
    limits[Cause.PEDESTRIAN] = free_speed_mps(proposals.paths[order[0]], people)
    imagined[best], reasons[best] = imagine(int(order[0]), Pace(best), limits)
    valid[best] = True
    chosen = imagined[best]
    cause = reasons[best] or Cause(int(proposals.cause_logits.argmax()))
    return Decision(
        stamp_ns=stamp_ns,
        plan=chosen.plan,
        strategy=chosen.strategy,
        cause=cause,
        why=sentence(chosen.strategy, cause, perceived),
        perceived=perceived,
        imagined=tuple(imagined),
        imagined_valid=tuple(bool(one) for one in valid),
    )


def blind_decision(ego: EgoState, stamp_ns: int, why: str) -> Decision:
    """Return a decision to stop on the arc now steered, for a driver that sees nothing."""
    curvature = float(np.clip(np.tan(ego.steering_rad) / EGO_BODY.wheelbase_m, -0.2, 0.2))
    if abs(curvature) < 1e-6:
        path = np.stack([PATH_DISTANCES_M, np.zeros_like(PATH_DISTANCES_M)], axis=-1)
    else:
        turn = curvature * PATH_DISTANCES_M
        path = np.stack([np.sin(turn), 1.0 - np.cos(turn)], axis=-1) / curvature
    speed = np.maximum(ego.speed_mps - STOPPING_MPS2 * SPEED_TIMES_S, 0.0)
    none = Imagined(Strategy(PathMode.KEEP, Pace.STOP), Plan(path, speed), 0.0, np.zeros(SPEED_KNOTS), 0.0, 1.0, 1.0)
    return Decision(
        stamp_ns,
        none.plan,
        none.strategy,
        why=why,
        perceived=Perceived(notes=(why,)),
        imagined=(none,) * IMAGINED,
        imagined_valid=(False,) * IMAGINED,
    )
