"""The Intelligent Driver Model along a path (Treiber, Hennecke, Helbing 2000), with the constants of PDM-Closed."""

import numpy as np
from numba import njit

SPEED_UP_MPS2, BRAKE_MPS2, HEADWAY_S, STANDSTILL_M = 1.5, 3.0, 1.5, 1.0
EXPONENT = 4.0
HARDEST_MPS2 = 4.0  # the model alone asks for any deceleration; beyond this is emergency braking
DT_S = 0.1


@njit(cache=True)
def follow(speed, limit, step_m, share, met, along_mps, hold_m, front_m, steps):
    """Return (sigma (steps + 1,), speed (steps + 1,)): an ego that follows what its path meets.

    limit (P,) m/s every step_m of the path, of which `share` is wished for; met (>= steps + 1, U, 2): from and to
    which sigma each user stands on the path, NaN where it does not; along_mps (U,): how fast it goes along the path;
    hold_m: sigma not to be passed by the front (a stop line, the goal), infinite for none; front_m: bumper to axle.
    """
    sigma_out, speed_out = np.empty(steps + 1), np.empty(steps + 1)
    sigma, v = 0.0, max(speed, 0.0)
    for k in range(steps + 1):
        sigma_out[k], speed_out[k] = sigma, v
        at = min(int((sigma + 0.5 * v) / step_m), len(limit) - 1)
        wish = max(share * limit[at], 0.1)
        # Bends further on, braked for in time.
        for ahead in range(at, min(at + 60, len(limit))):
            room = max(ahead * step_m - sigma, 0.0)
            wish = min(wish, np.sqrt(limit[ahead] ** 2 + 2.0 * SPEED_UP_MPS2 * room))
        gap, lead = hold_m - sigma - front_m, 0.0
        for u in range(met.shape[1]):
            if np.isnan(met[k, u, 0]) or met[k, u, 1] < sigma + front_m:
                continue
            room = met[k, u, 0] - sigma - front_m
            if room < gap:
                gap, lead = room, max(along_mps[u], 0.0)
        a = SPEED_UP_MPS2 * (1.0 - (v / wish) ** EXPONENT)
        if gap < 200.0:
            closing = v * (v - lead) / (2.0 * np.sqrt(SPEED_UP_MPS2 * BRAKE_MPS2))
            wanted = STANDSTILL_M + max(v * HEADWAY_S + closing, 0.0)
            a = min(a, SPEED_UP_MPS2 * (1.0 - (v / wish) ** EXPONENT - (wanted / max(gap, 0.1)) ** 2))
        a = max(a, -HARDEST_MPS2)
        new = max(v + a * DT_S, 0.0)
        sigma += 0.5 * (v + new) * DT_S
        v = new
    return sigma_out, speed_out


def along_path_mps(path: np.ndarray, step_m: float, met: np.ndarray, velocity: np.ndarray) -> np.ndarray:
    """Return (U,) m/s: how fast each user goes along the path where it is first met; 0 for who never is."""
    out = np.zeros(len(velocity))
    for u in range(len(velocity)):
        first = np.flatnonzero(np.isfinite(met[:, u, 0]))
        if len(first):
            yaw = path[min(int(met[first[0], u, 0] / step_m), len(path) - 1), 2]
            out[u] = velocity[u, 0] * np.cos(yaw) + velocity[u, 1] * np.sin(yaw)
    return out
