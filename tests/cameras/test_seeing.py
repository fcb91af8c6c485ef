"""What the driver must be able to read from the pictures: lamps, arms, weather, and the same twice."""

from itertools import pairwise

import numpy as np
import pytest

from tests.cameras.scenes import scene_of
from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG, camera_named
from xiaolu.core.camera import pinhole
from xiaolu.core.conditions import CONDITIONS, DUSK
from xiaolu.core.decision import LampColour
from xiaolu.core.users import Gesture, Kind, Thing

NAMES = tuple(camera.name for camera in RIG)
FACING_HEADS_AT_40_M = (-27.6, -1.6, 0.0)  # the narrow camera at -26 m, the heads at 14 m


def lamp_pixels(renderer, town, lamp, **kwargs):
    scene = scene_of(town, FACING_HEADS_AT_40_M, lamp=lamp, **kwargs)
    seen = renderer.pixels(scene, ["narrow"])["narrow"]
    wanted = {
        LampColour.RED: PixelClass.LAMP_RED,
        LampColour.YELLOW: PixelClass.LAMP_YELLOW,
        LampColour.GREEN: PixelClass.LAMP_GREEN,
        LampColour.FLASHING_GREEN: PixelClass.LAMP_GREEN,
    }[lamp]
    return seen.image[seen.classes == wanted].astype(float), seen


@pytest.mark.parametrize("conditions", CONDITIONS.values(), ids=CONDITIONS.keys())
def test_lamps_can_be_told_apart_at_40_m(renderer, small_town, conditions):
    colour = {}
    for lamp in (LampColour.RED, LampColour.YELLOW, LampColour.GREEN):
        pixels, _ = lamp_pixels(renderer, small_town, lamp, conditions=conditions)
        assert len(pixels) >= 8, "a lit lamp is at least 4 pixels; two heads face this way"
        colour[lamp] = pixels.mean(0)
    red, yellow, green = colour.values()
    assert red[0] > red[1] + 60
    assert green[1] > green[0] + 60
    assert yellow[0] > yellow[2] + 60
    assert yellow[1] > red[1] + 50


def test_a_flashing_green_blinks_once_a_second(renderer, small_town):
    lit = [
        len(lamp_pixels(renderer, small_town, LampColour.FLASHING_GREEN, stamp_ns=tenth * 100_000_000)[0]) > 0
        for tenth in range(10)
    ]
    assert lit == [True] * 5 + [False] * 5


def test_a_countdown_shows_its_digits(renderer, small_town):
    _, without = lamp_pixels(renderer, small_town, LampColour.RED)
    _, eight = lamp_pixels(renderer, small_town, LampColour.RED, countdown_s=8.0)
    _, nine = lamp_pixels(renderer, small_town, LampColour.RED, countdown_s=9.0)
    assert (without.image != eight.image).any(-1).sum() > 8
    assert (nine.image != eight.image).any()


@pytest.mark.parametrize("gesture", [Gesture.STOP, Gesture.GO, Gesture.SLOW_DOWN, Gesture.HAIL, Gesture.WAVE])
@pytest.mark.parametrize("kind", [Kind.PEDESTRIAN, Kind.OFFICER])
def test_a_raised_arm_shows_at_40_m(renderer, small_town, kind, gesture):
    def seen(doing, seconds=1.0):
        person = {"kind": kind, "x_m": -28.4, "y_m": 0.0, "yaw_rad": np.pi, "gesture": doing, "gesture_s": seconds}
        scene = scene_of(small_town, (-70.0, -1.6, 0.0), [person])
        return renderer.pixels(scene, ["narrow"])["narrow"]

    hanging = seen(Gesture.NONE)
    # A moving arm need not stand out at every moment, but within half a second.
    changed = {s: (np.abs(hanging.image.astype(int) - seen(gesture, s).image).max(-1) > 24).sum() for s in (0.8, 1.3)}
    assert max(changed.values()) >= 12
    raised = seen(gesture, max(changed, key=changed.__getitem__))
    assert (raised.classes == PixelClass.PERSON_ARM_RAISED).sum() >= 5
    assert not (hanging.classes == PixelClass.PERSON_ARM_RAISED).any()


