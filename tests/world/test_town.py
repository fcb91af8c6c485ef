"""Without these, a town file that was cut short would be driven in, or a full disk would leave half of one behind."""

import json
import zipfile
from dataclasses import replace

import numpy as np
import pytest

from tests.towns import crossroads
from xiaolu.world.town import LaneKind, Turn, array_names, load_town, save_town, without_extras


def test_a_saved_town_is_the_same_town(small_town, tmp_path):
    save_town(small_town, tmp_path / "a.town")
    again = load_town(tmp_path / "a.town")
    assert again.digest() == small_town.digest()
    assert again.meta == small_town.meta and again.streets == small_town.streets and again.places == small_town.places
    for name in array_names():
        assert getattr(again, name).dtype == getattr(small_town, name).dtype
    assert not list(tmp_path.glob("*.part"))


def test_saving_twice_gives_the_same_bytes(small_town, tmp_path):
    for name in "ab":
        save_town(small_town, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def rewritten(source, target, version, leave_out):
    """Copy a town file under another format number and without some arrays."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            if name == "town.json":
                new.writestr(name, json.dumps({**json.loads(old.read(name)), "format": version}))
            elif name.removesuffix(".npy") not in leave_out:
                new.writestr(name, old.read(name))


def test_towns_of_the_first_format_are_still_driven_in_and_have_the_digest_they_had(small_town, tmp_path):
    save_town(small_town, tmp_path / "new.town")
    rewritten(tmp_path / "new.town", tmp_path / "old.town", 1, without_extras(0))
    old = load_town(tmp_path / "old.town")
    assert old.digest() == small_town.digest()
    assert not old.lane_private.any() and np.isnan(old.waiting_s_m).all() and len(old.waiting_s_m) == old.lanes
    gated = replace(small_town, gate_lane=np.zeros(1, np.int32), gate_s_m=np.ones(1))
    assert gated.digest() != small_town.digest()


def test_towns_of_a_later_format_are_refused(small_town, tmp_path):
    save_town(small_town, tmp_path / "new.town")
    rewritten(tmp_path / "new.town", tmp_path / "later.town", 99, ())
    with pytest.raises(ValueError, match=r"later\.town: town format 99.*import the map again"):
        load_town(tmp_path / "later.town")


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.95, 0.999])
def test_a_truncated_town_is_refused(small_town, tmp_path, share):
    path = tmp_path / "cut.town"
    save_town(small_town, path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(ValueError, match=r"cut\.town.*town import"):
        load_town(path)


def test_a_damaged_town_is_refused(small_town, tmp_path):
    path = tmp_path / "flipped.town"
    save_town(small_town, path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"flipped\.town"):
        load_town(path)


def test_a_missing_town_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="town import"):
        load_town(tmp_path / "none.town")


def test_a_full_disk_leaves_the_old_town_and_no_half_one(small_town, tmp_path, monkeypatch):
    path = tmp_path / "kept.town"
    path.write_bytes(b"the town of yesterday")

    def full(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match=r"kept\.town.*No space left"):
        save_town(small_town, path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept.town"]
    assert path.read_bytes() == b"the town of yesterday"


def test_arrays_of_a_town_cannot_be_changed(small_town):
    with pytest.raises(ValueError, match="read-only"):
        small_town.points[0, 0] = 1.0


def test_pose_runs_along_the_lane(small_town):
    lane = small_town.meta["lanes"]["Win"]
    x, y, z, yaw = small_town.pose_at(lane, 10.0)
    assert (x, y, z, yaw) == pytest.approx((-140.0, -1.625, 0.0, 0.0))
    assert small_town.pose_at(lane, -5.0)[0] == pytest.approx(-150.0)
    assert small_town.pose_at(lane, 1e9)[0] == pytest.approx(-14.0)


def test_the_small_town_hangs_together(small_town):
    town = crossroads()
    assert town.digest() == small_town.digest()
    start, end = town.points[town.point_start[:-1]], town.points[town.point_start[1:] - 1]
    lane = np.repeat(np.arange(town.lanes), np.diff(town.next_start))
    assert np.abs(end[lane] - start[town.next_lane]).max() < 1e-9
    drive = (town.lane_kind == LaneKind.DRIVE) & (town.lane_junction >= 0)
    for turn, count in ((Turn.STRAIGHT, 6), (Turn.LEFT, 6), (Turn.RIGHT, 6)):
        assert (town.lane_turn[drive] == turn).sum() == count


def test_shanghai_is_small_and_loads(shanghai, tmp_path):
    path = tmp_path / "shanghai.town"
    save_town(shanghai, path)
    assert path.stat().st_size < 10e6
    assert load_town(path).digest() == shanghai.digest()
