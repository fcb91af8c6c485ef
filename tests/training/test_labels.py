"""A lamp of a few pixels must not be lost in its cell, and what is rare must be seen often enough."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.made_moments import MadeMoments
from xiaolu.cameras.classes import PixelClass
from xiaolu.core.decision import Pace, PathMode, Strategy
from xiaolu.training.interest import interest_of, people_near
from xiaolu.training.labels import Columns, cell_labels, columns_of, held_out_moments, memory_links, row_of
from xiaolu.training.loader import FrameStore


def test_two_red_pixels_make_a_red_cell_and_one_does_not() -> None:
    pixels = np.full((16, 24), PixelClass.BUILDING, np.uint8)
    pixels[3, 3:5] = PixelClass.LAMP_RED
    pixels[11, 11] = PixelClass.LAMP_RED
    depth = np.full((16, 24), 30.0)
    depth[3, 3:5] = 20.0
    classes, depths = cell_labels(pixels, depth)
    assert classes.tolist() == [[PixelClass.LAMP_RED, 5, 5], [5, 5, 5]]
    np.testing.assert_allclose(depths, [[20.0, 30.0, 30.0], [30.0, 30.0, 30.0]], rtol=1e-3)


def test_sky_has_no_depth_and_a_mixed_cell_shows_most_of_it() -> None:
    pixels = np.full((8, 16), PixelClass.SKY, np.uint8)
    pixels[4:, 8:] = PixelClass.ROAD
    pixels[3, 8:] = PixelClass.ROAD
    depth = np.where(pixels == PixelClass.ROAD, 12.0, np.inf)
    classes, depths = cell_labels(pixels, depth)
    assert classes.tolist() == [[PixelClass.SKY, PixelClass.ROAD]]
    assert depths[0, 0] == np.inf and depths[0, 1] == pytest.approx(12.0)


def changed(columns: Columns, **values: np.ndarray) -> Columns:
    return replace(columns, **values)


def test_only_moments_of_one_rig_are_each_others_memory() -> None:
    columns = columns_of(MadeMoments(16))
    links = memory_links(columns, 3)
    assert links[7].tolist() == [7, 6, 5, 4] and links[8].tolist() == [8, -1, -1, -1]
    window = np.zeros(16, np.int64)
    window[2:4] = 1
    links = memory_links(changed(columns, window=window), 2)
    assert links[3].tolist() == [3, 2, -1] and links[4].tolist() == [4, -1, -1]


def test_long_waits_are_shown_less_and_starts_more() -> None:
    columns = columns_of(MadeMoments(8))
    still = changed(
        columns, now_mps=np.zeros(8, np.float32), pace=np.full(8, Pace.STOP), speed_mps=0.0 * columns.speed_mps
    )
    start = changed(still, pace=np.full(8, Pace.GO), speed_mps=columns.speed_mps * 0 + 3.0)
    nobody = np.zeros(8, bool)
    assert interest_of(still, nobody)[0] >= 1.0 and (interest_of(still, nobody)[1:] < 1.0).all()
    assert (interest_of(start, nobody) > 2.0).all()


def test_moments_beside_somebody_vulnerable_are_shown_more(tmp_path: Path) -> None:
    source = MadeMoments(4)
    columns = changed(columns_of(source), now_mps=np.full(4, 3.0, np.float32))
    store = FrameStore(source, tmp_path, "a")
    store.fill_all()
    name = source.cameras[0].name
    spans = {(field, camera): (start, end) for field, camera, start, end, _ in store.parts}
    store.data[:, slice(*spans["classes", name])] = PixelClass.ROAD
    store.data[1, spans["classes", name][0] + np.arange(2)] = PixelClass.PERSON
    depth_m = np.full((spans["depths", name][1] - spans["depths", name][0]) // 2, 5.0, np.float16)
    store.data[:, slice(*spans["depths", name])] = depth_m.view(np.uint8)
    near = people_near(store)
    assert near[1] and not near[[0, 2]].any()
    plain = interest_of(columns, np.zeros(4, bool))
    assert interest_of(columns, near)[1] == 2.0 * plain[1]


def test_reverse_is_left_out() -> None:
    moment = MadeMoments(1).moment(0)
    row = row_of(replace(moment, strategy=Strategy(PathMode.REVERSE, Pace.GO)))
    columns = Columns(*(np.array([value]) for value in row))
    assert not interest_of(columns, np.ones(1, bool)).any()


def test_whole_episodes_are_held_out() -> None:
    columns = columns_of(MadeMoments(80))
    held = held_out_moments(columns, 0.3, 0)
    assert held.sum() == 24
    assert all(
        held[columns.episode == episode].all() or not held[columns.episode == episode].any() for episode in range(10)
    )
