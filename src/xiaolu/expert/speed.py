"""How fast: a rollout of the ego along its path in which every limit has its say and the least acceleration wins.

sigma is metres along the path from the ego's rear axle now. The plan's speed profile is the rollout itself, so that
what is planned is what would be driven.
"""

import numpy as np
from numba import njit

from xiaolu.expert.forecast import MOMENTS, STEP_S

DT_S = 0.1
STEPS = 70

# Comfort in ordinary driving: the facts give 1.5 / -2.0 m/s² and |jerk| <= 2; kept inside, tuned in closed loop.
SPEED_UP_MPS2 = 1.0
ENVELOPE_MPS2 = 0.9  # braking for curves, limits and people, begun early
STOP_MPS2 = 1.1
STOP_SOFTNESS_MPS = 0.5
ROLL_UP_MPS2, ROLL_UP_S = 0.6, 1.5  # speeding up towards a stop only as far as this would brake for it; tuned
ORDINARY_BRAKE_MPS2 = 1.8
FIRM_MPS2 = 2.3  # who needs more than this is in need, not in comfort; tuned
COMFORT_MPS2 = 1.9  # who needs less than this for who drives does not brake harder to be early: comfort ends at 2
EVENLY, SOONER = 1.1, 1.3  # times what an even stop takes; tuned
# What is easy, what no more, and how hard the one is braked for where it is early; tuned.
EASY_MPS2, UNEASY_MPS2, EARLY_MPS2 = 1.7, 2.1, 1.85
HARDEST_MPS2 = 4.3  # beyond 5 is emergency braking: the guardian's business
JERK_MPS3, RELEASE_MPS3, HARD_JERK_MPS3 = 1.7, 1.6, 8.0
HARD_AT_MPS2 = 3.0  # the harder the braking that is needed, the quicker it comes on: from the one jerk to the other
SPEED_UP_MPS3 = 1.0
# Off the accelerator so quickly, where stopping needs so much: what is lost there is braked for twice. Tuned.
LET_OFF_MPS3, LET_OFF_FOR_MPS2 = 1.85, 1.0
HARD_RELEASE_MPS3 = 7.0  # who has braked hard for nothing lets go at once
LOOK_S = 0.5
# Stops that are tried where the rules' plan does not do: without a jerk, then at once; tuned.
EASY_STOPS_MPS2, STOPS_MPS2 = (1.2, 1.7), (2.0, 2.7)
# IDM (Treiber, Hennecke, Helbing 2000) with gaps of Shanghai traffic.
HEADWAY_S, STANDSTILL_M, IDM_BRAKE_MPS2 = 1.1, 1.7, 1.5

FREE = -1


def easy_stop_m(speed_mps: float, acceleration_mps2: float, braking_mps2: float) -> float:
    """Return how far a stop goes that brakes so much, and comes to that from the acceleration now without a jerk: who
    is speeding up has that to give up first."""
    on_s = max(acceleration_mps2 + braking_mps2, 0.0) / JERK_MPS3
    then_mps = max(speed_mps + acceleration_mps2 * on_s - 0.5 * JERK_MPS3 * on_s**2, 0.0)
    way_m = speed_mps * on_s + 0.5 * acceleration_mps2 * on_s**2 - JERK_MPS3 * on_s**3 / 6.0
    return max(way_m, 0.0) + 0.5 * then_mps**2 / braking_mps2


def stops_m(speed_mps: float, acceleration_mps2: float) -> list[float]:
    """Return how far the stops go that are tried, gentlest first."""
    easy = [easy_stop_m(speed_mps, acceleration_mps2, braking) for braking in EASY_STOPS_MPS2]
    return easy + [0.5 * speed_mps**2 / braking + 0.1 * speed_mps for braking in STOPS_MPS2]


@njit(cache=True)
def envelope(limit, cause, step_m):
    """Return (speed (n,), cause (n,)): limits (n,) every step_m, braked for in time, and whose limit rules."""
    speed, ruling = limit.copy(), cause.copy()
    for i in range(len(limit) - 2, -1, -1):
        reachable = np.sqrt(speed[i + 1] ** 2 + 2.0 * ENVELOPE_MPS2 * step_m)
        if reachable < speed[i]:
            speed[i] = reachable
            ruling[i] = ruling[i + 1]
    return speed, ruling


