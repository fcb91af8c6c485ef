"""What weather and a camera's faults do to pictures: without them a driver learns to see on fine days only."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from tests.cameras.scenes import scene_of
from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.light import light_of
from xiaolu.cameras.rig import RIG, camera_named
from xiaolu.cameras.sensor import lost, taken
from xiaolu.cameras.town_mesh import FAR_M
from xiaolu.core.conditions import CONDITIONS, FOG, LOW_SUN, NIGHT, NIGHT_RAIN, SUN, Conditions
from xiaolu.core.decision import LampColour
from xiaolu.core.observation import EgoState, Observation
from xiaolu.core.rates import TICK_NS
from xiaolu.core.users import Kind
from xiaolu.episodes.record import from_record, to_record
from xiaolu.ride.drivers import SHIPPED, make_driver

NAMES = tuple(camera.name for camera in RIG)
POSE = (-70.0, -1.6, 0.0)
CAR = {"kind": Kind.CAR, "x_m": -45.0, "y_m": 1.6, "yaw_rad": np.pi, "lane": 0, "style": 2}
PERFECT = {"metering": 0.0, "noise": 0.0, "blur": 0.0, "lens_drops": 0.0, "streaks": 0.0, "frame_drop": 0.0}

DIGEST = """
import hashlib
from tests.cameras.scenes import scene_of
from tests.cameras.test_weather import CAR, NAMES, POSE
from tests.towns import crossroads
from xiaolu.cameras.renderer import Renderer
from xiaolu.core.conditions import CONDITIONS
total = hashlib.sha256()
with Renderer(crossroads()) as renderer:
    for conditions in CONDITIONS.values():
        scene = scene_of(renderer.town, POSE, [CAR], conditions, stamp_ns=700_000_000, speed_mps=8.0)
        for frame in renderer.frames(scene, NAMES):
            total.update(frame.image.tobytes())
