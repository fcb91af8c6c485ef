"""A ride log is the only witness of a ride: it must come back exactly, open in other tools, and survive a crash."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader

from tests.episodes import made_steps as factory
from tests.episodes.same import assert_same
from xiaolu.episodes.rides import Pictures, RideWriter, part_of, read_ride

STEPS = 25


def write(path: Path, pictures: Pictures = Pictures.LOSSLESS, steps: int = STEPS, end: bool = True) -> RideWriter:
    writer = RideWriter(path, pictures)
    writer.on_start(factory.header())
    for index in range(steps):
        writer.on_step(factory.step(index))
    if end:
        writer.on_end(factory.events())
    return writer


def test_every_step_comes_back_exactly(tmp_path):
    write(tmp_path / "ride.mcap")
    log = read_ride(tmp_path / "ride.mcap")
    assert_same(log.header, factory.header())
    steps = list(log.steps())
    assert len(steps) == STEPS
    for index, step in enumerate(steps):
        assert_same(step, factory.step(index), f"step {index}")
    assert log.whole
    assert_same(log.events, factory.events())
    assert not part_of(tmp_path / "ride.mcap").exists()


def test_without_pictures_everything_else_comes_back(tmp_path):
    write(tmp_path / "ride.mcap", Pictures.NONE)
    steps = list(read_ride(tmp_path / "ride.mcap").steps())
    for index, step in enumerate(steps):
        assert_same(step, factory.without_frames(factory.step(index)))


def test_jpeg_is_for_the_eye_and_never_posed_as_the_frame(tmp_path):
    write(tmp_path / "ride.mcap", Pictures.JPEG)
    log = read_ride(tmp_path / "ride.mcap")
    assert all(step.observation.frames == () for step in log.steps())
    pictures = list(log.pictures("wide"))
    assert [stamp for stamp, _ in pictures] == [factory.step(i).observation.stamp_ns for i in range(STEPS)]
    assert pictures[0][1].shape == (12, 24, 3)


def test_a_reader_that_is_not_ours_finds_foxglove_topics(tmp_path):
    write(tmp_path / "ride.mcap")
    with (tmp_path / "ride.mcap").open("rb") as file:
        summary = make_reader(file, validate_crcs=True).get_summary()
        messages = list(make_reader(file, validate_crcs=True).iter_messages())
    topics = {c.topic: summary.schemas[c.schema_id].name for c in summary.channels.values()}
    assert topics["/scene/users"] == "foxglove.SceneUpdate"
    assert topics["/camera/narrow/image"] == "foxglove.CompressedImage"
    assert topics["/camera/narrow/calibration"] == "foxglove.CameraCalibration"
    assert topics["/tf"] == "foxglove.FrameTransforms"
    assert topics["/words"] == "foxglove.Log"
    assert topics["/ride/step"] == "xiaolu.Step"
    assert sum(channel.topic == "/ride/step" for _, channel, _ in messages) == STEPS


def test_a_killed_process_loses_at_most_the_last_second(tmp_path):
    script = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom tests.episodes.test_rides import write\n"
        f"writer = write(Path(sys.argv[1]), steps={STEPS}, end=False)\nos.kill(os.getpid(), signal.SIGKILL)\n"
    )
    path = tmp_path / "ride.mcap"
    root = Path(__file__).parents[2]
    paths = {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{root / 'src'}"}
    ended = subprocess.run([sys.executable, "-c", script, str(path)], env=paths, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not path.exists() and part_of(path).exists()
    log = read_ride(path)
    steps = list(log.steps())
    assert len(steps) == 20 and not log.whole
    assert_same(steps[-1], factory.step(19))


@pytest.mark.parametrize("share", [0.35, 0.6, 0.9, 0.999])
def test_a_log_cut_anywhere_is_read_up_to_there(tmp_path, share):
    path = tmp_path / "ride.mcap"
    write(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    log = read_ride(path)
    steps = list(log.steps())
    assert steps and [s.index for s in steps] == list(range(len(steps)))
    assert not log.whole


def test_what_is_no_ride_log_is_said_so(tmp_path):
    with pytest.raises(FileNotFoundError, match="no ride log"):
        read_ride(tmp_path / "none.mcap")
    (tmp_path / "text.mcap").write_bytes(b"hello, this is not a log at all")
    with pytest.raises(ValueError, match="not an MCAP file"):
        read_ride(tmp_path / "text.mcap")
    (tmp_path / "empty.mcap").write_bytes(b"")
    with pytest.raises(ValueError, match="no ride header"):
        read_ride(tmp_path / "empty.mcap")


def test_two_writers_do_not_mix(tmp_path):
    first, second = RideWriter(tmp_path / "a.mcap"), RideWriter(tmp_path / "b.mcap")
    first.on_start(factory.header("a"))
    second.on_start(factory.header("b"))
    for index in range(5):
        first.on_step(factory.step(index))
    second.on_step(factory.step(0))
    first.on_end(())
    second.on_end(())
    assert len(list(read_ride(tmp_path / "a.mcap").steps())) == 5
    assert len(list(read_ride(tmp_path / "b.mcap").steps())) == 1
    assert read_ride(tmp_path / "b.mcap").header.ride == "b"


def test_shifted_cameras_keep_their_own_mount(tmp_path):
    write(tmp_path / "ride.mcap", steps=1)
    step = next(read_ride(tmp_path / "ride.mcap").steps())
    np.testing.assert_array_equal(step.observation.frames[0].camera.ego_from_camera, factory.CAMERAS[0].ego_from_camera)
