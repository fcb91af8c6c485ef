"""How good an imagination is: what was expected of each strategy, against what came of it when it was driven.

An outcome is what `KEY_FIELDS` name: one strategy, tried from one state, 5 s in closed loop. S strategies of one state.
Higher `worth` is better, whatever it is made of; `expected` is the imaginer's own figure for the same.
Sources: Kendall 1938 (tau-b), Brier 1950, Guo et al. 2017 (calibration error).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from xiaolu.core.check import freeze
from xiaolu.core.score import Score

KEY_FIELDS = ("episode", "step", "strategy", "rollout_version")
ABSURD_CONTACT_S = 1.0  # a strategy that runs into something at once needs no imagination to be left out
BINS = 10
LEAST_MOMENTS = 20  # a calibration on fewer says nothing
CALM_TTC_S = 3.0  # whoever is met no sooner than this is no cause for care
LITTLE_PROGRESS_M = 5.0  # as in PDMS
ROUGH_JERK_MPS3 = 4.13  # nuPlan's bound on longitudinal jerk


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What really came of a strategy held for 5 s, others reacting. Key: (episode, step, strategy, rollout_version).

    trajectory: (T, 3) x, y, yaw of the rear axle in the ego frame of the state, a row a tick; first_contact_s: None
    without one; least_ttc_s: infinite where nobody was met; jerk_mps3: root mean square along; cut_short: the rollout
    ended before its 5 s, and its figures are of what there is.
    """

    episode: str
    step: int
    strategy: str
    rollout_version: int
    trajectory: np.ndarray
    first_contact_s: float | None
    least_ttc_s: float
    off_road: bool
    red: bool
    progress_m: float
    jerk_mps3: float
    cut_short: bool

    def __post_init__(self) -> None:
        freeze(self, "trajectory", (None, 3))

    @property
    def key(self) -> tuple[str, int, str, int]:
        return self.episode, self.step, self.strategy, self.rollout_version

    @property
    def absurd(self) -> bool:
        """Nobody needs to weigh this one: at once into something, off the road, or over a red line."""
        soon = self.first_contact_s is not None and self.first_contact_s < ABSURD_CONTACT_S
        return soon or self.off_road or self.red


def worths(outcomes: Sequence[Outcome]) -> np.ndarray:
    """Return (S,) 0 to 1: what each outcome of one state was worth, the best safe progress among them being all.

    PDMS's sum with its steps made slopes, so that there is an order: 0 with a contact, off the road or over a red line;
    else (5 EP + 5 TTC + 2 C) / 12, EP the share of the best safe progress (1 where that is at most 5 m), TTC the least
    time to collision over 3 s, C one less the jerk over 4.13 m/s³, each within 0 and 1.
    """
    safe = np.array([o.first_contact_s is None and not o.off_road and not o.red for o in outcomes], bool)
    progress = np.array([o.progress_m for o in outcomes], np.float64)
    best_m = float(progress[safe].max(initial=0.0))
    share = np.clip(progress / best_m, 0.0, 1.0) if best_m > LITTLE_PROGRESS_M else np.ones(len(outcomes))
    calm = np.clip(np.array([o.least_ttc_s for o in outcomes]) / CALM_TTC_S, 0.0, 1.0)
    smooth = np.clip(1.0 - np.array([o.jerk_mps3 for o in outcomes]) / ROUGH_JERK_MPS3, 0.0, 1.0)
    return np.where(safe, (5.0 * share + 5.0 * calm + 2.0 * smooth) / 12.0, 0.0)


