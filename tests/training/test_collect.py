"""What a driver learns is what is recorded here: a wrong label in a shifted view teaches it to leave the road."""

from dataclasses import replace

import numpy as np
import pytest

from tests.towns import crossroads
from xiaolu.cameras.context import NoGraphicsError
from xiaolu.cameras.renderer import Renderer
from xiaolu.cameras.rig import RIG
from xiaolu.core.control import EGO_BODY
from xiaolu.core.decision import Decision, LampColour, Pace, PathMode, Strategy
from xiaolu.core.frames import relative, to_parent
from xiaolu.core.observation import Observation
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_TIMES_S, Plan
from xiaolu.core.seeds import Split
from xiaolu.episodes.dataset import Dataset, DatasetWriter
from xiaolu.episodes.lock import Lock
from xiaolu.training.collect import CollectConfig, collect, keep, record
from xiaolu.training.moments import Draft, sane, without_long_stands
from xiaolu.training.recording import Outline, Recording, Stage, outline_of
from xiaolu.training.shift import LATERAL_M, NONE, YAW_RAD, Shifts, room_for, shifted_pose
from xiaolu.training.sway import SwayedTeacher
from xiaolu.world.ground import Ground
from xiaolu.world.signals import heads_of
from xiaolu.world.town import LaneKind, save_town
from xiaolu.world.world import World

LENGTH_M = (120.0, 180.0)


@pytest.fixture(scope="module")
def stage():
    town = crossroads()
    try:
        renderer = Renderer(town)
    except NoGraphicsError as error:
        pytest.skip(str(error))
    yield Stage(town, Ground(town), World(town, density=0.6), renderer, 0.6)
    renderer.close()


@pytest.fixture(scope="module")
def recording(stage) -> Recording:
    """A ride of the teacher, driven and drawn."""
    for seed in range(10):
        outline = replace(outline_of(seed, LENGTH_M, 0.0, 0.0, 0.6), route_absent=False)
        recording = Recording(stage, seed, outline)
        recording.found = recording.run().moments  # type: ignore[attr-defined]
        if len(recording.found) > 20:  # type: ignore[attr-defined]
            return recording
    raise AssertionError("no ride of ten gave twenty moments")


def test_moments_hold_every_camera_and_label(recording):
    for moment in recording.found:
        for camera in RIG:
            assert moment.images[camera.name].shape == (camera.height_px, camera.width_px, 3)
        assert moment.class_map["narrow"].shape == moment.depth_map["narrow"].shape == (20, 40)
        assert moment.stamp_ns == moment.index * 500_000_000 == moment.ego.stamp_ns
    assert len({(m.window, m.index) for m in recording.found}) == len(recording.found)


def test_shifted_labels_lead_back_to_the_line(recording):
    """In the world, every label must end on the course, from whatever shifted place it begins."""
    course = recording.teacher.course.xy
    shifted = [d for d in recording.drafts if d.window and d.observation.ego.speed_mps > 1.0]
    assert shifted
    for draft in shifted:
        world = to_parent(draft.scene.ego_pose, draft.answer.plan.path[PATH_DISTANCES_M >= 20.0])
        away = np.hypot(*(world[:, None] - course[None]).transpose(2, 0, 1)).min(axis=1)
        assert away.max() < 1.5


def test_a_shift_moves_scene_and_odometry_alike(recording):
    """The route's line must lie where the shifted ego would see it."""
    for draft in recording.drafts:
        if not draft.window:
            continue
        _, shift = recording.shifts.at(draft.scene)
        moved = relative(draft.scene.ego_pose, shifted_pose(draft.scene.ego_pose, NONE))
        np.testing.assert_allclose(moved, 0.0, atol=1e-9)
        assert abs(shift[0]) <= LATERAL_M and abs(shift[1]) <= YAW_RAD
        assert room_for(draft.scene.ego_pose, draft.scene, recording.stage.ground, 0)


