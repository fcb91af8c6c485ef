"""The car's driver: whatever the cameras deliver, or do not, it answers; and only the contract's cameras count."""

from pathlib import Path

import numpy as np
import pytest

from tests.made_moments import SMALL_RIG
from tests.made_network import tiny_network
from xiaolu.codec.contract import ContractError
from xiaolu.core.camera import CameraFrame, CameraModel, pinhole
from xiaolu.core.decision import Decision, Pace
from xiaolu.core.observation import EgoState, Instruction, Manoeuvre, Observation, Route
from xiaolu.core.protocols import Driver, Snapshots
from xiaolu.model.checkpoint import save_checkpoint
from xiaolu.model.export import export_onnx
from xiaolu.runtime import driver as driver_module
from xiaolu.runtime.driver import OnnxDriver

TICK = 100_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("checkpoint")
    network = tiny_network()
    save_checkpoint(network, path)
    export_onnx(network, path)
    return path


@pytest.fixture
def driver(folder: Path) -> OnnxDriver:
    return OnnxDriver(folder, threads=1)


def frame(camera: CameraModel, tick: int) -> CameraFrame:
    rng = np.random.default_rng([tick, camera.width_px])
    image = rng.integers(0, 256, (camera.height_px, camera.width_px, 3)).astype(np.uint8)
    return CameraFrame(camera, tick * TICK, image)


def seen(tick: int, frames: tuple[CameraFrame, ...]) -> Observation:
    ego = EgoState(tick * TICK, 5.0, 0.0, 0.0, 0.0, np.array([0.5 * tick, 0.0, 0.0]))
    return Observation(
        tick * TICK, frames, ego, Route(0, Manoeuvre.STRAIGHT, 50.0, np.array([[0.0, 0.0], [50.0, 0.0]]))
    )


def rig(tick: int, cameras: tuple[CameraModel, ...] = SMALL_RIG) -> tuple[CameraFrame, ...]:
    return tuple(frame(camera, tick) for camera in cameras)


def same(one: Decision, other: Decision) -> bool:
    return np.array_equal(one.plan.path, other.plan.path) and np.array_equal(one.plan.speed_mps, other.plan.speed_mps)


def test_it_is_a_driver_that_can_be_forked(driver: OnnxDriver) -> None:
    assert isinstance(driver, Driver) and isinstance(driver, Snapshots)
    assert driver.name == "vla2-tiny" and set(driver.cameras) == {"narrow", "wide", "rear"}


def test_a_ride_gives_a_stamped_decision_every_tick_and_says_how_long_it_took(driver: OnnxDriver) -> None:
    driver.reset(0)
    for tick in range(25):
        decision = driver.drive(seen(tick, rig(tick)))
        assert decision.stamp_ns == tick * TICK and decision.wall_s > 0.0
        assert np.isfinite(decision.plan.path).all() and decision.why.endswith(".")
    assert len(driver.memory.frames["narrow"]) <= 21


def test_a_ride_again_is_the_same_ride(driver: OnnxDriver) -> None:
    def drive() -> list[Decision]:
        driver.reset(3)
        return [driver.drive(seen(tick, rig(tick))) for tick in range(6)]

    assert all(same(one, other) for one, other in zip(drive(), drive(), strict=True))


def test_a_forked_driver_goes_on_as_the_first_one_did(driver: OnnxDriver) -> None:
    driver.reset(0)
    for tick in range(6):
        driver.drive(seen(tick, rig(tick)))
    kept = driver.snapshot()
    first = [driver.drive(seen(tick, rig(tick))) for tick in range(6, 9)]
    driver.restore(kept)
    again = [driver.drive(seen(tick, rig(tick))) for tick in range(6, 9)]
    assert all(same(one, other) for one, other in zip(first, again, strict=True))


