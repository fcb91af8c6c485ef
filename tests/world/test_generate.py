"""Without these, training towns would repeat each other, differ from run to run, or trap the ride."""

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from xiaolu.core.chance import Purpose, generator
from xiaolu.world import kept_towns
from xiaolu.world.generate import draw_osm, generate_town
from xiaolu.world.routing import RoutePath, draw_ride
from xiaolu.world.street_map import add_roundabout, street_map
from xiaolu.world.street_names import StreetNames
from xiaolu.world.street_plan import StreetPlan
from xiaolu.world.town import LaneKind, RoadClass, Town, load_town


@pytest.fixture(scope="module")
def towns() -> list[Town]:
    pytest.importorskip("sumo", reason='needs netconvert: pip install "xiaolu[maps]"')
    return [generate_town(seed) for seed in (5, 7, 11)]


def test_every_town_carries_rides_with_turns(towns: list[Town]) -> None:
    for town in towns:
        turns = [len(RoutePath(town, draw_ride(town, seed, 400.0)).manoeuvres) - 1 for seed in range(12)]
        assert np.mean(np.array(turns) > 0) > 0.8


def test_towns_have_what_streets_of_a_chinese_city_have(towns: list[Town]) -> None:
    for town in towns:
        ordinary = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)
        extent_m = np.ptp(town.points[:, :2], axis=0)
        assert (extent_m > 600).all() and (extent_m < 1600).all()
        assert (town.lane_twin[ordinary] >= 0).any(), "narrow streets, two directions on one surface"
        assert (town.lane_left[ordinary] >= 0).any(), "streets with several lanes a direction"
        assert (town.lane_signal >= 0).any() and (town.lane_kind == LaneKind.CROSSING).any()
        assert not np.isin(town.lane_class[ordinary], (RoadClass.MOTORWAY, RoadClass.TRUNK)).any()
    together = np.concatenate([t.lane_class[t.lane_kind == LaneKind.DRIVE] for t in towns])
    assert {RoadClass.SECONDARY, RoadClass.TERTIARY, RoadClass.RESIDENTIAL, RoadClass.LIVING} <= set(together)


def test_a_town_is_the_same_town_in_another_process(towns: list[Town]) -> None:
    code = "from xiaolu.world.generate import generate_town; print(generate_town(11).digest())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == towns[-1].digest()
    assert len({town.digest() for town in towns}) == len(towns)


def test_the_bundled_town_is_what_its_seed_stands_for_and_carries_rides() -> None:
    town = load_town(Path(str(files("xiaolu") / "assets" / "town.town")))
    assert town.meta["source_sha256"] == hashlib.sha256(draw_osm(850_000).encode()).hexdigest(), "bundle it again"
    for seed in range(10):
        RoutePath(town, draw_ride(town, seed, 400.0))


def test_two_seeds_draw_two_maps_and_one_seed_draws_one() -> None:
    assert draw_osm(7) == draw_osm(7)
    assert draw_osm(7) != draw_osm(8)


def test_a_negative_seed_is_no_town() -> None:
    with pytest.raises(ValueError, match="seed -1"):
        draw_osm(-1)


def test_the_map_is_openstreetmap_that_anything_can_read() -> None:
    for seed in range(100, 110):
        root = ElementTree.fromstring(draw_osm(seed).encode())
        nodes = {node.get("id") for node in root.iter("node")}
        ways = list(root.iter("way"))
        assert len(ways) > 40
        for way in ways:
            refs = [nd.get("ref") for nd in way.iter("nd")]
            assert len(refs) >= 2 and set(refs) <= nodes
            assert all(a != b for a, b in pairwise(refs))
            tags = {tag.get("k"): tag.get("v") for tag in way.iter("tag")}
            assert tags["oneway"] in ("yes", "no") and tags["highway"]


def test_streets_keep_their_distance_but_for_the_odd_staggered_crossing() -> None:
    """A map of crumbs would be all junctions and no street."""
    short = total = 0
    for seed in range(10):
        chance = generator(seed, Purpose.TOWN)
        built = street_map(StreetPlan(chance), chance)
        where, branches = np.array(built.points), built.branches()
        for line in built.lines:
            stops = [point for point in line.points if branches[point] > 2]
            gaps_m = np.hypot(*np.diff(where[stops], axis=0).T) if len(stops) > 1 else np.empty(0)
            short += int((gaps_m < 10.0).sum())
            total += len(gaps_m)
    assert total > 1000 and short / total < 0.03


def test_some_towns_get_a_roundabout() -> None:
    made = 0
    for seed in range(12):
        chance = generator(seed, Purpose.TOWN)
        built = street_map(StreetPlan(chance), chance)
        if add_roundabout(built, chance):
            ring = built.lines[-1]
            assert ring.roundabout and ring.points[0] == ring.points[-1]
            around = np.array([built.points[p] for p in ring.points])
            area = 0.5 * np.sum(around[:-1, 0] * around[1:, 1] - around[1:, 0] * around[:-1, 1])
            assert area > 0, "right-hand traffic goes round counter-clockwise"
            made += 1
    assert made > 3


def test_names_do_not_repeat_within_a_town() -> None:
    namer = StreetNames(generator(5, Purpose.TOWN))
    names = [namer.draw("residential") for _ in range(70)]
    assert len(set(names)) == len(names)


def test_a_kept_town_of_another_edition_is_drawn_anew(tmp_path, monkeypatch, small_town) -> None:
    """Whoever updates gets the new edition's towns, not what lies in the folder under the same seed."""
    drawn = []
    monkeypatch.setattr(kept_towns, "generate_town", lambda seed, family: drawn.append(seed) or small_town)
    for edition in ("aaaaaaaa", "aaaaaaaa", "bbbbbbbb"):
        monkeypatch.setattr(kept_towns, "edition", lambda edition=edition: edition)
        assert kept_towns.town_of(7, tmp_path).digest() == small_town.digest()
    assert drawn == [7, 7] and len(list(tmp_path.glob("town-000007-*.town"))) == 2
