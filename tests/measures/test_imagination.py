"""What imagining is worth, against cases worked out by hand."""

import numpy as np
import pytest

from xiaolu.measures.imagination import Outcome, brier, calibration_error, ranking, regret, weighed, worths

NONE = np.zeros(4, bool)


def test_ranking_counts_pairs():
    # Worth 4 > 3 > 2 > 1, guessed 4, 3, 1, 2: of six pairs five agree, one does not: (5 - 1) / 6.
    found = ranking(np.array([4.0, 3.0, 1.0, 2.0]), np.array([4.0, 3.0, 2.0, 1.0]), NONE, 7)
    assert found.value == pytest.approx(4 / 6) and found.from_ns == found.to_ns == 7
    assert ranking(np.arange(4.0), -np.arange(4.0), NONE).value == -1.0


def test_ranking_with_ties_is_tau_b():
    # Guess 1, 1, 2; worth 1, 2, 3. Pairs: a tie, two that agree: 2 / sqrt(2 x 3).
    assert ranking(np.array([1.0, 1.0, 2.0]), np.array([1.0, 2.0, 3.0]), NONE[:3]).value == pytest.approx(2 / 6**0.5)


def test_the_absurd_ones_win_nobody_a_point():
    # Without the one that anybody sees is bad, the two that are left are the wrong way round.
    expected, worth, absurd = np.array([1.0, 2.0, -9.0]), np.array([2.0, 1.0, -9.0]), np.array([False, False, True])
    assert ranking(expected, worth, absurd).value == -1.0
    assert ranking(expected, worth, np.zeros(3, bool)).value == pytest.approx((2 - 1) / 3)


def test_nothing_to_rank_is_no_score():
    assert not ranking(np.arange(4.0), np.arange(4.0), np.array([True, True, True, False])).valid
    assert not ranking(np.arange(4.0), np.ones(4), NONE).valid


def test_calibration_weighs_bins_by_their_size():
    # 30 moments at a risk of 0.15, 6 happen (0.2): off by 0.05. 10 at 0.95, 7 happen (0.7): off by 0.25.
    # 0.75 x 0.05 + 0.25 x 0.25 = 0.1.
    risk = np.r_[np.full(30, 0.15), np.full(10, 0.95)]
    happened = np.r_[np.arange(30) < 6, np.arange(10) < 7]
    assert calibration_error(risk, happened, 1, 2).value == pytest.approx(0.1)
    assert not calibration_error(risk[:19], happened[:19]).valid


def test_a_risk_of_one_belongs_to_the_last_bin():
    assert calibration_error(np.ones(20), np.ones(20, bool)).value == 0.0


def test_brier_is_a_mean_square():
    # (0.5² + 0.1²) / 2 = 0.13.
    assert brier(np.array([0.5, 0.1]), np.array([True, False])).value == pytest.approx(0.13)
    assert not brier(np.empty(0), np.empty(0)).valid


def test_regret_is_to_the_best_that_was_really_driven():
    worth, driven = np.array([0.6, 0.9, 5.0]), np.array([True, True, False])
    assert regret(0, worth, driven).value == pytest.approx(0.3)
    assert regret(1, worth, driven).value == 0.0
    assert not regret(2, worth, driven).valid


def outcome(strategy="keep / go", step=3, **changes):
    made = {
        "first_contact_s": None,
        "least_ttc_s": np.inf,
        "off_road": False,
        "red": False,
        "progress_m": 30.0,
        "jerk_mps3": 0.0,
        "cut_short": False,
    }
    return Outcome("e", step, strategy, 1, np.zeros((50, 3)), **made | changes)


@pytest.mark.parametrize(
    ("changes", "absurd"),
    [({}, False), ({"first_contact_s": 0.9}, True), ({"first_contact_s": 3.0}, False), ({"off_road": True}, True)],
)
def test_what_is_absurd(changes, absurd):
    assert outcome(**changes).absurd is absurd and outcome().key == ("e", 3, "keep / go", 1)


def test_worth_is_a_sum_like_that_of_pdms():
    # Best safe progress 30 m. 15 m of it, 1.5 s to collision of 3, jerk 4.13 / 2: (2.5 + 2.5 + 1) / 12 = 0.5.
    some = outcome(progress_m=15.0, least_ttc_s=1.5, jerk_mps3=4.13 / 2)
    assert worths([outcome(), some]) == pytest.approx([1.0, 0.5])


@pytest.mark.parametrize("fault", [{"first_contact_s": 4.0}, {"off_road": True}, {"red": True}])
def test_what_goes_wrong_is_worth_nothing_and_its_progress_is_no_measure(fault):
    # 50 m into somebody is no progress to compare with: 20 m are then the best there is.
    assert worths([outcome(progress_m=50.0, **fault), outcome(progress_m=20.0)]) == pytest.approx([0.0, 1.0])


def test_where_hardly_any_progress_is_safe_none_is_asked_for():
    assert worths([outcome(progress_m=5.0), outcome(progress_m=0.0)]) == pytest.approx([1.0, 1.0])


def test_expectations_of_one_state_are_weighed_against_its_outcomes():
    driven = [outcome("go", progress_m=30.0), outcome("stop", progress_m=6.0), outcome("nudge", first_contact_s=2.0)]
    # Worths 1, (5 x 0.2 + 7) / 12 = 2/3, 0. Expected 3, 2, 1: all three pairs agree.
    ranked, lost = weighed({"go": 3.0, "stop": 2.0, "nudge": 1.0, "fly": 9.0}, "stop", driven, 5)
    assert ranked.value == pytest.approx(1.0) and lost.value == pytest.approx(1.0 / 3.0) and lost.from_ns == 5
    # Only two were imagined, and the wrong way round; regret still knows the third.
    ranked, lost = weighed({"stop": 2.0, "nudge": 3.0}, "nudge", driven)
    assert ranked.value == -1.0 and lost.value == pytest.approx(1.0)


def test_outcomes_of_two_states_are_not_compared():
    with pytest.raises(ValueError, match="2 states"):
        weighed({}, "go", [outcome(step=3), outcome(step=4)])
