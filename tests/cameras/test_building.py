"""A renderer that is slow to build, hungry or mute about what is missing would keep people from riding at all."""

import moderngl
import numpy as np
import pytest

from tests.cameras.scenes import scene_of
from xiaolu.cameras import context
from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.cameras.town_mesh import mesh_of
from xiaolu.cameras.triangulate import triangulate
from xiaolu.ride.drivers import BUNDLED_TOWN
from xiaolu.world.town import load_town


def area_of(points, triangles):
    a, b, c = (points[triangles[:, k]] for k in range(3))
    return 0.5 * ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))


@pytest.mark.parametrize("turning", [1, -1])
def test_a_polygon_with_bays_is_filled_exactly(turning):
    outline = np.array([[0, 0], [4, 0], [4, 3], [3, 3], [3, 1], [1, 1], [1, 3], [0, 3]], float)[::turning]
    triangles = triangulate(np.ascontiguousarray(outline), np.array([0, len(outline)]))
    areas = area_of(outline, triangles)
    assert (areas > 0).all()
    assert areas.sum() == pytest.approx(8.0)


def test_without_opengl_the_message_names_the_packages(monkeypatch):
    def refuse(**_options):
        raise OSError("libEGL.so not loaded")

    monkeypatch.setattr(moderngl, "create_context", refuse)
    context._context_of.cache_clear()
    try:
        with pytest.raises(context.NoGraphicsError, match=r"libEGL.so not loaded.*libegl1"):
            context._context_of(-1)
    finally:
        context._context_of.cache_clear()


def test_shanghai_is_drawn_sparingly(shanghai):
    mesh = mesh_of(shanghai)
    assert mesh.vertices.nbytes + mesh.indices.nbytes < 80e6
    for x, y in ((0.0, 0.0), (500.0, 300.0)):
        middle = shanghai.points[:, :2].mean(0)
        eye = np.array([middle[0] + x, middle[1] + y, 1.5])
        among = mesh.around(*eye[:2], 32.0)
        drawn = {camera.name: mesh.count[mesh.near(eye, camera.focal_px, among)].sum() // 3 for camera in RIG}
        assert max(drawn.values()) < 60_000, "a core draws some 5 million triangles a second, five cameras at 45 Hz"


def test_level_ground_by_the_horizon_is_not_drawn_and_not_missed(monkeypatch):
    town = load_town(BUNDLED_TOWN)
    lane = int(np.argmax(town.lane_length_m * (town.lane_layer == 0)))
    scene = scene_of(town, tuple(town.pose_at(lane, 5.0)[[0, 1, 3]]))
    names = [camera.name for camera in RIG]
    with Renderer(town) as renderer:
        mesh, eye = renderer._stage.town, np.array([*scene.ego_pose[:2], scene.ego_z_m + 1.2])
        around = mesh.around(*eye[:2], 0.0)
        drawn, few = renderer.images(scene, names), len(mesh.near(eye, 54.0, around))
        monkeypatch.setattr("xiaolu.cameras.town_mesh.FLAT_PX", 0.0)
        whole, all_of_them = renderer.images(scene, names), len(mesh.near(eye, 54.0, around))
    assert few < 0.95 * all_of_them
    for name in names:
        apart = np.abs(drawn[name].astype(int) - whole[name])
        assert (apart.max(-1) > 6).mean() < 0.002 and apart.mean() < 0.02, name
