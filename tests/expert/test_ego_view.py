"""A user would lose: a teacher that stops for somebody no camera shows, and a learner that cannot know why."""

import numpy as np
import pytest

from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG, camera_named
from xiaolu.core.users import ON_FOOT
from xiaolu.expert.teacher import Teacher
from xiaolu.ride.config import RideConfig
from xiaolu.ride.ride import Ride
from xiaolu.world.ego_view import BODY_PX, EYES, PERSON_PX
from xiaolu.world.generate import Family, generate_town
from xiaolu.world.routing import draw_ride

NAMES = ("narrow", "wide", "left", "right", "rear")


def test_its_eyes_are_the_rigs_cameras():
    for name, eye in zip(NAMES, EYES, strict=True):
        camera = camera_named(RIG, name)
        place, ahead = camera.ego_from_camera[:3, 3], camera.ego_from_camera[:3, 2]
        assert np.allclose(place, (eye.x_m, eye.y_m, eye.z_m))
        level = np.cos(eye.pitch_rad)
        assert np.allclose(
            ahead, (level * np.cos(eye.yaw_rad), level * np.sin(eye.yaw_rad), -np.sin(eye.pitch_rad)), atol=1e-9
        )
        assert np.allclose(camera.intrinsics[0, 0], eye.focal_px)
        assert (camera.width_px, camera.height_px) == (eye.width_px, eye.height_px)


@pytest.mark.parametrize("family", Family)
def test_rays_and_rendered_ids_agree_in_95_of_100(family):
    seed = 801030
    town = generate_town(800004, family)
    route = draw_ride(town, seed, 250.0)
    ride = Ride(RideConfig(town=town, seed=seed, route=route, density=1.5), Teacher(town, route))
    agree = []
    with Renderer(town) as renderer:
        for tick in range(300):
            if ride.done:
                break
            if tick % 25 == 20:
                scene = ride.scene()
                shown = renderer.pixels(scene, NAMES)
                users = scene.users
                for n in np.flatnonzero(users.active):
                    pixels = max(int((image.uid == users.uid[n]).sum()) for image in shown.values())
                    least = PERSON_PX if users.kind[n] in ON_FOOT else BODY_PX
                    agree.append(bool(scene.visible[n]) == (pixels >= least))
            ride.step()
    assert len(agree) > 200
    assert np.mean(agree) >= 0.95, f"{np.mean(agree):.3f} of {len(agree)}"