def weighed(
    expected: Mapping[str, float], chosen: str, outcomes: Sequence[Outcome], stamp_ns: int = 0
) -> tuple[Score, Score]:
    """Return (ranking, regret) of one state: what was expected of strategies, and the one chosen, against what came.

    outcomes: of one state, whatever strategies were driven. Those that were not expected anything of are not ranked;
    regret is to the best of all of them. Raises ValueError for outcomes of several states or rollouts.
    """
    states = {(o.episode, o.step, o.rollout_version) for o in outcomes}
    if len(states) > 1:
        raise ValueError(f"weighed: outcomes of {len(states)} states or rollouts cannot be compared: {sorted(states)}")
    names = [o.strategy for o in outcomes]
    worth = worths(outcomes)
    known = [k for k, name in enumerate(names) if name in expected]
    said = np.array([expected[names[k]] for k in known], np.float64)
    ranked = ranking(said, worth[known], np.array([outcomes[k].absurd for k in known], bool), stamp_ns)
    if chosen not in names:
        why = f"{chosen} was not driven"
        return ranked, Score("imagination_regret", None, "worth", False, why, stamp_ns, stamp_ns)
    return ranked, regret(names.index(chosen), worth, np.ones(len(names), bool), stamp_ns)


def ranking(expected: np.ndarray, worth: np.ndarray, absurd: np.ndarray, stamp_ns: int = 0) -> Score:
    """Return Kendall's tau-b, -1 to 1, between expected and real worth (S,), absurd (S,) ones left out.

    Not valid with fewer than two strategies left, or where all that are left are alike.
    """
    name = "imagination_ranking"
    kept = ~np.asarray(absurd, bool)
    if kept.sum() < 2:
        return Score(name, None, "tau", False, f"{int(kept.sum())} strategies worth weighing", stamp_ns, stamp_ns)
    guess, real = np.asarray(expected, np.float64)[kept], np.asarray(worth, np.float64)[kept]
    first, second = np.triu_indices(len(guess), 1)
    a, b = np.sign(guess[first] - guess[second]), np.sign(real[first] - real[second])
    scale = np.sqrt(float((a != 0).sum()) * float((b != 0).sum()))
    if scale == 0.0:
        return Score(name, None, "tau", False, "all strategies are alike", stamp_ns, stamp_ns)
    return Score(name, float((a * b).sum() / scale), "tau", True, "", stamp_ns, stamp_ns)


def calibration_error(risk: np.ndarray, happened: np.ndarray, from_ns: int = 0, to_ns: int = 0) -> Score:
    """Return the mean gap between risks said (n,), 0 to 1, and how often it happened (n,) bool, over ten bins.

    Each bin weighs by how many fell into it. Not valid on fewer than 20.
    """
    risk, happened = np.asarray(risk, np.float64), np.asarray(happened, bool)
    if len(risk) < LEAST_MOMENTS:
        why = f"{len(risk)} moments, at least {LEAST_MOMENTS}"
        return Score("imagination_calibration_error", None, "share", False, why, from_ns, to_ns)
    bins = np.clip((risk * BINS).astype(np.int64), 0, BINS - 1)
    total = 0.0
    for k in np.unique(bins):
        chosen = bins == k
        total += chosen.mean() * abs(float(risk[chosen].mean()) - float(happened[chosen].mean()))
    return Score("imagination_calibration_error", float(total), "share", True, "", from_ns, to_ns)


def brier(risk: np.ndarray, happened: np.ndarray, from_ns: int = 0, to_ns: int = 0) -> Score:
    """Return the mean squared gap between a risk said (n,) and what happened (n,), 0 (best) to 1."""
    if not len(risk):
        return Score("imagination_brier", None, "share", False, "no moments", from_ns, to_ns)
    gap = np.asarray(risk, np.float64) - np.asarray(happened, np.float64)
    return Score("imagination_brier", float((gap**2).mean()), "share", True, "", from_ns, to_ns)


def regret(chosen: int, worth: np.ndarray, driven: np.ndarray, stamp_ns: int = 0) -> Score:
    """Return how much worse the chooser's pick was than the best that was really driven, 0 and up, in units of worth.

    worth (S,); driven (S,) bool: there is an outcome. Not valid where the pick has none.
    """
    driven = np.asarray(driven, bool)
    if not driven[chosen]:
        return Score(
            "imagination_regret", None, "worth", False, "the chosen strategy was not driven", stamp_ns, stamp_ns
        )
    worth = np.asarray(worth, np.float64)
    return Score(
        "imagination_regret", float(worth[driven].max() - worth[chosen]), "worth", True, "", stamp_ns, stamp_ns
    )