def test_windows_are_one_rig_each(stage, recording):
    shifts = Shifts(recording.seed)
    seen: dict[int, tuple[float, float]] = {}
    for draft in recording.drafts:
        window, shift = shifts.at(draft.scene)
        assert seen.setdefault(window, shift) == shift
    drawn = Shifts(1)
    scene = recording.drafts[0].scene
    share = np.mean([drawn.at(replace(scene, stamp_ns=k * 5_000_000_000))[0] > 0 for k in range(400)])
    assert 0.4 < share < 0.6
    fast = [Shifts(2).at(replace(scene, stamp_ns=k * 5_000_000_000, ego_speed_mps=12.0))[1][1] for k in range(100)]
    assert np.abs(fast).max() <= YAW_RAD / 3 + 1e-9


def test_the_same_seed_gives_the_same_moments(stage, recording):
    outline = outline_of(recording.seed, LENGTH_M, 0.0, 0.0, 0.6)
    again = Recording(stage, recording.seed, outline).run().moments
    assert len(again) == len(recording.found)
    for a, b in zip(again[::7], recording.found[::7], strict=True):
        np.testing.assert_array_equal(a.images["narrow"], b.images["narrow"])
        np.testing.assert_array_equal(a.path, b.path)
        assert (a.window, a.signal, a.cause) == (b.window, b.signal, b.cause)


def test_every_signalled_way_has_a_head_to_look_at():
    town = crossroads()
    ways = np.flatnonzero((town.lane_signal >= 0) & (town.lane_junction >= 0) & (town.lane_kind == LaneKind.DRIVE))
    assert len(ways)
    for lane in ways:
        heads = heads_of(town, int(lane))
        assert len(heads) and not town.head_walk[heads].any()


class _Wanderer:
    """A student that steers to the left, whatever it sees."""

    name = "wanderer"
    cameras = ("wide",)

    def __init__(self) -> None:
        self.saw = 0

    def reset(self, seed: int) -> None:
        self.saw = 0

    def drive(self, observation: Observation) -> Decision:
        self.saw += len(observation.frames)
        turn = 0.015 * PATH_DISTANCES_M
        path = np.stack([np.sin(turn), 1.0 - np.cos(turn)], axis=-1) / 0.015
        plan = Plan(path, np.minimum(observation.ego.speed_mps + 1.2 * SPEED_TIMES_S, 3.0))
        return Decision(observation.stamp_ns, plan, Strategy(PathMode.KEEP, Pace.GO))


def test_a_student_that_strays_is_taken_over_and_the_teacher_says_what_to_do(stage, recording):
    student = _Wanderer()
    on_policy = Recording(stage, recording.seed, outline_of(recording.seed, LENGTH_M, 0.0, 0.0, 0.6), student)
    recorded = on_policy.run()
    assert student.saw > 3 and recorded.takeovers >= 1
    assert recorded.moments and all(m.window == 0 for m in recorded.moments)
    astray = max(recorded.moments, key=lambda m: abs(m.path[PATH_DISTANCES_M == 10.0][0, 1]))
    assert astray.path[PATH_DISTANCES_M == 10.0][0, 1] < -0.3  # it strayed to the left: back to the right


def test_a_recorded_ride_is_kept_and_read_back(stage, recording, tmp_path):
    config = CollectConfig(out=tmp_path, length_m=LENGTH_M)
    with DatasetWriter(tmp_path / "part-00", stage.renderer.rig) as writer:
        keep(
            writer,
            recording.seed,
            type("R", (), {"moments": recording.found, "why": "arrived", "takeovers": 0})(),
            stage,
            config,
        )
    dataset = Dataset(tmp_path)
    assert len(dataset) == len(recording.found)
    by_index = {m.index: m for m in recording.found}
    for number in range(0, len(dataset), 5):
        got = dataset.moment(number)
        np.testing.assert_array_equal(got.images["rear"], by_index[got.index].images["rear"])
        np.testing.assert_array_equal(got.class_map["wide"], by_index[got.index].class_map["wide"])
        assert got.signal == by_index[got.index].signal


def test_only_training_and_validation_seeds_are_recorded(stage, tmp_path):
    with pytest.raises(ValueError, match="test seed"):
        CollectConfig(out=tmp_path, split=Split.TEST)
    with pytest.raises(ValueError, match="validation seed"):
        record(CollectConfig(out=tmp_path), stage, 800_000, None)


