"""Hours of driving go through these files: what is read must be what was seen, a crash may cost one episode at most."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.episodes.recorded_moments import CAMERAS, moment, ride
from xiaolu.codec.moment import Moment
from xiaolu.core.camera import pinhole
from xiaolu.core.seeds import Split
from xiaolu.episodes import columns, lerobot
from xiaolu.episodes.dataset import Dataset, DatasetWriter, seeds_tried
from xiaolu.episodes.statistics import Statistics, of_rows, together


def write(root: Path, *seeds: int, length: int = 11) -> None:
    with DatasetWriter(root, CAMERAS) as writer:
        for seed in seeds:
            writer.append(ride(length, seed), seed, {"town": "t", "driver": "teacher"})


def assert_close(got: Moment, want: Moment) -> None:
    for name in want.images:
        np.testing.assert_array_equal(got.images[name], want.images[name])
        np.testing.assert_array_equal(got.class_map[name], want.class_map[name])
        np.testing.assert_allclose(got.depth_map[name], want.depth_map[name], rtol=0.02)
    assert (got.index, got.window, got.stamp_ns, got.instruction) == (
        want.index,
        want.window,
        want.stamp_ns,
        want.instruction,
    )
    assert (got.strategy, got.cause, got.signal) == (want.strategy, want.cause, want.signal)
    assert (got.signal_m, got.hazard_m) == (want.signal_m, want.hazard_m)
    np.testing.assert_allclose(got.path, want.path, atol=1e-5)
    np.testing.assert_allclose(got.speed_mps, want.speed_mps, atol=1e-5)
    np.testing.assert_allclose(got.ego.odometry, want.ego.odometry, atol=1e-5)
    assert got.ego.speed_mps == pytest.approx(want.ego.speed_mps) and got.ego.stamp_ns == want.ego.stamp_ns
    if want.route is None:
        assert got.route is None
    else:
        assert got.route is not None
        assert (got.route.stamp_ns, got.route.manoeuvre) == (want.route.stamp_ns, want.route.manoeuvre)
        assert got.route.distance_m == pytest.approx(want.route.distance_m)
        np.testing.assert_allclose(got.route.centre_line, want.route.centre_line, atol=1e-4)


def test_moments_come_back_grouped_by_window(tmp_path):
    write(tmp_path, 3, 5)
    dataset = Dataset(tmp_path)
    assert len(dataset) == 22 and dataset.episodes == 2 and dataset.seeds == [3, 5]
    keys = [(m.episode, m.window, m.index) for m in (dataset.moment(i, pixels=False) for i in range(22))]
    assert keys == sorted(keys) and len(set(keys)) == 22
    for number in range(22):
        got = dataset[number]
        seed = dataset.seeds[got.episode]
        assert_close(got, next(m for m in ride(11, seed) if m.index == got.index))
    bare = dataset.moment(4, pixels=False)
    assert bare.images == {} and bare.class_map == {} and bare.path.shape == dataset[4].path.shape


def test_resuming_goes_on_where_it_stopped(tmp_path):
    write(tmp_path, 3)
    write(tmp_path, 5)
    info = json.loads((tmp_path / lerobot.INFO).read_text())
    assert (info["total_episodes"], info["total_frames"], info["total_tasks"]) == (2, 22, 2)
    assert info["splits"] == {"train": "0:2"}
    index = np.concatenate([pq.read_table(lerobot.file_of(tmp_path, "data", i))["index"].to_numpy() for i in (0, 1)])
    np.testing.assert_array_equal(index, np.arange(22))
    np.testing.assert_array_equal(Dataset(tmp_path).stats["index"]["max"], [21])


def test_a_killed_writer_loses_at_most_the_episode_in_hand(tmp_path):
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom xiaolu.episodes import lerobot, dataset\n"
        "from tests.episodes.recorded_moments import CAMERAS, ride\n"
        "w = dataset.DatasetWriter(Path(sys.argv[1]), CAMERAS)\nw.append(ride(11, 1), 1)\n"
        "real = lerobot.write_table\n"
        "def dying(path, *a, **k):\n"
        "    if 'episodes' in str(path): os.kill(os.getpid(), signal.SIGKILL)\n"
        "    real(path, *a, **k)\n"
        "lerobot.write_table = dying\nw.append(ride(11, 2), 2)\n"
    )
    root = Path(__file__).parents[2]
    paths = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env=paths, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert lerobot.file_of(tmp_path, "data", 1).exists()  # half an episode lies there, and does not count
    assert Dataset(tmp_path).seeds == [1]
    write(tmp_path, 7)
    dataset = Dataset(tmp_path)
    assert dataset.seeds == [1, 7] and len(dataset) == 22
    assert_close(dataset[11], ride(11, 7)[0])


def test_two_writers_cannot_share_a_root_but_a_reader_joins_their_roots(tmp_path):
    first = DatasetWriter(tmp_path / "part-0", CAMERAS)
    with pytest.raises(BlockingIOError, match="being written"):
        DatasetWriter(tmp_path / "part-0", CAMERAS)
    first.append(ride(5, 1), 1)
    first.drop(4, "the teacher touched a bollard")
    first.close()
    write(tmp_path / "part-1", 2)
    dataset = Dataset(tmp_path)
    assert sorted(dataset.seeds) == [1, 2] and len(dataset) == 16
    assert dataset.moment(15, pixels=False).episode == 1
    assert seeds_tried(tmp_path) == {1, 2, 4}


def test_a_ride_recorded_twice_counts_once(tmp_path):
    write(tmp_path / "part-0", 1, 2)
    write(tmp_path / "part-1", 2, 3)
    dataset = Dataset(tmp_path)
    assert dataset.seeds == [1, 2, 3] and len(dataset) == 33


def test_other_cameras_are_refused(tmp_path):
    write(tmp_path, 1)
    with pytest.raises(ValueError, match="other cameras"):
        DatasetWriter(tmp_path, (pinhole("narrow", 64, 32, 61.0, (1.6, 0.0, 1.5, 0.0, -0.05)), CAMERAS[1]))


def test_splits_follow_seeds(tmp_path):
    write(tmp_path, 5, 800_001, length=3)
    assert Dataset(tmp_path, Split.TRAIN).seeds == [5]
    assert Dataset(tmp_path, Split.VALIDATION).seeds == [800_001]


def test_reading_from_threads_mixes_nothing_up(tmp_path):
    from concurrent.futures import ThreadPoolExecutor

    write(tmp_path, 1, 2, 3)
    dataset = Dataset(tmp_path)
    numbers = np.random.default_rng(0).integers(0, len(dataset), 200).tolist()
    with ThreadPoolExecutor(4) as pool:
        for number, got in zip(numbers, pool.map(dataset.moment, numbers), strict=True):
            want = moment(got.index, got.window, dataset.seeds[got.episode])
            np.testing.assert_array_equal(got.images["wide"], want.images["wide"], err_msg=str(number))


def test_no_data_set_says_how_to_make_one(tmp_path):
    with pytest.raises(FileNotFoundError, match="xiaolu collect"):
        Dataset(tmp_path)


def test_a_missing_statistic_raises_and_names_the_known(tmp_path):
    write(tmp_path, 1)
    stats = Dataset(tmp_path).stats
    with pytest.raises(KeyError, match="there are statistics of"):
        stats["observation.speed"]
    incomplete = {"a": {k: v for k, v in of_rows(np.ones((3, 2))).items() if k != "std"}}
    with pytest.raises(KeyError, match="std"):
        together([incomplete])
    assert isinstance(stats, Statistics)


def test_aggregated_statistics_are_those_of_all_rows():
    rng = np.random.default_rng(0)
    parts = [rng.normal(3.0, 2.0, (n, 3)) for n in (5, 50, 17)]
    whole, joined = of_rows(np.concatenate(parts)), together([{"x": of_rows(p)} for p in parts])["x"]
    for figure in ("min", "max", "mean", "std", "count"):
        np.testing.assert_allclose(joined[figure], whole[figure], atol=1e-12)


def test_depth_codes_keep_two_percent():
    depth_m = np.geomspace(0.5, 300.0, 1000)
    np.testing.assert_allclose(columns.depth_of(columns.depth_code(depth_m)), depth_m, rtol=0.015)
    assert np.isinf(columns.depth_of(columns.depth_code(np.array([np.inf, 400.0])))).all()


def test_image_columns_hold_png_bytes_as_lerobot_wants_them(tmp_path):
    write(tmp_path, 1, length=3)
    table = pq.read_table(lerobot.file_of(tmp_path, "data", 0))
    cell = table["observation.images.wide"][1].as_py()
    assert cell["path"] is None and cell["bytes"].startswith(b"\x89PNG")
    assert table.column_names == list(columns.lerobot_features(CAMERAS))