def test_late_and_out_of_order_frames_make_the_same_memory(driver: OnnxDriver) -> None:
    driver.reset(0)
    for tick in range(4):
        driver.drive(seen(tick, rig(tick)))
    in_order = driver.drive(seen(4, rig(4)))
    driver.reset(0)
    late = [frame(camera, tick) for tick in (4, 2, 0, 3, 1) for camera in SMALL_RIG]
    assert same(driver.drive(seen(4, tuple(late))), in_order)
    assert same(driver.drive(seen(4, tuple(late[:3]))), in_order)  # repeated ones change nothing


@pytest.mark.parametrize("missing", ["narrow", "wide", "rear"])
def test_without_a_camera_it_drives_on_what_is_left(driver: OnnxDriver, missing: str) -> None:
    driver.reset(0)
    left = tuple(camera for camera in SMALL_RIG if camera.name != missing)
    assert any(driver.drive(seen(0, rig(0, left))).imagined_valid)


def test_blind_it_stops_and_says_so_and_goes_on_when_it_sees_again(driver: OnnxDriver) -> None:
    driver.reset(0)
    blind = driver.drive(seen(0, ()))
    assert blind.strategy.pace == Pace.STOP and blind.plan.speed_mps[-1] == 0.0 and "front camera" in blind.why
    assert any(driver.drive(seen(1, rig(1))).imagined_valid)
    assert any(driver.drive(seen(4, ())).imagined_valid)  # 0.3 s without a frame is ordinary
    assert driver.drive(seen(8, ())).strategy.pace == Pace.STOP
    assert driver.drive(seen(60, rig(7))).strategy.pace == Pace.STOP  # stale ones do not count


def test_other_cameras_are_not_wanted_and_do_not_hurt(driver: OnnxDriver) -> None:
    driver.reset(0)
    extra = pinhole("roof", 64, 32, 30.0, (0.0, 0.0, 2.0, 0.0, 0.0))
    assert any(driver.drive(seen(0, (*rig(0), frame(extra, 0)))).imagined_valid)


def test_a_camera_that_breaks_the_contract_is_refused_by_name(driver: OnnxDriver) -> None:
    driver.reset(0)
    zoomed = pinhole("narrow", 96, 64, 99.0, (1.6, 0.0, 1.5, 0.0, -0.05))
    with pytest.raises(ContractError, match=r"cameras\.narrow\.intrinsics"):
        driver.drive(seen(0, (frame(zoomed, 0),)))


def test_no_route_and_any_words_are_ordinary(driver: OnnxDriver) -> None:
    driver.reset(0)
    wish = Instruction("在前面的路口左转" * 50_000, 0.0, 0.0, 0)
    observation = seen(0, rig(0))
    driver.drive(Observation(0, observation.frames, observation.ego, None, wish))


def test_a_folder_without_graphs_says_what_is_missing(folder: Path, tmp_path: Path) -> None:
    for name in ("config.json", "contract.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(FileNotFoundError, match="encode_96x64"):
        OnnxDriver(tmp_path)


def test_how_long_it_has_stood_for_nothing_is_counted_forgotten_and_kept_by_a_fork(
    driver: OnnxDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[float] = []
    decide = driver_module.decision_of
    for_nothing = True

    def told_decision(proposals, ego, stamp_ns, people, stood_s):
        told.append(round(stood_s, 3))
        return decide(proposals, ego, stamp_ns, people)

    monkeypatch.setattr(driver_module, "decision_of", told_decision)
    monkeypatch.setattr(driver_module, "stands_for_nothing", lambda decision, ego: for_nothing)
    driver.reset(0)
    for tick in range(4):
        driver.drive(seen(tick, rig(tick)))
    kept = driver.snapshot()
    for_nothing = False  # it saw a reason
    for tick in (4, 5):
        driver.drive(seen(tick, rig(tick)))
    driver.restore(kept)
    driver.drive(seen(4, rig(4)))
    assert told == [0.0, 0.1, 0.2, 0.3, 0.4, 0.0, 0.4]
