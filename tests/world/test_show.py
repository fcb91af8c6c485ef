"""Without these, `xiaolu town show` and the pictures in the documentation would be missing or empty."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from xiaolu.world.routing import draw_ride
from xiaolu.world.show import draw_town, sheet
from xiaolu.world.town import Town


def colours(picture: Path) -> int:
    return len(np.unique(np.asarray(Image.open(picture).convert("RGB")).reshape(-1, 3)[::7], axis=0))


def test_a_town_and_a_ride_become_a_picture(small_town: Town, tmp_path: Path) -> None:
    plain, ridden = tmp_path / "plain.png", tmp_path / "ridden.png"
    draw_town(small_town, plain)
    draw_town(small_town, ridden, draw_ride(small_town, 1, 180.0), close_up=True)
    for picture in (plain, ridden):
        assert colours(picture) > 20
    blue = np.asarray(Image.open(ridden).convert("RGB")).astype(int)
    assert (blue[..., 2] - blue[..., 0] > 120).sum() > 500, "the ride is drawn in blue"


def test_vector_pictures_are_the_same_every_time(small_town: Town, tmp_path: Path) -> None:
    first, second = tmp_path / "a.svg", tmp_path / "b.svg"
    for out in (first, second):
        draw_town(small_town, out)
    assert first.read_bytes() == second.read_bytes()
    assert b"<svg" in first.read_bytes()


def test_an_unknown_format_is_refused_by_name(small_town: Town, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"\.png, \.svg, \.pdf"):
        draw_town(small_town, tmp_path / "town.doc")
    assert not list(tmp_path.iterdir())


def test_many_towns_fit_on_one_sheet(small_town: Town, tmp_path: Path) -> None:
    sheet([small_town] * 3, tmp_path / "sheet.png", columns=3)
    assert colours(tmp_path / "sheet.png") > 10