def test_a_gesture_moves(renderer, small_town):
    def seen(seconds):
        person = {"kind": Kind.OFFICER, "x_m": -48.0, "y_m": 0.0, "yaw_rad": np.pi, "gesture": Gesture.GO}
        scene = scene_of(small_town, (-70.0, -1.6, 0.0), [person | {"gesture_s": seconds}])
        return renderer.frames(scene, ["narrow"])[0].image.astype(int)

    frames = [seen(s) for s in (0.0, 0.3, 1.8, 2.7)]
    for earlier, later in pairwise(frames):
        assert (np.abs(earlier - later).max(-1) > 24).sum() > 12


def test_brake_lamps_light_up(renderer, small_town):
    def red(lights):
        car = {"kind": Kind.CAR, "x_m": -40.0, "y_m": -1.6, "lights": lights}
        image = renderer.frames(scene_of(small_town, (-70.0, -1.6, 0.0), [car]), ["narrow"])[0].image.astype(int)
        return ((image[..., 0] > 200) & (image[..., 1] < 90)).sum()

    assert red(1) >= red(0) + 15


@pytest.mark.parametrize("kind", [kind for kind in Kind if kind is not Kind.OBJECT])
def test_every_kind_of_user_is_drawn_and_labelled(renderer, small_town, kind):
    user = {"kind": kind, "x_m": -58.0, "y_m": -1.0, "yaw_rad": 0.5, "uid": 2**40 + 5, "speed_mps": 1.0}
    seen = renderer.pixels(scene_of(small_town, (-70.0, -1.6, 0.0), [user]), ["wide"])["wide"]
    assert (seen.uid == 2**40 + 5).sum() > 10
    classes = set(np.unique(seen.classes[seen.uid == 2**40 + 5]))
    riders = {PixelClass.TWO_WHEELER, PixelClass.PERSON}
    expected = {PixelClass.VEHICLE} if kind <= Kind.BUS else riders if kind <= Kind.E_BIKE else {PixelClass.PERSON}
    assert classes == ({PixelClass.OBSTACLE} if kind == Kind.OBJECT else expected)


THING_SIZE_M = {
    Thing.CONE: (0.4, 0.4, 0.7),
    Thing.BARRIER: (2.0, 0.5, 1.0),
    Thing.BOX: (0.5, 0.5, 0.5),
    Thing.CAR_DOOR: (1.1, 0.14, 1.35),
    Thing.GATE_ARM: (4.0, 0.3, 1.1),
}


@pytest.mark.parametrize("thing", THING_SIZE_M)
def test_a_thing_on_the_road_is_as_big_as_it_says(renderer, small_town, thing):
    length_m, width_m, height_m = THING_SIZE_M[thing]

    def outline(scale):
        user = {"kind": Kind.OBJECT, "style": thing, "x_m": -46.0, "y_m": -1.6, "yaw_rad": np.pi / 2, "uid": 9}
        user |= {"length_m": scale * length_m, "width_m": scale * width_m, "height_m": scale * height_m}
        seen = renderer.pixels(scene_of(small_town, (-62.0, -1.6, 0.0), [user]), ["wide"])["wide"]
        v, u = np.nonzero(seen.uid == 9)
        expected = PixelClass.VEHICLE if thing == Thing.CAR_DOOR else PixelClass.OBSTACLE
        assert set(np.unique(seen.classes[seen.uid == 9])) == {expected}
        return np.array([np.ptp(u) + 1, np.ptp(v) + 1])

    focal_px, away_m = camera_named(RIG, "wide").focal_px, 16.0 - 1.6
    width_px, height_px = outline(1.0)
    assert width_px == pytest.approx(length_m * focal_px / away_m, abs=2.1), (
        "seen from the side, its length is its width"
    )
    assert height_px <= height_m * focal_px / away_m + 2.1
    assert (outline(2.0) >= 1.5 * outline(1.0)).all()


