"""What a user would lose: a scenario that tests nothing is named before anybody is judged by it."""

from dataclasses import replace

import pytest

from tests.world.test_scenarios import CHILD, child
from xiaolu.core.seeds import Split
from xiaolu.evaluation import rehearsal
from xiaolu.evaluation.rehearsal import (
    Rehearsal,
    Stage,
    faults,
    read_rehearsals,
    rehearse,
    rehearse_all,
    room_to_spare_m,
    table,
)
from xiaolu.world.ground import Ground
from xiaolu.world.kept_towns import town_path
from xiaolu.world.scenarios.family import SiteQuery
from xiaolu.world.scenarios.sample import scenario_in
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.town import save_town
from xiaolu.world.world import World


@pytest.fixture(scope="module")
def towns(small_town, tmp_path_factory):
    folder = tmp_path_factory.mktemp("towns")
    for seed in Towns.seeds(Split.VALIDATION):
        save_town(small_town, town_path(seed, folder))
    return Towns(folder)


@pytest.fixture(scope="module")
def stage_of():
    stages = {}

    def of(town):
        if town.digest() not in stages:
            stages[town.digest()] = Stage(town, World(town), Ground(town))
        return stages[town.digest()]

    return of


def test_a_fair_scenario_is_failed_by_who_stands_and_its_acts_come(towns, stage_of):
    row = rehearse(child(("[around]", "[around]\nclear_m = 30"), CHECKED), 800_003, towns, stage_of)
    assert row.town.startswith("old-town") and row.outcomes["stands"] == "fail"
    assert row.missed == () and row.overlaps == () and row.reset_ms > 0.0
    arrives = next(values for check, values in row.judged.items() if check.endswith("arrives"))
    assert arrives[0] == 0 and faults([row]) == []


CHECKED = ('check = "stops_before"\nplace_m = -1.5', 'check = "arrives"')


def test_what_stands_in_the_ego_or_never_happens_is_named(towns, stage_of):
    place = 's_m = "2.6 + 0.5*gap_m", left_m = "right_edge_m + 1.05"'
    row = rehearse(child(CHECKED, (place, 's_m = "start_m + 1 + 0*gap_m"')), 800_001, towns, stage_of)
    assert row.overlaps == ("ego van",) and "overlap at the start" in faults([row])[0]
    cone = "s_m = 20, left_m = -1.0 }"
    melts = cone + '\nacts = [{ name = "melts", when = { ego_stands_s = 100 } }]'
    never = child(CHECKED, ("ego_arrives_s = 2.5", 'actor = "cone", act = "melts"'), (cone, melts))
    row = rehearse(never, 800_001, towns, stage_of)
    assert set(row.missed) >= {"child", "cone-1"} and any("never came" in fault for fault in faults([row]))


def test_a_clearance_that_no_car_can_keep_is_named(small_town):
    """A cone in the middle of a lane of 3.25 m with one beside it leaves no room for a car and 2 m."""
    place = "s_m = 20, left_m = -1.0 }"
    asks = 'actor = "child"\nleast_m = 0.3', 'actor = "cone"\nleast_m = '
    easy = child((asks[0], asks[1] + "0.3"), CHECKED)
    hard = child((asks[0], asks[1] + "4.5"), CHECKED, (place, place.replace("-1.0", "0.5")))
    spare = [room_to_spare_m(scenario_in(family, 3, small_town, "old-town", 0)) for family in (easy, hard)]
    assert 1.0 < spare[0] < 4.0 and spare[1] < 0.0
    row = Rehearsal("some", 3, "old-town 0", outcomes={"stands": "fail", "steady": "fail"}, room_m=-0.4)
    assert faults([row]) == ["no room to keep the clearance asked for in 1, short of 0.4 m"]


def test_a_family_without_a_place_says_so(towns, stage_of):
    family = child(CHECKED)
    nowhere = replace(family, site=SiteQuery("junction", arms=(9.0, 12.0)))
    row = rehearse(nowhere, 800_002, towns, stage_of)
    assert row.town == "" and "no validation town has a place" in row.why
    assert faults([row]) == ["no place for 1 of 1 seeds"] and "0/1" in table([row])


def test_who_drives_at_one_speed_should_not_pass():
    rows = [Rehearsal("some", seed, "old-town 0", outcomes={"stands": "pass", "steady": "pass"}) for seed in range(3)]
    assert faults(rows) == ["standing still passes 3", "a constant 6 m/s passes 3 of 3"]


def test_a_stopped_run_goes_on_where_it_was(towns, stage_of, tmp_path, monkeypatch):
    file, out = tmp_path / "child.toml", tmp_path / "rows.jsonl"
    file.write_text(CHILD, encoding="utf-8")
    rows = list(rehearse_all([str(file)], range(800_000, 800_002), out, towns))
    out.write_text(out.read_text(encoding="utf-8") + '{"family": "ch', encoding="utf-8")  # the line a kill cut short
    assert {(r.family, r.seed) for r in read_rehearsals(out)} == {("child", 800_000), ("child", 800_001)}
    monkeypatch.setattr(rehearsal, "rehearse", None)
    again = list(rehearse_all([str(file)], range(800_000, 800_002), out, towns))
    assert sorted(again, key=lambda r: r.seed) == sorted(rows, key=lambda r: r.seed)
