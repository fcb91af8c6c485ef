"""What a user would lose: files whose mistakes are named, and scenarios that a seed alone decides."""

from dataclasses import replace

import numpy as np
import pytest

from xiaolu.core.decision import LampColour
from xiaolu.core.seeds import Split, split_of
from xiaolu.core.users import Kind
from xiaolu.world.routing import RoutePath
from xiaolu.world.scenarios import actor_ways, checks, sites
from xiaolu.world.scenarios.ambient import ambient, ambient_of, drawn, read_ambient
from xiaolu.world.scenarios.family import SiteQuery
from xiaolu.world.scenarios.fixtures import stands_before_bay
from xiaolu.world.scenarios.format import family_names, load_family, read_family
from xiaolu.world.scenarios.sample import draw, free_time_s, scenario_in, town_order
from xiaolu.world.scenarios.sites import place_of, places
from xiaolu.world.scenarios.streets import streets_of
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.scenarios.values import parse_value
from xiaolu.world.signals import lamp, longest_red_s, programs_of
from xiaolu.world.town import PropKind, save_town

CHILD = """
name = "child"
title = "A child"
about = "A child runs out between two parked cars."
tags = ["small-roads"]
towns = ["old-town"]
time_limit_s = 60
[parameters]
child_mps = [1.5, 3.0]
gap_m = [1.2, 2.0]
hand = { one_of = ["wave", "phone"] }
[site]
kind = "street"
width_m = [5.5, 9.5]
[around]
density = 0.2
[[actors]]
name = "van"
kind = "van"
parked = true
at = { s_m = "2.6 + 0.5*gap_m", left_m = "right_edge_m + 1.05" }
[[actors]]
name = "child"
kind = "child"
goes = { line = [[0, "right_walk_m"], [0, "left_walk_m"]] }
[[actors.acts]]
name = "waits"
speed_mps = 0
gesture = "hand"
[[actors.acts]]
name = "runs"
when = { ego_arrives_s = 2.5 }
speed_mps = "child_mps"
heeds = "none"
[[actors]]
name = "cone"
kind = "cone"
at = { s_m = 20, left_m = -1.0 }
repeat = { count = 3, step_s_m = 4 }
[[checks]]
check = "keeps_clearance_m"
actor = "child"
least_m = 0.3
[[checks]]
check = "stops_before"
place_m = -1.5
"""


def child(*changes):
    text = CHILD
    for before, after in changes:
        assert before in text
        text = text.replace(before, after, 1)
    return read_family(text, "child.toml", "child")


@pytest.mark.parametrize("name", family_names())
def test_every_family_loads(name):
    family = load_family(name)
    assert family.name == name and family.title and family.checks


