"""A reader would lose: knowing how much a count is worth. Reference values are published or worked out by hand."""

import numpy as np
import pytest

from xiaolu.measures.rates import distance_per_event_m, events_interval, rate_per_km, rate_ratio, share_interval


@pytest.mark.parametrize(
    ("events", "low", "high"), [(0, 0, 3.69), (1, 0.025, 5.57), (5, 1.62, 11.67), (10, 4.80, 18.39), (20, 12.2, 30.9)]
)
def test_garwood(events, low, high):
    interval = events_interval(events)
    assert interval.low == pytest.approx(low, abs=0.02)
    assert interval.high == pytest.approx(high, abs=0.02)


@pytest.mark.parametrize(("a", "b", "low", "high"), [(65, 5, 5.3, 41), (130, 10, 6.8, 27.8), (260, 20, 8.2, 21.6)])
def test_ratio_of_thirteen(a, b, low, high):
    ratio = rate_ratio(a, 1000.0, b, 1000.0)
    assert ratio.value == pytest.approx(13.0)
    assert ratio.low == pytest.approx(low, rel=0.02)
    assert ratio.high == pytest.approx(high, rel=0.02)


def test_distances_scale_rates_and_ratios():
    assert rate_per_km(4, 2000.0).value == 2.0
    assert distance_per_event_m(4, 2000.0).value == 500.0
    assert rate_ratio(10, 500.0, 10, 1000.0).value == pytest.approx(2.0)


def test_no_events_is_not_perfection():
    none = distance_per_event_m(0, 8000.0)
    assert none.value == none.high == np.inf
    assert none.low == pytest.approx(8000.0 / 3.689, rel=1e-3)
    assert np.isnan(rate_ratio(0, 1.0, 0, 1.0).value)
    assert rate_ratio(3, 1.0, 0, 1.0).high == np.inf


def test_shares():
    assert share_interval(19, 20).low == pytest.approx(0.7513, abs=1e-3)
    assert share_interval(20, 20).low == pytest.approx(0.025 ** (1 / 20), abs=1e-6)  # by hand
    assert share_interval(0, 20).high == pytest.approx(1 - 0.025 ** (1 / 20), abs=1e-6)
    for bad in ((21, 20), (-1, 20), (0, 0)):
        with pytest.raises(ValueError, match="share"):
            share_interval(*bad)
    with pytest.raises(ValueError, match="distance"):
        rate_per_km(1, 0.0)
