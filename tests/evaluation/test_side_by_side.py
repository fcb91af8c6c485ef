"""Several drivers in one table: only rides that all drove, and never rides that are not the same."""

import json

import pytest

from tests.evaluation.test_evaluate import row
from xiaolu.cli import main
from xiaolu.evaluation.side_by_side import COLUMNS, markdown, side_by_side, table


def evaluation(driver, passed, kinds=(), suite="kerb"):
    rides = [
        row(good, list(kinds) if not good else [])
        | {
            "ride": f"hail-{k}", "family": "hail", "town_digest": "d", "route_m": 400.0, "conditions": "sun",
            "seed": k, "checks": [],
        }
        for k, good in enumerate(passed)
    ]  # fmt: skip
    return {"schema": 1, "driver": driver, "suite": suite, "split": "validation", "summary": {}, "rides": rides}


def test_figures_are_over_the_rides_that_all_drove():
    one, two = evaluation("teacher", [True, True, False], ["stuck"]), evaluation("idm", [False, False], ["contact"])
    rides, found = side_by_side([one, two])
    assert rides == 2 and [driver for driver, _ in found] == ["teacher", "idm"]
    cells = {name: [cell(summary) for _, summary in found] for name, cell in COLUMNS.items()}
    assert cells["passed"] == ["2 of 2", "0 of 2"] and cells["contacts"] == ["0", "2"]
    # Two events in 1 km: 2, Garwood 0.242 to 7.22.
    assert cells["interventions per km (95 %)"] == ["0.00 (0.00 to 3.69)", "2.00 (0.24 to 7.22)"]
    assert cells["EPDMS-style"] == ["-", "-"], "what no ride has is no figure"


def test_other_rides_are_refused():
    with pytest.raises(ValueError, match="suite is kerb in one and park in the other"):
        side_by_side([evaluation("a", [True]), evaluation("b", [True], suite="park")])
    other = evaluation("b", [True])
    other["rides"][0]["route_m"] = 300.0
    with pytest.raises(ValueError, match=r"hail-0: route_m is 400.0 in one and 300.0"):
        side_by_side([evaluation("a", [True]), evaluation("c", [True]), other])


@pytest.mark.parametrize(("drivers", "said"), [(["a"], "at least two"), (["a", "a"], "once")])
def test_one_driver_is_no_table(drivers, said):
    with pytest.raises(ValueError, match=said):
        side_by_side([evaluation(driver, [True]) for driver in drivers])


def test_the_command_prints_it_and_leaves_markdown(tmp_path, capsys):
    files = []
    for driver, passed in (("teacher", [True, True]), ("idm", [True, False]), ("still", [False, False])):
        files.append(str(tmp_path / f"{driver}.json"))
        (tmp_path / f"{driver}.json").write_text(json.dumps(evaluation(driver, passed, ["stuck"])))
    main(["table", *files, "--out", str(tmp_path / "table.md")])
    told = capsys.readouterr().out
    assert all(text in told for text in ("teacher", "idm", "still", "2 of 2", "1 of 2", "0 of 2"))
    lines = (tmp_path / "table.md").read_text().splitlines()
    assert lines[0] == "| 2 rides | teacher | idm | still |" and lines[2] == "| passed | 2 of 2 | 1 of 2 | 0 of 2 |"
    assert len(lines) == 2 + len(COLUMNS)


def test_both_forms_say_the_same():
    found = side_by_side([evaluation("a", [True]), evaluation("b", [False], ["contact"])])
    told, marked = table(*found), markdown(*found)
    for name, cell in COLUMNS.items():
        assert name in told and f"| {name} | " + " | ".join(cell(s) for _, s in found[1]) + " |" in marked
