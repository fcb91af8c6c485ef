"""Two drivers side by side, against figures worked out by hand."""

import pytest

from xiaolu.evaluation.compare import compare, load_evaluation, table


def evaluation(driver: str, passed: list[bool], events: list[list[str]], **other) -> dict:
    rides = [
        {
            "ride": f"t-{10 + i}",
            "family": "",
            "town_digest": "d",
            "route_m": 400.0 + i,
            "conditions": "sun",
            "scores": {},
            "passed": p,
            "arrived": True,
            "own_m": 500.0,
            "interventions": [{"kind": k} for k in kinds],
        }
        for i, (p, kinds) in enumerate(zip(passed, events, strict=True))
    ]
    same = {"schema": 1, "town_digest": "d", "length_m": 400.0, "conditions": "sun", "summary": {}}
    return {**same, "driver": driver, "rides": rides, **other}


def test_ratio_and_split() -> None:
    # 65 events to 5 at equal distance: 13, 5.3 to 41 (Clopper-Pearson on 65 of 70).
    one = evaluation("a", [True, False, True, True], [["contact"] * 65, [], [], []])
    other = evaluation("b", [False, False, False, False], [["red_line"] * 5, [], [], []])
    found = compare(one, other)
    figure = found["interventions"]["all"]
    assert figure["counts"] == [65, 5] and figure["ratio"] == pytest.approx(13.0)
    assert figure["low"] == pytest.approx(5.3, abs=0.05) and figure["high"] == pytest.approx(41.0, abs=0.6)
    assert found["interventions"]["contact"]["high"] is None  # the other never did
    # Three rides only one passed, none the other way: 2 x (1/2)^3.
    assert found["only_one"] == ["t-10", "t-12", "t-13"] and found["chance"] == pytest.approx(0.25)
    assert "13.00" in table(found) and f"{figure['low']:.2f} to" in table(found)


def test_only_rides_that_both_drove_count() -> None:
    one, other = evaluation("a", [True, True], [[], []]), evaluation("b", [True], [[]])
    assert compare(one, other)["rides"] == 1
    other["rides"][0]["ride"] = "t-99"
    with pytest.raises(ValueError, match="no ride in common"):
        compare(one, other)


def test_another_town_is_refused_by_name(tmp_path) -> None:
    with pytest.raises(ValueError, match="town_digest is d in one and e in the other"):
        compare(evaluation("a", [True], [[]]), evaluation("b", [True], [[]], town_digest="e"))
    (tmp_path / "x.json").write_text("[1]")
    with pytest.raises(ValueError, match="not an evaluation"):
        load_evaluation(tmp_path / "x.json")
