"""Counts over distance with exact intervals, and the ratio of two of them.

Sources: Garwood 1936 (Poisson mean), Clopper and Pearson 1934 (binomial share), Przyborowski and Wilenski 1940
(two Poisson means compared given their sum).
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, chi2


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with its exact interval; value may be infinite or NaN where counts leave it undefined."""

    value: float
    low: float
    high: float


def events_interval(events: int, confidence: float = 0.95) -> Interval:
    """Return the Garwood interval of a Poisson mean for a count. 0 -> 0 to 3.69; 10 -> 4.80 to 18.39."""
    if events < 0 or not 0.0 < confidence < 1.0:
        raise ValueError(f"events_interval: {events} events at confidence {confidence}")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if events == 0 else float(chi2.ppf(tail, 2 * events) / 2.0)
    return Interval(float(events), low, float(chi2.ppf(1.0 - tail, 2 * events + 2) / 2.0))


def rate_per_km(events: int, distance_m: float, confidence: float = 0.95) -> Interval:
    """Return events per km with the Garwood interval; ValueError for no distance."""
    if distance_m <= 0.0:
        raise ValueError(f"rate_per_km: a distance of {distance_m} m gives no rate")
    count, km = events_interval(events, confidence), distance_m / 1000.0
    return Interval(count.value / km, count.low / km, count.high / km)


def distance_per_event_m(events: int, distance_m: float, confidence: float = 0.95) -> Interval:
    """Return metres per event with the Garwood interval; value and high are infinite without an event."""
    rate = rate_per_km(events, distance_m, confidence)
    return Interval(*(1000.0 / r if r > 0.0 else float("inf") for r in (rate.value, rate.high, rate.low)))


def share_interval(hits: int, trials: int, confidence: float = 0.95) -> Interval:
    """Return hits / trials with the Clopper-Pearson interval; ValueError unless 0 <= hits <= trials, trials > 0."""
    if not 0 <= hits <= trials or trials == 0:
        raise ValueError(f"share_interval: {hits} of {trials}")
    tail = (1.0 - confidence) / 2.0
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(beta.ppf(1.0 - tail, hits + 1, trials - hits))
    return Interval(hits / trials, low, high)


def rate_ratio(
    events: int, distance_m: float, reference_events: int, reference_distance_m: float, confidence: float = 0.95
) -> Interval:
    """Return (events / distance) / (reference) with the exact conditional interval.

    Given the sum of both counts, one of them is binomial; Clopper-Pearson on its share. 65 to 5 at equal distance
    gives 13, 5.3 to 41. NaN, 0 to infinity, when both are 0.
    """
    if distance_m <= 0.0 or reference_distance_m <= 0.0:
        raise ValueError(f"rate_ratio: distances {distance_m} and {reference_distance_m} m")
    total = events + reference_events
    if total == 0:
        return Interval(float("nan"), 0.0, float("inf"))
    share, exposure = share_interval(events, total, confidence), reference_distance_m / distance_m

    def odds(p: float) -> float:
        return float(np.inf) if p >= 1.0 else p / (1.0 - p) * exposure

    return Interval(odds(share.value), odds(share.low), odds(share.high))
