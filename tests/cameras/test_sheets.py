"""A sheet that shows something else than it says, or a view of an empty wall, tells a reader nothing of the world."""

import numpy as np
import pytest
from PIL import Image

from xiaolu.cameras.sheets.hands import POLICE, acts_sheet
from xiaolu.cameras.sheets.paper import beside, grid, labelled, save, stacked
from xiaolu.cameras.sheets.sheet import SHEETS, make_sheet
from xiaolu.cameras.sheets.signals import states
from xiaolu.cameras.sheets.stand import Stand, users_before
from xiaolu.cameras.sheets.towns import places_of, sights_of
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Kind
from xiaolu.world.scenarios.towns import Towns
from xiaolu.world.signals import head_states, heads_of
from xiaolu.world.town import LaneKind, Turn


def picture(width: int, height: int) -> Image.Image:
    return Image.new("RGB", (width, height), (200, 30, 30))


def test_pictures_keep_their_size_on_a_sheet(tmp_path):
    row = beside([picture(30, 10), picture(20, 15)], gap_px=4)
    assert row.size == (54, 15)
    assert stacked([row, picture(10, 5)], gap_px=2).size == (54, 22)
    assert grid([picture(10, 10)] * 5, 2).size == (24, 38)
    assert labelled(picture(40, 10), "sun").size[0] == 40
    assert "54 x 15" in save(row, tmp_path / "new" / "row.webp")
    with pytest.raises(ValueError, match="webp"):
        save(row, tmp_path / "row.bmp")


def test_an_unknown_sheet_is_named_with_the_known_ones(tmp_path):
    with pytest.raises(ValueError, match="weather"):
        make_sheet("wether", Towns(tmp_path))


def test_every_sheet_has_its_place_on_a_page_and_stays_small(request):
    docs = request.config.rootpath / "docs"
    pages = "".join(page.read_text() for page in docs.glob("*.md"))
    for place, _ in SHEETS.values():
        shown = f"({place})" in pages
        assert shown or f"`{place}`" in pages
        assert not shown or (docs / place).stat().st_size < 260_000


def test_views_of_a_town_are_apart_and_show_what_is_there(small_town):
    places = places_of(small_town)
    _, where = sights_of(small_town)
    assert len(places) == 2 and np.hypot(*(places[0][:2] - places[1][:2])) > 50.0
    for x, y, yaw, _ in places:
        ahead = (where - [x, y]) @ [np.cos(yaw), np.sin(yaw)]
        assert ((ahead > 5.0) & (ahead < 38.0)).any()


def test_the_sheet_of_signals_shows_what_its_labels_say(small_town):
    ways = small_town.lane_signal >= 0
    ways &= small_town.lane_kind == LaneKind.DRIVE
    straight = next(
        int(lane)
        for lane in np.flatnonzero(ways & (small_town.lane_turn == Turn.STRAIGHT))
        if len(heads_of(small_town, int(lane)))
        and np.asarray(small_town.head_countdown)[heads_of(small_town, int(lane))[0]]
    )
    head = int(heads_of(small_town, straight)[0])
    shown = {}
    for name, faults, start_s, later_s in states(small_town, straight, straight):
        colour, digits = head_states(small_town, later_s, 1, faults, start_s)
        shown[name] = (LampColour(int(colour[head])), float(digits[head]))
    assert shown["red"][0] == LampColour.RED and 8.0 < shown["red"][1] < 9.0
    assert shown["green"][0] == LampColour.GREEN and shown["yellow"][0] == LampColour.YELLOW
    assert shown["flashing green, lit"][0] == LampColour.FLASHING_GREEN
    assert shown["red extended"][0] == LampColour.RED and shown["red extended"][1] <= 1.0
    assert np.isnan(shown["digits hidden"][1]) and shown["dark"][0] == LampColour.DARK


def test_a_gesture_moves_from_picture_to_picture(renderer):
    stand = Stand(renderer.town)
    sheet = np.asarray(acts_sheet(stand, POLICE[:1]), int)
    moments = [sheet[20:, n * 88 : (n + 1) * 88] for n in (0, 3)]  # a box of 2.2 m at 15 m is 88 px
    assert np.abs(moments[0] - moments[1]).max() > 60


def test_people_stand_where_they_are_put(small_town):
    users = users_before(np.array([10.0, 5.0, np.pi / 2, 0.0]), [{"kind": Kind.CHILD, "ahead_m": 20.0, "left_m": 2.0}])
    assert np.allclose([users.x_m[0], users.y_m[0]], [8.0, 26.6]) and users.height_m[0] == 1.2
    assert np.isclose(np.cos(users.yaw_rad[0] - np.pi / 2), -1.0)