@pytest.mark.parametrize(
    ("before", "after", "says"),
    [
        ('name = "child"', 'name = "kid"', "child.toml: name: 'kid'; valid is 'child'"),
        ("child_mps = [1.5, 3.0]", "child_mps = [1.5, 93.0]", r"parameters.child_mps: \[1.5, 93.0\]; valid is a range"),
        ("child_mps = [1.5, 3.0]", "child = [1.5, 3.0]", "parameters.child: its name must end in a unit: _mps2"),
        ("gap_m = [1.2, 2.0]", "gap_m = [1.2, 2.0]\nmore_m = 3", "parameters.more_m: nothing uses it"),
        ("speed_mps = 0", "spead_mps = 0", "acts.waits..spead_mps: unknown field .did you mean speed_mps"),
        ("speed_mps = 0", "speed_mps = 40", "acts.waits..speed_mps: 40; valid is within -5 to 25"),
        ("gap_m\"", "gip_m\"", "at.s_m: '2.6 . 0.5.gip_m'; valid is a sum of known names .did you mean gap_m"),
        ('"wave", "phone"', '"wave", "fone"', "gesture: 'hand .which may be fone.'; valid is one of none, walk"),
        ('kind = "van"', 'kind = "vam"', "kind: 'vam'; valid is one of car, van"),
        ("width_m = [5.5, 9.5]", "width_m = [9.5, 5.5]", r"site.width_m: \[9.5, 5.5\]; valid is a range .* 2 to 40"),
        ('kind = "street"', 'kind = "street"\nturn = "left"', "site.turn: unknown field"),
        ("ego_arrives_s = 2.5", "ego_arrives_s = 2.5, after_s = 1", "ego_arrives_s and after_s given"),
        ("ego_arrives_s = 2.5", 'actor = "van", act = "opens"', "when.act: 'opens'; valid is one of none"),
        ("least_m = 0.3", "least_m = 30", "keeps_clearance_m..least_m: 30; valid is within 0 to 5"),
        ('actor = "child"\nleast', 'actor = "kid"\nleast', "actor: 'kid'; valid is one of van, child"),
        ("density = 0.2", "density = 20", "around.density: 20; valid is within 0 to 3"),
        ('tags = ["small-roads"]', 'tags = ["roads"]', "tags: .'roads'.; valid is a list of small-roads"),
        ("time_limit_s = 60", "time_limit_s = 6000", "time_limit_s: 6000; valid is a number within 10 to 600"),
        ("parked = true\n", "parked = true\ngoes = \"ego\"\n", "goes: 'ego'; valid is stands, for what is parked"),
        ("[around]", "[signals]\nlamp = \"red\"\n[around]", "signals: the site has none"),
        ("[site]", "[sight]", "site is missing"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_file_is_named_with_what_would_be_valid(before, after, says):
    with pytest.raises(ValueError, match=says):
        child((before, after))


def test_values_are_sums_of_products():
    def value(text, **names):
        return parse_value(text).at(lambda name: names[name])

    assert value("2") == 2.0 and value(-1.5) == -1.5
    assert value("a_m - 2 + 0.5*b_m", a_m=10.0, b_m=4.0) == 10.0
    assert value("-side*2.2", side=-1.0) == pytest.approx(2.2)
    assert parse_value("a_m - 2*b_m").interval({"a_m": (0.0, 1.0), "b_m": (-1.0, 3.0)}) == (-6.0, 3.0)
    for wrong in ("a_m +", "a_m b_m", "2 ** 3", "f(x)", "", True):
        with pytest.raises(ValueError):
            parse_value(wrong)


def test_a_seed_decides_everything(small_town):
    family = child()
    one, two = (scenario_in(family, 7, small_town, "old-town", 0) for _ in range(2))
    assert one.parameters == two.parameters and np.array_equal(one.plan.lanes, two.plan.lanes)
    for a, b in zip(one.script.actors, two.script.actors, strict=True):
        assert a.pose == b.pose and a.style == b.style
    others = [scenario_in(family, seed, small_town, "old-town", 0) for seed in range(8, 16)]
    assert len({round(s.parameters["child_mps"], 6) for s in others}) == 8
    assert len({(int(s.plan.lanes[0]), round(s.plan.start_s_m)) for s in others}) > 2
    assert {s.parameters["hand"] for s in others} == {"wave", "phone"}
    assert all(1.5 <= s.parameters["child_mps"] <= 3.0 for s in others)
    assert draw(family, 7).numbers != draw(replace(family, name="other"), 7).numbers


def test_actors_stand_where_the_file_says(small_town):
    for seed in range(6):
        scenario = scenario_in(child(), seed, small_town, "old-town", 0)
        actors = {actor.name: actor for actor in scenario.script.actors}
        assert list(actors) == ["van", "child", "cone-1", "cone-2", "cone-3"] == list(scenario.actors)
        assert scenario.acts["child"] == ("waits", "runs")
        anchor = small_anchor(scenario)
        along, left = relative(anchor, actors["van"].pose)
        assert along == pytest.approx(2.6 + 0.5 * scenario.parameters["gap_m"], abs=0.05)
        assert left == pytest.approx(-1.625 + 1.05, abs=0.12)  # half a lane of 3.25 m to the right edge
        assert relative(anchor, actors["child"].pose) == pytest.approx((0.0, -1.625 - 1.25), abs=0.15)
        end = actors["child"].lines[0][-1]
        assert relative(anchor, end) == pytest.approx((0.0, 1.625 + 3.25 + 1.25), abs=0.15)
        assert relative(anchor, actors["cone-3"].pose) == pytest.approx((28.0, -1.0), abs=0.1)
        assert actors["cone-1"].kind == Kind.OBJECT and actors["cone-1"].parked
        stops = next(check for check in scenario.checks if check.name == "stops_before")
        assert stops.values["place_m"] == pytest.approx(scenario.anchor_s_m - 1.5)
        assert {check.name for check in scenario.checks} >= {*checks.ALWAYS, "time_limit_s"}


def small_anchor(scenario):
    return RoutePath(scenario.town, scenario.plan).point_at(scenario.anchor_s_m)


def relative(anchor, place):
    dx, dy = place[0] - anchor[0], place[1] - anchor[1]
    cos, sin = np.cos(anchor[2]), np.sin(anchor[2])
    return dx * cos + dy * sin, -dx * sin + dy * cos


def anchors(town, query, before=40.0, after=30.0):
    found = [place_of(town, query, site, before, after, "lane") for site in places(town, query, before, after)]
    return [(place, np.array(place.frame.pose(0.0))[[0, 1, 3]]) for place in found]


def test_sites_are_of_the_kind_that_was_asked_for(small_town):
    names = {number: name for name, number in small_town.meta["lanes"].items()}
    narrow = anchors(small_town, SiteQuery("narrow"))
    assert narrow and all(names[p.site.core[0]].startswith("narrow") for p, _ in narrow)
    assert all(p.frame.measure("width_m") == pytest.approx(4.8, abs=0.25) for p, _ in narrow)
    left = anchors(small_town, SiteQuery("junction", turn="left", signal=True))
    assert left and all(
        names[p.site.junction_lane] in ("Ein>Sout", "Nin>Eout", "Win>Nout", "Sin>Wout") for p, _ in left
    )
    for place, (x, y, _) in left:
        assert np.hypot(x, y) == pytest.approx(14.0, abs=1.8)  # where the junction begins
        assert place.frame.marks["stop_line_m"] == pytest.approx(-1.0, abs=0.3)
        assert place.arms.names == {"left", "right", "ahead", "behind"}
    plain = anchors(small_town, SiteQuery("junction", signal=False))
    arms = {(names[p.site.core[0]], names[p.site.core[-1]]) for p, _ in plain}
    assert arms and all(any(n.startswith("narrow") or n.endswith("2") for n in pair) for pair in arms)
    crossing = anchors(small_town, SiteQuery("crossing"))
    assert crossing and all(abs(max(abs(x), abs(y)) - 11.0) < 1.2 for _, (x, y, _) in crossing)
    dead = anchors(small_town, SiteQuery("dead_end"), after=-2.0)
    assert dead and all(abs(max(abs(x), abs(y)) - 150.0) < 0.1 or abs(y - 110.0) < 0.1 for _, (x, y, _) in dead)
    assert not places(small_town, SiteQuery("junction", roundabout=True), 40.0, 30.0)
    assert not places(small_town, SiteQuery("street", classes=("primary",)), 40.0, 30.0)


def test_no_ride_ends_with_its_nose_in_a_junction_or_off_the_streets_end(small_town):
    for after in (20.0, 35.0, 60.0, 90.0):
        for place, _ in anchors(small_town, SiteQuery("street"), after=after):
            last = place.plan.lanes[-1]
            assert place.plan.goal_s_m + 3.75 < small_town.lane_length_m[last]


def test_a_kerb_is_near_enough_to_draw_up_at(small_town, monkeypatch):
    sites.places.cache_clear()
    kerbs = anchors(small_town, SiteQuery("kerb"), after=-2.0)
    assert kerbs and all(-sites.KERB_FAR_M < place.frame.edges(0.0)[0] < -1.0 for place, _ in kerbs)
    sites.places.cache_clear()
    monkeypatch.setattr(sites, "KERB_FAR_M", 1.2)  # no lane is so narrow
    assert not anchors(small_town, SiteQuery("kerb"), after=-2.0)
    sites.places.cache_clear()


def test_who_cross_one_behind_the_other_all_end_beyond_the_road(small_town):
    """A line that is shifted as a whole ended on the road for the last of them: the ego waited for him for ever."""
    crosses = (
        'name = "child"\nkind = "child"',
        'name = "child"\nkind = "child"\nrepeat = { count = 3, step_left_m = -1 }',
    )
    scenario = scenario_in(child(crosses), 2, small_town, "old-town", 0)
    rows = [actor for actor in scenario.script.actors if actor.name.startswith("child-")]
    anchor = small_anchor(scenario)
    lefts = np.array([[relative(anchor, point)[1] for point in actor.lines[0][[0, -1]]] for actor in rows])
    assert np.diff(lefts[:, 0]) == pytest.approx([-1.0, -1.0], abs=0.05)
    assert np.ptp(lefts[:, 1]) < 0.05


def test_who_comes_from_an_arm_is_awaited_where_it_comes_onto_the_way(small_town):
    scenario = scenario_in(load_family("red-light-runner"), 1, small_town, "old-town", 0)
    actor = scenario.script.actors[0]
    gate = next(act.gate for act in actor.acts if act.name == "runs")
    way = RoutePath(small_town, scenario.plan)
    s_m, left_m = way.project(gate[0], gate[1], scenario.anchor_s_m, 60.0)
    assert abs(left_m) < 0.2 and 0.0 < s_m - scenario.anchor_s_m < 25.0
    lines = np.concatenate([small_town.line(lane)[:, :2] for lane in actor.lanes[:3]])
    assert np.hypot(*(lines - gate[:2]).T).min() < 2.0


def test_who_begins_so_far_before_the_egos_way_gets_there_when_the_file_says(small_town, monkeypatch):
    """So far out on its arm it came too late through a wide junction, and too early through a small one."""
    family = load_family("wave-through-not-free")
    monkeypatch.setattr(actor_ways, "MEETS_WITHIN_M", 40.0)
    anywhere = replace(family, site=SiteQuery("junction", has=("right", "left")))
    scenario = scenario_in(anywhere, 4, small_town, "x", 0)
    car = next(actor for actor in scenario.script.actors if actor.name == "car")
    gate = next(act.gate for act in car.acts if act.name == "comes")
    way = np.concatenate([small_town.line(lane)[:, :2] for lane in car.lanes[:2]])
    step = np.r_[0.0, np.cumsum(np.hypot(*np.diff(way, axis=0).T))]
    gone = step[np.hypot(*(way - gate[:2]).T).argmin()] - car.along_m - 0.5 * car.length_m
    speed, arrives = (scenario.parameters[name] for name in ("car_mps", "arrives_s"))
    assert gone == pytest.approx(arrives * speed - 0.17 * speed**2, abs=2.5), "its front, where the two ways cross"
    monkeypatch.setattr(actor_ways, "MEETS_WITHIN_M", -40.0)
    assert all(scenario_in(anywhere, seed, small_town, "x", 0) is None for seed in range(8))


def test_no_gap_is_put_where_the_town_has_closed_it(small_town):
    """Right behind the posts a planter of the town stood in the way: nobody could have driven through."""
    family = load_family("bollard-gap")
    family = replace(family, site=SiteQuery("street"), ego=replace(family.ego, start_before_m=parse_value(20)))
    scenario = scenario_in(family, 0, small_town, "x", 0)
    x, y, yaw = RoutePath(small_town, scenario.plan).point_at(scenario.anchor_s_m)
    behind = [x + 4.0 * np.cos(yaw) - 0.8 * np.sin(yaw), y + 4.0 * np.sin(yaw) + 0.8 * np.cos(yaw), yaw]
    closed = replace(
        small_town,
        prop_kind=np.append(small_town.prop_kind, np.uint8(PropKind.PLANTER)),
        prop_pose=np.concatenate([small_town.prop_pose, [behind]]),
        prop_style=np.append(small_town.prop_style, 0).astype(np.int32),
        prop_layer=np.append(small_town.prop_layer, 0).astype(np.int8),
    )
    again = scenario_in(family, 0, closed, "x", 0)
    there = None if again is None else RoutePath(closed, again.plan).point_at(again.anchor_s_m)
    assert there is None or np.hypot(*(there[:2] - [x, y])) > 12.0


def test_no_ride_begins_in_a_bay_with_a_tree_before_it(small_town):
    """Trees and lamps stand beside the road, where one swings out of a bay: it stood before one all the ride."""
    bay = (10.0, 20.0, 0.5)
    ahead, aside = np.array([np.cos(0.5), np.sin(0.5)]), np.array([-np.sin(0.5), np.cos(0.5)])

    def planted(along_m, left_m, kind=PropKind.TREE):
        place = [*(np.array(bay[:2]) + along_m * ahead + left_m * aside), 0.0]
        kinds, poses = np.array([kind], np.uint8), np.array([place])
        return replace(small_town, prop_kind=kinds, prop_pose=poses, prop_layer=np.zeros(1, np.int8))

    assert stands_before_bay(planted(4.0, 0.8), bay)
    assert not stands_before_bay(planted(4.0, 2.0), bay) and not stands_before_bay(planted(-4.0, 0.0), bay)
    assert not stands_before_bay(planted(4.0, 0.0, PropKind.PARKED_CAR), bay), "a place where a car may stand"


def test_arms_that_are_asked_for_on_both_sides_face_each_other(small_town, monkeypatch):
    query = SiteQuery("junction", has=("right", "left"))
    assert anchors(small_town, query)
    sites.places.cache_clear()
    monkeypatch.setattr(sites, "FACING_M", 0.5)  # nearer than the two sides' lanes ever are
    assert not anchors(small_town, query)
    sites.places.cache_clear()


def scenario_place(scenario, s_m):
    return RoutePath(scenario.town, scenario.plan).point_at(float(s_m))[:2]


def test_the_ego_meets_its_signal_as_the_file_says(small_town):
    family = load_family("red-and-start")
    for seed in range(4):
        scenario = scenario_in(family, seed, small_town, "old-town", 0)
        line = scenario.anchor_s_m + scenario.marks["stop_line_m"]
        arrive_s = free_time_s(line - 30.0 - 3.75, 0.0)
        colour, left = lamp(programs_of(small_town), scenario.signal, scenario.signals_start_s + arrive_s)[:2]
        assert colour == LampColour.RED and 13.0 <= left <= 30.0, "long enough to come to a stand"
        way = np.array([scenario_place(scenario, s) for s in np.arange(0.0, line, 5.0)])
        clear = scenario.script.clear
        inside = np.hypot(*(way[:, None] - clear[None, :, :2]).transpose(2, 0, 1)) < clear[:, 2]
        assert inside.any(axis=1).all(), "nobody begins ahead of it and stands at its line instead"


@pytest.mark.parametrize(
    ("name", "whole_red"), [("amber-dilemma", True), ("creep-red-extended", True), ("red-and-start", False)]
)
def test_who_waits_through_a_whole_red_is_given_the_time(small_town, name, whole_red):
    family = load_family(name)
    scenario = scenario_in(family, 3, small_town, "old-town", 0)
    red_s = longest_red_s(small_town, scenario.signal)
    assert red_s > 10.0
    assert (scenario.time_limit_s >= family.time_limit_s + red_s) == whole_red


def test_nothing_stands_in_the_way_of_who_comes_from_an_arm(small_town):
    """A car that runs the red would wait behind one that does not, and the scenario would ask nothing."""
    scenario = scenario_in(load_family("red-light-runner"), 1, small_town, "old-town", 0)
    actor = scenario.script.actors[0]
    line = small_town.line(actor.lanes[0])[:, :2]
    ahead = line[np.linspace(0.0, small_town.lane_length_m[actor.lanes[0]], len(line)) > actor.along_m + 1.0]
    for circles in (scenario.script.clear, scenario.script.parked_clear):
        inside = np.hypot(*(ahead[:, None] - circles[None, :, :2]).transpose(2, 0, 1)) < circles[:, 2]
        assert len(ahead) and inside.any(axis=1).all()


def test_the_table_of_ambient_rides_is_whole_and_names_its_mistakes():
    table = ambient()
    assert set(table) == {"village", "park", "boulevard", "old-town"}
    assert all(row.density > 0 and row.length_m >= 300 and sum(row.conditions.values()) > 0 for row in table.values())
    with pytest.raises(ValueError, match="no ambient rides in 'city'; known town families are village"):
        ambient_of("city")
    text = "[village]\nlength_m = 500\nusers = 40\ndensity = 11\nconditions = { sun = 1 }\n"
    with pytest.raises(ValueError, match=r"village.density: 11; valid is a number within 0 to 10"):
        read_ambient(text)
    with pytest.raises(ValueError, match=r"village.conditions.sum: unknown field .did you mean sun"):
        read_ambient(text.replace("11", "1").replace("sun =", "sum ="))


def test_an_ambient_ride_follows_from_family_and_seed(small_town, tmp_path):
    for seed in Towns.seeds(Split.VALIDATION):
        save_town(replace(small_town, meta={**small_town.meta, "name": f"town-{seed}"}), tmp_path / f"town-{seed}.town")
    rides = [drawn("old-town", seed, Towns(tmp_path)) for seed in range(800_000, 800_030)]
    again = [drawn("old-town", seed, Towns(tmp_path)) for seed in range(800_000, 800_030)]
    assert [(t.meta["name"], c) for t, c in rides] == [(t.meta["name"], c) for t, c in again]
    assert len({t.meta["name"] for t, _ in rides}) == 4 and len({c for _, c in rides}) >= 4


def test_a_rare_place_is_looked_for_in_further_towns_of_the_same_split_only():
    """Without, a roundabout that none of four towns has would be no scenario at all."""
    order = town_order(load_family("roundabout"), 800_003)
    own, further = Towns.seeds(Split.VALIDATION), Towns.further_seeds(Split.VALIDATION)
    assert {number for _, number in order[: len(own)]} == set(own)
    assert {number for _, number in order[len(own) :]} == set(further)
    for split in (Split.VALIDATION, Split.TEST, Split.RESERVED):
        assert all(split_of(number) is split for number in Towns.further_seeds(split))


def test_a_town_that_can_not_be_made_is_named_with_what_is_needed(tmp_path, monkeypatch):
    def without_sumo(seed, folder, family):
        raise ImportError("no module named sumo")

    monkeypatch.setattr("xiaolu.world.scenarios.towns.town_of", without_sumo)
    with pytest.raises(ValueError, match=r"village town 800001 is not in .*village.*maps"):
        Towns(tmp_path).get("village", 800_001)


def test_goes_round_a_roundabout_and_out_of_it(tmp_path):
    pytest.importorskip("sumo", reason='generating a town needs pip install "xiaolu[maps]"')
    town = Towns(tmp_path).get("old-town", 2)  # one of those that have a roundabout
    ring = streets_of(town).ring
    assert len(ring) >= 3
    found = anchors(town, SiteQuery("junction", roundabout=True), 40.0, 60.0)
    assert found
    for place, _ in found:
        inside = [int(lane) in ring for lane in place.plan.lanes]
        assert any(inside) and not inside[0] and not inside[-1]
