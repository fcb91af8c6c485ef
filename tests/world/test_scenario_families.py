"""The scenario families that come with the package: every one can be read, says what it tests, and asks for enough."""

import tomllib
from importlib.resources import files

import numpy as np
import pytest

from xiaolu.core.users import ON_FOOT, Kind
from xiaolu.world.scenarios.format import family_names, load_family
from xiaolu.world.script import Actor, Script, stage
from xiaolu.world.temper import HEIGHT_M, LENGTH_M, WIDTH_M
from xiaolu.world.town import LaneKind
from xiaolu.world.ways import ways_of

# What a driver of small streets must have met (the families the project promises), by name.
PROMISED = (
    "meeting-narrow", "squeeze-parked-oncoming", "double-parked-van", "opening-door", "car-reversing-out",
    "blocked-back-up", "e-bike-wrong-side", "e-bike-overtakes", "child-between-parked", "walkers-along",
    "walkers-towards", "street-vendor", "bollard-gap", "blind-corner", "unmarked-junction", "red-and-start",
    "creep-countdown", "creep-red-extended", "creep-countdown-of-other", "creep-countdown-hidden",
    "creep-countdown-jumps", "creep-walker-crossing", "creep-neighbour-jumps", "creep-head-dark",
    "creep-straight-red-waiting", "amber-dilemma", "right-on-red", "waiting-area", "dark-signal",
    "officer-stop", "officer-waves-through", "officer-turns", "officer-slows", "officer-pulls-over",
    "worker-stop-and-go", "worker-slows", "passer-by-stop", "wave-through", "hail", "hand-phone", "hand-greeting",
    "hand-thanking", "hand-pointing", "hand-carrying", "crosswalk", "jaywalker", "jaywalker-turns-back",
    "cyclist-in-lane", "cyclist-crosses", "cut-in", "cut-out-static", "lead-brakes-hard", "stop-and-go",
    "unprotected-left", "roundabout", "merge", "cones-lane-closed", "start-from-bay", "kerb-pick-up", "kerb-taken",
    "pull-out-into-traffic", "gate", "park-ride",
)  # fmt: skip
SUITES = {"small-roads": 12, "signals": 12, "hands": 14, "kerb": 5, "park": 4, "traffic": 12}


def test_every_promised_family_is_there():
    assert set(PROMISED) <= set(family_names())


@pytest.mark.parametrize("name", family_names())
def test_a_family_can_be_read_and_standing_still_cannot_pass_it(name):
    family = load_family(name)
    assert len(family.about) > 60
    assert "arrives" in {check.check for check in family.checks}
    assert len(family.checks) >= 2, "arriving alone says nothing of what the family is about"


@pytest.mark.parametrize("name", family_names())
def test_a_family_varies(name):
    family = load_family(name)
    free = [p for p in family.parameters if p.words or p.numbers or p.high > p.low]
    waits = family.signals is not None and family.signals.left_s[1] > family.signals.left_s[0]
    assert len(free) + 2 * waits >= 2


@pytest.mark.parametrize("name", ["crosswalk", "crosswalk-turns-back", "jaywalker-turns-back"])
def test_who_has_crossed_walks_away_from_the_road(name):
    """A line that ended at the edge left its walker standing there, in the way of an ego that waited for him."""
    text = files("xiaolu").joinpath("assets", "scenarios", f"{name}.toml").read_text(encoding="utf-8")
    for actor in tomllib.loads(text)["actors"]:
        lines = [actor["goes"]["line"], *(act["line"] for act in actor["acts"] if "line" in act)]
        before, last = lines[-1][-2:]
        assert "walk_m" in last[1] and last[0] != before[0], "along the footway, not up to it"


def test_every_suite_has_its_families():
    families = [load_family(name) for name in family_names()]
    for suite, least in SUITES.items():
        assert sum(suite in family.tags for family in families) >= least, suite


def test_whoever_is_on_foot_is_as_big_as_a_person():
    """Road workers had a car's outline: nobody could pass them, and they stood in each other."""
    for kind in ON_FOOT:
        assert 0.2 < LENGTH_M[kind] < 0.6 and 0.3 < WIDTH_M[kind] < 0.7 and 1.0 < HEIGHT_M[kind] < 2.0, kind.name


def test_staging_leaves_the_towns_own_ways_alone(small_town):
    """Rides and branches share them: an actor's way back must not become everybody's way."""
    ways = ways_of(small_town)
    before = ways.way.copy()
    lane = int(np.argmax(small_town.lane_length_m * (small_town.lane_kind == LaneKind.DRIVE)))
    pose = tuple(float(v) for v in small_town.pose_at(lane, 10.0))
    cars = tuple(Actor(name, Kind.CAR, pose, 4.5, 1.8, 1.5, lanes=(lane,), along_m=10.0) for name in ("one", "two"))
    stage(Script(cars), ways)
    assert np.array_equal(ways.way, before)