def test_a_door_has_the_paint_of_its_car(renderer, small_town):
    def paint(style):
        car = {"kind": Kind.CAR, "style": style, "x_m": -56.0, "y_m": 2.0, "yaw_rad": np.pi}
        other = {"kind": Kind.CAR, "style": 5, "x_m": -30.0, "y_m": 2.0}
        door = {"kind": Kind.OBJECT, "style": Thing.CAR_DOOR, "x_m": -56.2, "y_m": 0.5, "yaw_rad": 1.2, "uid": 9}
        door |= {"length_m": 1.1, "width_m": 0.14, "height_m": 1.35}
        seen = renderer.pixels(scene_of(small_town, (-66.0, -1.6, 0.0), [car, other, door]), ["wide"])["wide"]
        return seen.image[seen.uid == 9].astype(int)

    assert np.abs(paint(4) - paint(5)).max() > 40


def test_the_street_has_all_its_parts(renderer, small_town):
    seen = renderer.pixels(scene_of(small_town, (-70.0, -1.6, 0.0)), NAMES)
    found = {PixelClass(c) for view in seen.values() for c in np.unique(view.classes)}
    assert found >= {
        PixelClass.SKY,
        PixelClass.ROAD,
        PixelClass.MARKING,
        PixelClass.SIDEWALK,
        PixelClass.KERB,
        PixelClass.BUILDING,
        PixelClass.VEGETATION,
        PixelClass.GROUND,
        PixelClass.LAMP_RED,
        PixelClass.SIGNAL_BODY,
        PixelClass.POLE,
    }


def test_the_same_scene_gives_the_same_bytes(renderer, small_town):
    scene = scene_of(small_town, (-70.0, -1.6, 0.0), [{"kind": Kind.CAR, "x_m": -50.0, "y_m": -1.6}])
    first = renderer.frames(scene, NAMES)
    renderer.frames(scene_of(small_town, (20.0, 1.6, 3.0), conditions=DUSK), NAMES)
    labelled = renderer.pixels(scene, NAMES)
    for frame, again in zip(first, renderer.frames(scene, NAMES), strict=True):
        assert (frame.image == again.image).all()
        assert (frame.image == labelled[frame.camera.name].image).all(), "training sees what the runtime sees"
        alone = renderer.frames(scene, [frame.camera.name])[0]
        assert (frame.image == alone.image).all(), "which other cameras are drawn does not matter"


def test_two_renderers_do_not_disturb_each_other(renderer, small_town):
    scene = scene_of(small_town, (-70.0, -1.6, 0.0), [{"kind": Kind.BUS, "x_m": -50.0, "y_m": -1.6}])
    before = [frame.image for frame in renderer.frames(scene, NAMES)]
    with Renderer(small_town, RIG[:2]) as other:
        other.view(scene, pinhole("chase", 64, 48, 40.0, (-7.5, 0.0, 3.6, 0.0, 0.2)))
        between = [frame.image for frame in renderer.frames(scene, NAMES)]
        others = [frame.image for frame in other.frames(scene, NAMES[:2])]
    after = [frame.image for frame in renderer.frames(scene, NAMES)]
    for a, b, c in zip(before, between, after, strict=True):
        assert (a == b).all() and (a == c).all()
    assert (others[1] == before[1]).all()


def test_conditions_look_different(renderer, small_town):
    images = [
        renderer.frames(scene_of(small_town, (-70.0, -1.6, 0.0), conditions=c), ["wide"])[0].image.astype(int)
        for c in CONDITIONS.values()
    ]
    for k, one in enumerate(images):
        assert one.std() > 15, "nothing is a grey wall"
        for other in images[k + 1 :]:
            assert np.abs(one - other).mean() > 8


def test_a_film_shows_the_ego(renderer, small_town):
    image = renderer.view(
        scene_of(small_town, (-70.0, -1.6, 0.0)), pinhole("chase", 160, 90, 107.0, (-7.5, 0.0, 3.6, 0.0, 0.2))
    )
    assert image.shape == (90, 160, 3) and image.dtype == np.uint8
    red, green, _ = image[50:70, 70:90].reshape(-1, 3).astype(int).mean(0)
    assert green > red + 15, "the ego's paint is in the middle of the picture"