@njit(cache=True)
def rollout(speed, acceleration, allowed, ruling, step_m, stops, stop_cause, lows, low_cause):
    """Return (sigma, speed, cause) at 0, DT_S, ... (STEPS + 1,) each.

    allowed, ruling (n,): from `envelope`. stops (M, 4): sigma not to be passed, from when and until when (s, inf: for
    ever), above 0 where it is braked for early. lows (L, MOMENTS): what must be kept behind, NaN while it is not in
    the way. causes are any numbers >= 0 that name a limit; FREE where none but the ego's own wish rules.
    """
    sigma_out, speed_out = np.empty(STEPS + 1), np.empty(STEPS + 1)
    cause_out = np.empty(STEPS + 1, np.int64)
    sigma, v, a = 0.0, max(speed, 0.0), min(max(acceleration, -HARDEST_MPS2), 2.0)
    if v < 0.05:
        a = max(a, 0.0)
    last = len(allowed) - 1
    for step in range(STEPS + 1):
        t = step * DT_S
        at = min(max((sigma + v * LOOK_S) / step_m, 0.0), last - 0.001)
        i = int(at)
        top = allowed[i] + (at - i) * (allowed[i + 1] - allowed[i])
        wish = min(SPEED_UP_MPS2, max((top - v) / LOOK_S, -ORDINARY_BRAKE_MPS2))
        rule = FREE
        if wish < 0.9 * SPEED_UP_MPS2:
            rule = ruling[min(i + 1, last)]
        least, hardest, must = wish, -ORDINARY_BRAKE_MPS2, 0.0
        for m in range(len(stops)):
            if t < stops[m, 1] or t > stops[m, 2]:
                continue
            room = stops[m, 0] - sigma
            soft = max(room - 0.4 * v, 0.0)
            target = np.sqrt(2.0 * STOP_MPS2 * soft + STOP_SOFTNESS_MPS**2) - STOP_SOFTNESS_MPS
            need = (target - v) / 0.4
            kinematic = v * v / (2.0 * max(room, 0.05))
            must = max(must, kinematic)
            if kinematic > 1.25 * STOP_MPS2:
                need = min(need, -1.05 * kinematic)
                if need < hardest:
                    hardest = need
            # Early is gentle, but not much earlier than needed: that only makes it harder. In need it may, and for
            # people and riders: evenly to the end, the time to collision falls below what frightens nobody.
            early = stops[m, 3] > 0.0
            sooner = SOONER if early or kinematic >= FIRM_MPS2 else EVENLY
            gentlest = ORDINARY_BRAKE_MPS2 if early else min(1.3 * kinematic + 0.3, ORDINARY_BRAKE_MPS2)
            # As long as that is comfortable: where it is not anyway, all of it.
            share = min(max((kinematic - EASY_MPS2) / (UNEASY_MPS2 - EASY_MPS2), 0.0), 1.0)
            firmly = min(sooner * kinematic, max(EARLY_MPS2, (EVENLY + share * (sooner - EVENLY)) * kinematic))
            if not early and kinematic < COMFORT_MPS2:
                firmly = min(firmly, COMFORT_MPS2)
            need = max(need, -max(firmly, gentlest))
            left = stops[m, 2] - t
            if left < 20.0 and v * left <= 2.0 * room:
                # It clears in time: arrive as it does, rather than stop. (Slower than that one stands before it does.)
                glide = 2.0 * (room - v * left) / max(left * left, 0.01)
                need = max(need, min(glide, SPEED_UP_MPS2))
            if stops[m, 2] == np.inf and need > 0.0:
                # Who will have to stop does not speed up only to brake.
                gentle = np.sqrt(2.0 * ROLL_UP_MPS2 * soft) - v
                need = min(need, max(gentle / ROLL_UP_S, 0.0))
            if need < least:
                least, rule = need, stop_cause[m]
        for n in range(len(lows)):
            place = t / STEP_S
            k = min(int(place), MOMENTS - 2)
            near, far = lows[n, k], lows[n, k + 1]
            if np.isnan(near):
                continue
            if np.isnan(far):
                far = near
            lead_speed = max((far - near) / STEP_S, 0.0)
            gap = near + (place - k) * (far - near) - sigma
            wanted = STANDSTILL_M + max(
                v * HEADWAY_S + v * (v - lead_speed) / (2.0 * np.sqrt(SPEED_UP_MPS2 * IDM_BRAKE_MPS2)), 0.0
            )
            ratio = min(wanted / max(gap, 0.1), 6.0)
            need = SPEED_UP_MPS2 * (1.0 - ratio * ratio)
            closing = max(v - lead_speed, 0.0)
            # Near by, less of the gap is insisted on: the rest of it is not worth hard braking.
            kinematic = closing * closing / (2.0 * max(gap - min(0.8, 0.4 * gap), 0.15))
            must = max(must, kinematic)
            sooner = 1.15 if kinematic < FIRM_MPS2 else 1.4
            floor = -max(sooner * kinematic, 1.5 if gap > 0.5 * STANDSTILL_M else ORDINARY_BRAKE_MPS2)
            need = max(need, floor)
            if v < 0.3 and gap < STANDSTILL_M + 0.8:
                need = min(need, -0.5)
            if need < hardest:
                hardest = need
            if need < least:
                least, rule = need, low_cause[n]
        least = max(least, -HARDEST_MPS2)
        hard = min(max((-least - EARLY_MPS2) / (HARD_AT_MPS2 - EARLY_MPS2), 0.0), 1.0)
        down = JERK_MPS3 + hard * (HARD_JERK_MPS3 - JERK_MPS3)
        if a > 0.0 and least < 0.0 and must > LET_OFF_FOR_MPS2:
            down = max(down, LET_OFF_MPS3)
        if least < a:
            a = max(least, a - down * DT_S)
        else:
            up = HARD_RELEASE_MPS3 if a < -ORDINARY_BRAKE_MPS2 else RELEASE_MPS3 if a < 0.0 else SPEED_UP_MPS3
            a = min(least, a + up * DT_S)
        sigma_out[step], speed_out[step], cause_out[step] = sigma, v, rule
        new = v + a * DT_S
        if new < 0.0 or (new < 0.04 and a <= 0.0):
            new, a = 0.0, 0.0
        sigma += 0.5 * (v + new) * DT_S
        v = new
    return sigma_out, speed_out, cause_out