print(total.hexdigest())
"""


def without_camera(conditions):
    """Return the conditions seen by a camera that has no faults."""
    return replace(conditions, **PERFECT)


def test_the_same_seed_gives_the_same_pixels_in_two_processes(renderer, small_town):
    total = hashlib.sha256()
    for conditions in CONDITIONS.values():
        scene = scene_of(small_town, POSE, [CAR], conditions, stamp_ns=700_000_000, speed_mps=8.0)
        for frame in renderer.frames(scene, NAMES):
            total.update(frame.image.tobytes())
    answer = subprocess.run([sys.executable, "-c", DIGEST], check=True, capture_output=True, text=True)
    assert answer.stdout.strip() == total.hexdigest()


def test_every_moment_every_camera_and_every_seed_has_noise_of_its_own(renderer, small_town):
    grey = np.full((64, 128, 3), 90, np.uint8)

    def noise(seed, stamp_ns, name):
        scene = scene_of(small_town, POSE, conditions=replace(SUN, noise=1.0), stamp_ns=stamp_ns, seed=seed)
        return taken(grey, camera_named(RIG, name), scene, light_of(scene.conditions)).astype(float) - 90.0

    one = noise(1, 0, "left")
    assert abs(one.mean()) < 0.5 and 6.0 < one.std() < 16.0
    for other in (noise(2, 0, "left"), noise(1, TICK_NS, "left"), noise(1, 0, "right")):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 0.05
    assert (one == noise(1, 0, "left")).all()


@pytest.mark.parametrize("name", ["sun", "overcast", "dusk", "rain"])
def test_a_camera_without_faults_changes_nothing(small_town, name):
    scene = scene_of(small_town, POSE, conditions=CONDITIONS[name])
    image = np.zeros((64, 128, 3), np.uint8)
    assert taken(image, camera_named(RIG, "left"), scene, light_of(scene.conditions)) is image


def test_frames_are_lost_as_often_as_said_and_one_camera_at_a_time(renderer, small_town):
    conditions = replace(SUN, frame_drop=0.2)
    scenes = [scene_of(small_town, POSE, conditions=conditions, stamp_ns=k * TICK_NS) for k in range(400)]
    gone = np.array([[lost(scene, name) for name in NAMES] for scene in scenes])
    assert gone.mean() == pytest.approx(0.2, abs=0.03)
    assert np.abs(np.corrcoef(gone.T) - np.eye(len(NAMES))).max() < 0.25
    k = int(np.flatnonzero(gone.any(1))[0])
    arrived = [frame.camera.name for frame in renderer.frames(scenes[k], NAMES)]
    assert arrived == [name for name, out in zip(NAMES, gone[k], strict=True) if not out]
    assert set(renderer.images(scenes[k], NAMES)) == set(NAMES), "a film can still be made of it"


def test_the_shipped_driver_copes_with_frames_that_never_arrive(renderer, small_town):
    driver = make_driver(SHIPPED, small_town, None)
    driver.reset(0)
    conditions = replace(SUN, frame_drop=0.3)
    for k in range(12):
        scene = scene_of(small_town, POSE, conditions=conditions, stamp_ns=k * TICK_NS)
        ego = EgoState(scene.stamp_ns, 0.0, 0.0, 0.0, 0.0, np.zeros(3))
        decision = driver.drive(Observation(scene.stamp_ns, renderer.frames(scene, driver.cameras), ego))
        assert np.isfinite(decision.plan.speed_mps).all()


def brightness(renderer, scene, mask):
    seen = renderer.pixels(scene, ["wide"])["wide"]
    return seen.image[mask(seen)].mean()


def ground_ahead(low_m, high_m):
    return lambda seen: (seen.classes == PixelClass.ROAD) & (seen.depth_m > low_m) & (seen.depth_m < high_m)


def test_headlamps_light_the_road_ahead(renderer, small_town):
    night = without_camera(NIGHT)
    scene = scene_of(small_town, POSE, conditions=night)
    near = brightness(renderer, scene, ground_ahead(6.0, 12.0))
    far = brightness(renderer, scene, ground_ahead(55.0, 80.0))
    assert near > far + 20
    assert near < 130, "night is not day"


def test_other_cars_headlamps_shine_and_parked_cars_stay_dark(renderer, small_town):
    night = without_camera(NIGHT)

    def peak(**changes):
        scene = scene_of(small_town, POSE, [CAR | changes], night)
        seen = renderer.pixels(scene, ["narrow"])["narrow"]
        return seen.image[seen.uid == 1000].max(-1)

    driving, parked = peak(), peak(lane=-1)
    assert (driving > 240).sum() >= 12
    assert (parked > 240).sum() == 0
    behind = scene_of(small_town, POSE, [CAR | {"yaw_rad": 0.0, "lights": 1}], night)
    image = renderer.images(behind, ["narrow"])["narrow"].astype(int)
    calm = scene_of(small_town, POSE, [CAR | {"yaw_rad": 0.0}], night)
    other = renderer.images(calm, ["narrow"])["narrow"].astype(int)
    assert (image[..., 0] - other[..., 0] > 40).sum() >= 15, "braking is told from driving by night"


def test_street_lamps_light_what_is_below_them(renderer, small_town):
    from xiaolu.cameras.lamps import street_lamps

    lamps = street_lamps(small_town)
    assert len(lamps) > 3
    from xiaolu.cameras.rig import project, world_from_camera

    scene = scene_of(small_town, POSE, conditions=without_camera(NIGHT))
    camera = camera_named(RIG, "wide")
    image = renderer.images(scene, ["wide"])["wide"]
    camera_from_world = np.linalg.inv(world_from_camera(camera, scene.ego_pose, scene.ego_z_m))
    place, depth = project(camera, camera_from_world, lamps)
    inside = (depth > 5.0) & (place > 1.0).all(-1) & (place[:, 0] < 190.0) & (place[:, 1] < 94.0)
    lit = [image[int(v) - 1 : int(v) + 2, int(u) - 1 : int(u) + 2].max() for u, v in place[inside]]
    assert len(lit) and max(lit) > 200


def test_wet_roads_mirror_lamps(renderer, small_town):
    car = CAR | {"x_m": -50.0, "y_m": -1.6, "yaw_rad": 0.0, "lights": 1}

    def red_below(conditions):
        seen = renderer.pixels(scene_of(small_town, POSE, [car], conditions), ["wide"])["wide"]
        road = (seen.classes == PixelClass.ROAD) & (seen.depth_m < 16.0)
        pixels = seen.image[road].astype(int)
        return (pixels[:, 0] - pixels[:, 1]).max()

    dry = without_camera(NIGHT)
    assert red_below(replace(dry, rain=0.9)) > red_below(dry) + 25


def test_fog_hides_what_is_far_by_its_distance(renderer, small_town):
    def contrast(x_m):
        car = CAR | {"x_m": x_m, "y_m": -1.6, "lane": -1, "style": 1}
        with_car = renderer.pixels(scene_of(small_town, POSE, [car], without_camera(FOG)), ["narrow"])["narrow"]
        without = renderer.images(scene_of(small_town, POSE, [], without_camera(FOG)), ["narrow"])["narrow"]
        mask = with_car.uid == 1000
        return np.abs(with_car.image[mask].astype(int) - without[mask]).mean()

    near, far = contrast(-50.0), contrast(0.0)
    assert far < 0.55 * near


def test_what_lies_beyond_the_visual_range_is_not_drawn_and_not_missed(renderer, small_town, monkeypatch):
    scene = scene_of(small_town, POSE, conditions=without_camera(FOG))
    drawn = renderer.images(scene, ["narrow"])["narrow"].astype(int)
    eye, blocks = np.array([*POSE[:2], 1.5]), np.arange(len(renderer._stage.town.count))
    assert light_of(FOG).visual_range_m < FAR_M < light_of(SUN).visual_range_m
    town = renderer._stage.town
    assert len(town.near(eye, 600.0, blocks, light_of(FOG).visual_range_m)) < len(town.near(eye, 600.0, blocks))
    monkeypatch.setattr("xiaolu.cameras.light.VISUAL_RANGE", 1e9)
    whole = renderer.images(scene, ["narrow"])["narrow"].astype(int)
    assert np.abs(drawn - whole).max() < 14 and np.abs(drawn - whole).mean() < 0.1


def test_a_low_sun_leaves_a_street_across_it_in_the_shade_of_its_houses(renderer, small_town):
    def road(azimuth_rad, shadows):
        conditions = without_camera(replace(LOW_SUN, glare=0.0, sun_azimuth_rad=azimuth_rad, shadows=shadows))
        scene = scene_of(small_town, POSE, conditions=conditions)
        return brightness(renderer, scene, ground_ahead(5.0, 30.0))

    assert road(np.pi, 1.0) > 1.35 * road(-np.pi / 2, 1.0)
    assert road(np.pi, 0.0) == pytest.approx(road(-np.pi / 2, 0.0), rel=0.05)


def test_the_sun_dazzles_who_looks_into_it(renderer, small_town):
    def veil(azimuth_rad):
        conditions = without_camera(replace(LOW_SUN, sun_azimuth_rad=azimuth_rad, shadows=0.0))
        image = renderer.images(scene_of(small_town, POSE, conditions=conditions), ["wide"])["wide"]
        plain = renderer.images(scene_of(small_town, POSE, conditions=replace(conditions, glare=0.0)), ["wide"])["wide"]
        return float(image.astype(float).mean() - plain.mean())

    assert veil(0.1) > 8.0
    assert abs(veil(np.pi)) < 0.5


@pytest.mark.parametrize("name", ["night", "night-rain", "fog", "heavy-rain", "low-sun"])
def test_a_person_in_the_beam_can_be_seen(renderer, small_town, name):
    person = {"kind": Kind.PEDESTRIAN, "x_m": -52.0, "y_m": -1.8, "yaw_rad": np.pi}

    def image(rows):
        conditions = replace(CONDITIONS[name], noise=0.0, metering=0.0)
        return renderer.pixels(scene_of(small_town, POSE, rows, conditions, lamp=LampColour.GREEN), ["narrow"])[
            "narrow"
        ]

    seen = image([person])
    mask = seen.uid == 1000
    assert np.abs(seen.image[mask].astype(int) - image([]).image[mask]).mean() > 12


def test_conditions_outside_their_range_are_named():
    with pytest.raises(ValueError, match=r"Conditions.lens_drops: 1.2 .* outside 0.0 to 1.0"):
        Conditions(lens_drops=1.2)


def test_conditions_survive_a_log_and_old_logs_are_read():
    assert from_record(Conditions, to_record(NIGHT_RAIN)) == NIGHT_RAIN
    old = {"sun_elevation_rad": 0.06, "sun_azimuth_rad": 0.8, "cloud": 0.3, "rain": 0.0, "fog": 0.0}
    assert from_record(Conditions, old) == CONDITIONS["dusk"]
