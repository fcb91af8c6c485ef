"""Without these, a real map becomes a town where cars drive through houses, against the lights, or not at all."""

import gzip
import subprocess
from pathlib import Path

import numpy as np
import pytest
import shapely

from tests.world.small_maps import crossroads_osm, extract, node, way
from xiaolu.core.decision import LampColour
from xiaolu.world.maps import MapError, import_map
from xiaolu.world.maps import netconvert as tool
from xiaolu.world.maps.netconvert import find_netconvert
from xiaolu.world.maps.projection import utm
from xiaolu.world.maps.signals import yellow_after_green
from xiaolu.world.maps.widths import CLASSES, class_of_type, street_type
from xiaolu.world.town import LaneKind, PropKind, RoadClass, Turn

pytest.importorskip("sumo", reason='needs netconvert: pip install "xiaolu[maps]"')


@pytest.fixture(scope="module")
def osm(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("maps") / "crossroads.osm"
    path.write_text(crossroads_osm())
    return path


@pytest.fixture(scope="module")
def town(osm):
    return import_map(osm)


@pytest.fixture(scope="module")
def strips(shanghai):
    lines = [shapely.LineString(shanghai.line(n)[:, :2]) for n in range(shanghai.lanes)]
    return shapely.buffer(lines, shanghai.lane_width_m / 2, cap_style="flat")


def exported(osm: Path, option: str, output: Path) -> Path:
    program, home = find_netconvert()
    command = [str(program), f"--osm-files={osm}", f"{option}={output}", "--no-warnings", "--tls.guess-signals"]
    subprocess.run(command, check=True, capture_output=True, env={"SUMO_HOME": str(home)})
    return output


def pairs(start: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.repeat(np.arange(len(start) - 1), np.diff(start)), values


# What a small map becomes.


def test_names_classes_and_limits_come_from_the_map(town):
    assert set(town.streets) == {"East Road", "North Road", "Well Lane"}
    drive = town.lane_kind == LaneKind.DRIVE
    by_street = {town.streets[s]: town.lane_class[drive & (town.lane_street == s)] for s in range(3)}
    assert set(by_street["Well Lane"].tolist()) <= {RoadClass.LIVING}
    assert RoadClass.TERTIARY in by_street["East Road"] and RoadClass.SECONDARY in by_street["North Road"]
    assert {LaneKind.DRIVE, LaneKind.FOOT, LaneKind.CROSSING, LaneKind.FOOT_AREA} == set(town.lane_kind.tolist())


def test_narrow_street_is_one_surface_with_two_directions(town):
    lane = np.flatnonzero((town.lane_twin >= 0) & (town.lane_junction < 0))
    assert len(lane) == 2 and (town.lane_twin[town.lane_twin[lane]] == lane).all()
    assert town.lane_width_m[lane].sum() < 5.5
    here, there = town.line(lane[0]), town.line(lane[1])
    assert np.hypot(*(here[0] - there[-1])[:2]) < 3.0
    assert {town.streets[s] for s in town.lane_street[lane]} == {"Well Lane"}


def test_a_way_that_runs_forth_and_back_is_one_street(osm, town, tmp_path):
    path = tmp_path / "doubled.osm"
    path.write_text(crossroads_osm().replace('<nd ref="6"/><nd ref="7"/>', '<nd ref="6"/><nd ref="7"/><nd ref="6"/>'))
    assert path.read_text() != osm.read_text()
    doubled = import_map(path)
    assert doubled.lanes == town.lanes
    drive = np.flatnonzero(town.lane_kind == LaneKind.DRIVE)
    assert all((doubled.line(lane) == town.line(lane)).all() for lane in drive)


def test_a_width_tag_is_believed(tmp_path):
    path = tmp_path / "wide.osm"
    path.write_text(
        extract(way(100, [4, 1, 2], highway="residential", width="6.4"), way(101, [5, 1, 3], highway="tertiary"))
    )
    town = import_map(path)
    residential = (
        (town.lane_kind == LaneKind.DRIVE) & (town.lane_class == RoadClass.RESIDENTIAL) & (town.lane_junction < 0)
    )
    assert town.lane_width_m[residential] == pytest.approx(3.2)


def test_two_lanes_a_direction_may_be_changed_between(town):
    wide = np.flatnonzero((town.lane_left >= 0) & (town.lane_kind == LaneKind.DRIVE))
    assert len(wide) and (town.lane_right[town.lane_left[wide]] == wide).all()
    assert (town.lane_edge[wide] == town.lane_edge[town.lane_left[wide]]).all()


def test_every_way_of_a_crossroads_is_there_with_its_turn(town):
    signalled = (town.lane_signal >= 0) & (town.lane_kind == LaneKind.DRIVE)
    assert {Turn.STRAIGHT, Turn.LEFT, Turn.RIGHT} == {Turn(t) for t in town.lane_turn[signalled]}
    for lane in np.flatnonzero(signalled):
        after = town.following(lane)[0]
        turned = np.angle(np.exp(1j * (town.pose_at(after, 0.0)[3] - town.pose_at(lane, 0.0)[3])))
        wanted = {Turn.STRAIGHT: 0.0, Turn.LEFT: np.pi / 2, Turn.RIGHT: -np.pi / 2}[Turn(town.lane_turn[lane])]
        assert turned == pytest.approx(wanted, abs=0.5)


def test_left_turn_yields_to_oncoming_traffic(town):
    for lane in np.flatnonzero((town.lane_signal >= 0) & (town.lane_turn == Turn.LEFT)):
        others = town.yield_lane[town.yield_start[lane] : town.yield_start[lane + 1]]
        mine = town.pose_at(lane, 0.0)[3]
        oncoming = [
            n for n in others if town.lane_turn[n] == Turn.STRAIGHT and np.cos(town.pose_at(n, 0.0)[3] - mine) < -0.8
        ]
        assert oncoming


def test_house_of_the_map_stands_where_it_is_and_none_is_invented_beside_it(town):
    shapes = [
        shapely.Polygon(town.building_points[a:b])
        for a, b in zip(town.building_start, town.building_start[1:], strict=False)
    ]
    real = min(range(len(shapes)), key=lambda i: abs(shapes[i].area - 600.0))
    assert shapes[real].area == pytest.approx(600.0, rel=0.02)
    assert town.building_height_m[real] == pytest.approx(12.8)
    assert min(shapes[real].distance(s) for i, s in enumerate(shapes) if i != real) > 20.0


def test_projection_is_the_one_netconvert_uses():
    # Expected: pyproj 3.7.2, EPSG:32651 and EPSG:32734.
    assert utm(np.array(121.4611262), np.array(31.2196145), 51) == pytest.approx([353419.3239, 3454961.5968], abs=0.001)
    assert utm(np.array(18.42), np.array(-33.92), 34, south=True) == pytest.approx(
        [261488.8264, 6243716.3330], abs=0.001
    )


def test_opendrive_and_sumo_nets_become_towns_too(osm, tmp_path):
    xodr = import_map(exported(osm, "--opendrive-output", tmp_path / "town.xodr"))
    plain = exported(osm, "--output-file", tmp_path / "town.net.xml")
    net = import_map(plain)
    packed = tmp_path / "packed.net.xml.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    for town in (xodr, net, import_map(packed)):
        drive = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction < 0)
        assert town.lane_length_m[drive].sum() > 1200.0
        assert len(town.building_height_m) > 10


def test_same_bytes_same_town(osm, town):
    assert import_map(osm).digest() == town.digest()


def test_a_streets_width_does_not_depend_on_the_other_streets():
    tags = {"highway": "residential", "name": "Willow Street"}
    assert street_type("1", tags) == street_type("2", tags)
    narrow = [street_type(str(i), {"highway": "residential"}).width_m < 2.75 for i in range(400)]
    assert 0.25 < np.mean(narrow) < 0.45


@pytest.mark.parametrize("highway", CLASSES)
def test_type_names_come_back_as_class_and_layer(highway):
    kind = street_type("7", {"highway": highway, "bridge": "yes"})
    assert class_of_type(f"highway.{kind.name}") == (CLASSES[highway][0], 1)


def test_green_never_jumps_to_red():
    seconds, table = yellow_after_green(["GGr", "rGr", "rrG"], [30.0, 4.0, 20.0])
    assert seconds.sum() == pytest.approx(30.0 + 4.0 + 3.0 + 20.0)
    following = np.roll(table, -1, axis=0)
    assert not ((table == LampColour.GREEN) & (following == LampColour.RED)).any()
    assert (seconds[(table == LampColour.YELLOW).any(axis=1)] == 3.0).all()


# What is refused, and how.


def refused(path: Path, *words: str) -> None:
    with pytest.raises(MapError) as told:
        import_map(path)
    assert path.name in str(told.value)
    for word in words:
        assert word in str(told.value)


def test_truncated_xml_is_refused(osm, tmp_path):
    half = tmp_path / "half.osm"
    half.write_text(osm.read_text()[: len(osm.read_text()) // 2])
    refused(half, "breaks off", "download")


def test_truncated_net_and_opendrive_are_refused(osm, tmp_path):
    for option, name in (("--output-file", "a.net.xml"), ("--opendrive-output", "a.xodr")):
        whole = exported(osm, option, tmp_path / name)
        half = tmp_path / f"half-{name}"
        half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
        refused(half, "breaks off")
    packed = tmp_path / "packed.net.xml.gz"
    packed.write_bytes(gzip.compress((tmp_path / "a.net.xml").read_bytes())[:3000])
    refused(packed)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("nothing.osm", b"", ("empty",)),
        ("blank.osm", b'<osm version="0.6"></osm>', ("without nodes", "choose")),
        ("ocean.osm", f"<osm>{node(1, 0, 0)}{node(2, 9, 9)}</osm>".encode(), ("no drivable streets", "choose")),
        ("picture.osm", b"\x89PNG\r\n\x1a\n" + bytes(40), ("PNG picture",)),
        ("map.geojson", b'{"type": "FeatureCollection", "features": []}', ("JSON",)),
        ("page.osm", b"<html><body>Too many requests</body></html>", ("<html>", "OpenStreetMap")),
        ("words.osm", b"dear sir or madam", ("not XML",)),
        ("extract.osm.pbf", b"\x00\x00\x00\x0e\n\tOSMHeader\x18", ("PBF", "osmium")),
        ("empty.xodr", b"<OpenDRIVE><header/></OpenDRIVE>", ("no drivable streets",)),
        ("empty.net.xml", b'<net version="1.20"></net>', ("no drivable streets",)),
    ],
)
def test_wrong_files_are_refused_with_a_way_out(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_bytes(content)
    refused(path, *words)


def test_a_map_of_footpaths_has_no_drivable_streets(tmp_path):
    path = tmp_path / "park.osm"
    path.write_text(extract(way(1, [4, 1, 2], highway="footway"), way(2, [5, 1, 3], highway="cycleway")))
    refused(path, "no drivable streets")


def test_streets_whose_nodes_are_missing_are_refused(tmp_path):
    path = tmp_path / "torn.osm"
    path.write_text(extract(way(1, [77, 78], highway="residential")))
    refused(path)


def test_missing_file_and_folder_are_refused(tmp_path):
    refused(tmp_path / "absent.osm", "no such file")
    refused(tmp_path, "folder")


def test_missing_netconvert_says_how_to_install_it(osm, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "sumo", None)
    monkeypatch.setattr(tool.shutil, "which", lambda name: None)
    with pytest.raises(MapError, match=r'pip install "xiaolu\[maps\]"'):
        import_map(osm)


def test_a_failing_netconvert_is_quoted(osm, tmp_path):
    with pytest.raises(MapError, match=r"crossroads\.osm.*Error"):
        tool.run_netconvert([f"--osm-files={tmp_path}/none.xml"], osm, tmp_path / "out.net.xml")


def test_no_room_for_the_compiler_is_told(osm, monkeypatch):
    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(MapError, match="No space left"):
        import_map(osm)


# What central Shanghai becomes.


def test_every_junction_lane_comes_from_somewhere_and_leads_somewhere(shanghai):
    inside = (shanghai.lane_kind == LaneKind.DRIVE) & (shanghai.lane_turn != Turn.NONE)
    before = np.bincount(shanghai.next_lane, minlength=shanghai.lanes)
    assert (before[inside] > 0).all() and (np.diff(shanghai.next_start)[inside] > 0).all()
    assert (shanghai.lane_junction[inside] >= 0).all()


def test_lanes_join_without_a_gap_or_a_corner(shanghai):
    start, end = shanghai.points[shanghai.point_start[:-1]], shanghai.points[shanghai.point_start[1:] - 1]
    lane, following = pairs(shanghai.next_start, shanghai.next_lane)
    assert np.abs(end[lane] - start[following])[:, :2].max() < 0.5
    assert np.abs(end[lane] - start[following])[:, 2].max() < 0.5
    drive = (shanghai.lane_kind[lane] == LaneKind.DRIVE) & (shanghai.lane_kind[following] == LaneKind.DRIVE)
    ahead = shanghai.points[shanghai.point_start[:-1] + 1] - start
    back = end - shanghai.points[shanghai.point_start[1:] - 2]
    turn = np.arctan2(ahead[following, 1], ahead[following, 0]) - np.arctan2(back[lane, 1], back[lane, 0])
    assert np.abs(np.angle(np.exp(1j * turn[drive]))).max() < 0.81


def test_points_are_evenly_spaced(shanghai):
    for lane in np.flatnonzero(shanghai.lane_kind == LaneKind.DRIVE)[::17]:
        step = np.hypot(*np.diff(shanghai.line(lane)[:, :2], axis=0).T)
        assert step.max() <= 1.5 + 1e-6
        assert step.max() - step.min() < 0.25 * step.max() + 1e-6


def test_right_of_way_is_between_lanes_that_meet(shanghai, strips):
    for start, values in ((shanghai.yield_start, shanghai.yield_lane), (shanghai.cross_start, shanghai.cross_lane)):
        mine, other = pairs(start, values)
        assert shapely.dwithin(strips[mine], strips[other], 0.5).all()
    mine, other = pairs(shanghai.yield_start, shanghai.yield_lane)
    assert set(zip(mine, other, strict=True)) <= set(
        zip(*pairs(shanghai.cross_start, shanghai.cross_lane), strict=True)
    )
    assert not (shanghai.lane_kind[mine] == LaneKind.CROSSING).any()
    assert (shanghai.lane_kind[other] == LaneKind.CROSSING).sum() > 500


def test_stop_lines_lie_before_signals_and_off_crossings(shanghai, strips):
    lanes = np.flatnonzero(~np.isnan(shanghai.stop_s_m))
    assert len(lanes) > 300
    places = shapely.points([shanghai.pose_at(n, shanghai.stop_s_m[n])[:2] for n in lanes])
    zebras = strips[shanghai.lane_kind == LaneKind.CROSSING]
    on = np.unique(shapely.STRtree(zebras).query(places, predicate="intersects")[0])
    assert len(on) < 0.03 * len(lanes)
    assert all((shanghai.lane_signal[shanghai.following(n)] >= 0).any() for n in lanes)
    assert (shanghai.stop_s_m[lanes] <= shanghai.lane_length_m[lanes]).all()


def test_heads_face_their_traffic_on_the_far_side(shanghai):
    stops: dict[int, list[int]] = {}
    for n in np.flatnonzero(~np.isnan(shanghai.stop_s_m)):
        for follow in shanghai.following(n):
            stops.setdefault(int(follow), []).append(int(n))
    heads = np.flatnonzero(~shanghai.head_walk)
    assert len(heads) > 200 and (shanghai.lane_signal[shanghai.head_lane] >= 0).all()
    right = []
    for head in heads:
        x, y, _, facing = shanghai.head_pose[head]
        sx, sy, _, yaw = shanghai.pose_at(stops[int(shanghai.head_lane[head])][0], 1e9)
        ahead, side = np.array([[np.cos(yaw), np.sin(yaw)], [np.sin(yaw), -np.cos(yaw)]]) @ (x - sx, y - sy)
        assert 12.2 < ahead < 36.0  # MUTCD 4D.14: at least 40 ft beyond the line
        assert np.cos(facing - yaw) < -0.95
        right.append(side)
    assert np.mean((np.array(right) > 0.5) & (np.array(right) < 4.5)) > 0.9
    approaches = {int(n) for n in shanghai.head_lane[heads]}
    signalled = np.flatnonzero((shanghai.lane_signal >= 0) & (shanghai.lane_kind == LaneKind.DRIVE))
    assert len(approaches) <= len(signalled)


def test_signals_go_red_green_yellow_red(shanghai):
    for column in range(len(shanghai.signal_program)):
        program = shanghai.signal_program[column]
        rows = slice(shanghai.program_start[program], shanghai.program_start[program + 1])
        state = shanghai.phase_state[rows, shanghai.signal_column[column]]
        after = np.roll(state, -1)
        assert not ((state == LampColour.GREEN) & (after == LampColour.RED)).any()
        assert not ((state == LampColour.RED) & (after == LampColour.YELLOW)).any()
        assert not ((state == LampColour.YELLOW) & (after == LampColour.GREEN)).any()
        assert (state == LampColour.GREEN).any()


def test_buildings_stand_on_nothing_that_moves(shanghai, strips):
    footprints = np.split(shanghai.building_points, shanghai.building_start[1:-1])
    shapes = np.array([shapely.Polygon(f) for f in footprints])
    assert (
        len(shapes) > 2000
        and shapely.is_valid(shapes).all()
        and shapely.is_ccw(shapely.get_exterior_ring(shapes)).all()
    )
    ground = strips[shanghai.lane_layer >= 0]
    assert not len(shapely.STRtree(ground).query(shapes, predicate="intersects")[0])
    assert shanghai.building_height_m.min() >= 3.0 and shanghai.building_height_m.max() <= 45.0


def test_parked_cars_leave_room_to_pass_and_keep_off_junctions(shanghai, strips):
    parked = shanghai.prop_pose[shanghai.prop_kind == PropKind.PARKED_CAR]
    assert len(parked) > 200
    along = np.array([2.3, -2.3, -2.3, 2.3])
    across = np.array([0.92, 0.92, -0.92, -0.92])
    cos, sin = np.cos(parked[:, 2])[:, None], np.sin(parked[:, 2])[:, None]
    corners = np.stack([parked[:, :1] + cos * along - sin * across, parked[:, 1:2] + sin * along + cos * across], -1)
    boxes = shapely.polygons(corners)
    drive = strips[(shanghai.lane_kind == LaneKind.DRIVE) & (shanghai.lane_layer == 0) & (shanghai.lane_junction < 0)]
    car, lane = shapely.STRtree(drive).query(boxes, predicate="intersects")
    assert (shapely.area(shapely.intersection(boxes[car], drive[lane])) / 4.6).max() < 0.4
    inside = strips[(shanghai.lane_kind == LaneKind.DRIVE) & (shanghai.lane_turn != Turn.NONE)]
    assert not len(shapely.STRtree(inside).query(boxes, predicate="dwithin", distance=3.0)[0])


def test_pickup_points_have_names_and_lie_on_streets(shanghai):
    assert len(shanghai.pickup_lane) > 100
    assert len(set(shanghai.places)) == len(shanghai.places)
    assert (shanghai.lane_right[shanghai.pickup_lane] < 0).all()
    assert (shanghai.pickup_s_m < shanghai.lane_length_m[shanghai.pickup_lane]).all()


def test_inference_is_written_down(shanghai):
    assert any("4.8" in note for note in shanghai.meta["inference"])
    assert set(shanghai.lane_layer.tolist()) == {-1, 0, 1}
    assert np.abs(shanghai.points[:, 2]).max() > 5.0