def test_a_nudge_is_smooth_and_zero_strength_is_the_teacher(recording):
    draft = recording.drafts[5]
    calm = SwayedTeacher(recording.teacher, 3, 0.0)
    nudged = SwayedTeacher(recording.teacher, 3, 1.0)
    memory = recording.teacher.snapshot()
    assert calm.drive_scene(draft.scene, draft.observation) is calm.answer
    offsets = []
    for tick in range(90):
        scene = replace(draft.scene, stamp_ns=tick * 100_000_000)
        recording.teacher.restore(memory)
        swayed = nudged.drive_scene(scene, draft.observation)
        assert nudged.answer is not None
        offsets.append((swayed.plan.path - nudged.answer.plan.path)[10])
    steps = np.diff(np.array(offsets), axis=0)
    assert np.abs(steps).max() < 0.1 and np.abs(offsets).max() < 1.0 and np.abs(offsets).max() > 0.01
    recording.teacher.restore(memory)


def test_long_stands_lose_their_middle_only(recording):
    base = recording.drafts[0]

    def at(index: int, speed: float) -> Draft:
        ego = replace(base.observation.ego, speed_mps=speed)
        return replace(base, index=index, observation=replace(base.observation, ego=ego))

    drafts = [at(i, 0.0 if 10 <= i < 60 else 5.0) for i in range(80)]
    kept = [d.index for d in without_long_stands(drafts)]
    assert kept == [*range(18), *range(54, 80)]
    short = [at(i, 0.0 if i < 12 else 5.0) for i in range(20)]
    assert without_long_stands(short) == short


def test_a_label_that_no_car_could_drive_is_not_kept(recording):
    draft = next(d for d in recording.drafts if d.observation.ego.speed_mps > 2.0)
    assert sane(draft)
    path = draft.answer.plan.path.copy()
    path[3] += (0.0, 1.5)
    assert not sane(replace(draft, answer=replace(draft.answer, plan=Plan(path, draft.answer.plan.speed_mps))))


def test_a_red_lamp_is_labelled_where_it_is_seen(recording):
    seen = [m for m in recording.found if m.signal is not LampColour.NONE]
    assert seen
    assert all(EGO_BODY.front_x_m - 1.0 < m.signal_m <= 60.0 for m in seen)
    assert all(np.isinf(m.signal_m) for m in recording.found if m.signal is LampColour.NONE)


def test_collecting_in_a_process_goes_on_after_what_is_there(stage, recording, tmp_path):
    save_town(stage.town, tmp_path / "small.town")
    have = len(recording.found)
    config = CollectConfig(
        out=tmp_path / "set", town_files=(tmp_path / "small.town",), length_m=LENGTH_M, moments=have + 1, workers=1
    )
    with DatasetWriter(config.out / "part-00", RIG) as writer:
        writer.append(recording.found, recording.seed)
    done = collect(config, quiet=True)
    assert done.moments > have and done.rides >= 1
    seeds = Dataset(config.out).seeds
    assert len(set(seeds)) == len(seeds) >= 2
    assert collect(config, quiet=True).rides == 0  # there is enough


def test_one_folder_is_collected_into_once_at_a_time(tmp_path):
    lock = Lock(tmp_path / ".collect.lock")
    with pytest.raises(BlockingIOError, match="another process"):
        collect(CollectConfig(out=tmp_path), quiet=True)
    lock.release()


def test_a_worker_that_fails_says_why(tmp_path):
    (tmp_path / "broken.town").write_bytes(b"no town")
    config = CollectConfig(out=tmp_path / "set", town_files=(tmp_path / "broken.town",), moments=5, workers=1)
    with pytest.raises(RuntimeError, match="not a town file"):
        collect(config, quiet=True)


def test_outlines_follow_the_seed_and_the_shares():
    outlines: list[Outline] = [outline_of(seed, (300.0, 600.0), 0.15, 0.3, 1.0) for seed in range(600)]
    assert outlines[7] == outline_of(7, (300.0, 600.0), 0.15, 0.3, 1.0)
    assert 0.1 < np.mean([o.route_absent for o in outlines]) < 0.2
    assert 0.25 < np.mean([o.sway > 0 for o in outlines]) < 0.35
    assert min(o.length_m for o in outlines) >= 300.0 and max(o.length_m for o in outlines) <= 600.0
    assert 0.3 < np.mean([o.conditions.cloud == 1.0 for o in outlines]) < 0.5
