"""What a person keeps of a ride: its log, its page, its film, and that it can be driven again."""

import base64
import re

import av
import numpy as np
import pytest

from xiaolu.core.decision import Pace
from xiaolu.core.plan import PATH_DISTANCES_M, SPEED_KNOTS, Plan
from xiaolu.report.film import CHASE, RIBBON, ribbon, wrapped, write_mp4
from xiaolu.report.replay import difference, drive_again, line_of, show_steps


@pytest.fixture(scope="module")
def driven(small_town, tmp_path_factory):
    """A ride of a few seconds by the teacher, logged."""
    from xiaolu.episodes.rides import Pictures, RideWriter
    from xiaolu.ride.config import RideConfig
    from xiaolu.ride.drivers import make_driver
    from xiaolu.ride.ride import Ride
    from xiaolu.world.town import save_town

    folder = tmp_path_factory.mktemp("driven")
    save_town(small_town, folder / "crossroads.town")
    config = RideConfig(small_town, 5, length_m=150.0).with_route()
    ride = Ride(config, make_driver("teacher", small_town, config.route))
    ride.run(RideWriter(folder / "ride.mcap", pictures=Pictures.NONE), max_s=4.0)
    return folder


def test_the_page_stands_alone(driven):
    """No link to anywhere, the film inside, the events and reasons there: it can be sent by mail."""
    pytest.importorskip("moderngl")
    from xiaolu.cameras.context import NoGraphicsError
    from xiaolu.report.page import report_ride

    try:
        page = report_ride(driven / "ride.mcap", driven / "crossroads.town", driven / "report.html")
    except NoGraphicsError as error:
        pytest.skip(f"no OpenGL here: {error}")
    text = page.read_text(encoding="utf-8")
    assert not re.findall(r'(?:src|href)="(?!data:|#)[^"]+"', text)
    film = re.search(r"data:video/mp4;base64,([A-Za-z0-9+/=]+)", text)
    assert film is not None and base64.b64decode(film.group(1)) == (driven / "film.mp4").read_bytes()
    with av.open(str(driven / "film.mp4")) as container:
        assert sum(1 for _ in container.decode(video=0)) == 40
    assert "time is up" in text and "$" not in re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert not list(driven.glob("*.part"))


def test_a_ride_drives_again_bit_for_bit(driven, capsys):
    drive_again(driven / "ride.mcap", driven / "crossroads.town")
    assert "40 steps came out the same" in capsys.readouterr().out


def test_a_ride_in_another_town_is_refused(driven, tmp_path):
    from xiaolu.ride.drivers import BUNDLED_TOWN

    with pytest.raises(ValueError, match="holds another town"):
        drive_again(driven / "ride.mcap", BUNDLED_TOWN)


def test_replay_tells_the_asked_seconds_only(driven, capsys):
    show_steps(driven / "ride.mcap", 1.0, 1.5)
    assert len(capsys.readouterr().out.strip().splitlines()) == 6


def test_a_difference_is_named_by_its_field(driven):
    from dataclasses import replace

    from xiaolu.episodes.rides import read_ride

    step = next(read_ride(driven / "ride.mcap").steps())
    other = replace(step, control=replace(step.control, steering_rad=step.control.steering_rad + 1e-12))
    assert difference(step, other) == "step.control.steering_rad"
    assert difference(step, replace(step, decision=replace(step.decision, wall_s=9.0))) == ""
    assert "km/h" in line_of(step)


def test_a_straight_plan_is_drawn_upright_and_centred():
    straight = Plan(np.stack([PATH_DISTANCES_M, 0.0 * PATH_DISTANCES_M], -1), np.full(SPEED_KNOTS, 8.0))
    outline = np.array(ribbon(straight, CHASE))
    assert outline[:, 0].mean() == pytest.approx(CHASE.width_px / 2, abs=0.5)
    left = Plan(np.stack([PATH_DISTANCES_M, 0.02 * PATH_DISTANCES_M**2], -1), np.full(SPEED_KNOTS, 8.0))
    assert np.array(ribbon(left, CHASE))[:, 0].mean() < CHASE.width_px / 2 - 5


def test_every_pace_has_a_colour_and_lines_fit():
    assert set(RIBBON) == {pace.name.lower() for pace in Pace}
    assert all(len(line) <= 12 for line in wrapped("giving way to a bus on the left", 12))


def test_a_film_that_fails_leaves_nothing(tmp_path):
    def broken():
        yield np.zeros((32, 32, 3), np.uint8)
        raise RuntimeError("the renderer went away")

    with pytest.raises(RuntimeError):
        write_mp4(broken(), tmp_path / "film.mp4")
    assert not list(tmp_path.iterdir())
