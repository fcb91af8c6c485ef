"""The loop is what every figure of this project stands on: it must repeat itself exactly, and never fall over."""

from dataclasses import fields, is_dataclass

import numpy as np
import pytest

from tests.ride.followers import Blind, Remembering
from xiaolu.core.decision import Cause
from xiaolu.core.rates import TICK_NS
from xiaolu.core.scene import Scene
from xiaolu.ride.config import RideConfig, config_of
from xiaolu.ride.follower import Follower
from xiaolu.ride.ride import Ride
from xiaolu.world.world import World


@pytest.fixture(scope="module")
def world(small_town):
    return World(small_town, users=12)


@pytest.fixture(scope="module")
def config(small_town):
    return RideConfig(small_town, 3, length_m=180.0, users=12).with_route()


def follower(config, kind=Follower):
    return kind(config.town, config.route)


def leaves(tree, path=""):
    """Yield (path, leaf) of nested dataclasses and tuples."""
    if is_dataclass(tree) and not isinstance(tree, type):
        for f in fields(tree):
            yield from leaves(getattr(tree, f.name), f"{path}.{f.name}")
    elif isinstance(tree, tuple):
        for i, item in enumerate(tree):
            yield from leaves(item, f"{path}[{i}]")
    else:
        yield path, tree


def assert_same(one, two):
    """Assert that two trees are the same bit for bit, but for what took how long on the wall's clock."""
    for (where, a), (_, b) in zip(leaves(one), leaves(two), strict=True):
        if where.endswith("wall_s"):
            continue
        assert np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f"), where


class Notes:
    """A subscriber that writes down what it is told."""

    def __init__(self):
        self.steps, self.header, self.events = [], None, None

    def on_start(self, header):
        self.header = header

    def on_step(self, step):
        self.steps.append(step)

    def on_end(self, events):
        self.events = events


def test_a_ride_arrives(config, small_town):
    notes = Notes()
    quiet = RideConfig(small_town, 3, route=config.route, users=4, density=0.0)
    ride = Ride(quiet, follower(config))
    end = ride.run(notes)
    assert end.reason == "arrived" and end.arrived and ride.done
    assert end.driven_m > ride.path.length_m - 10.0
    assert [step.index for step in notes.steps] == list(range(len(notes.steps)))
    assert notes.steps[5].observation.stamp_ns == 5 * TICK_NS
    assert notes.events == end.events
    with pytest.raises(RuntimeError, match="arrived"):
        ride.step()


def test_same_config_twice_is_the_same_ride_bit_for_bit(config, world):
    one, two = Ride(config, follower(config), world=world), Ride(config, follower(config))
    for _ in range(120):
        assert_same(one.step(), two.step())
        assert_same(one.state, two.state)


def test_a_header_makes_the_ride_again(config, world):
    ride = Ride(config, follower(config), world=world)
    again = Ride(config_of(config.header("follower"), config.town), follower(config), world=world)
    for _ in range(20):
        assert_same(ride.step(), again.step())


def test_a_header_is_refused_in_another_town(config, small_town):
    header = config.header("follower")
    object.__setattr__(header, "town_digest", "elsewhere")
    with pytest.raises(ValueError, match="elsewhere"):
        config_of(header, small_town)


@pytest.mark.parametrize("kind", [Follower, Remembering])
def test_forks_do_what_the_original_does(config, world, kind):
    ride = Ride(config, follower(config, kind), world=world)
    for _ in range(60):
        ride.step()
    first, second = ride.fork(2)
    # Interleaved on purpose: a shared driver must not mix up whose memory is whose.
    for _ in range(40):
        step = ride.step()
        assert_same(step, first.step())
    for _ in range(40):
        second.step()
    assert_same(ride.state, first.state)
    assert_same(ride.state, second.state)


def test_futures_part_only_by_what_the_ego_does(config, world):
    ride = Ride(config, follower(config), world=world)
    for _ in range(40):
        ride.step()
    kept, one, two = ride.fork(3)
    one.driver, two.driver = Blind(0.0), Blind(0.0)
    for tick in range(30):
        kept.step()
        assert_same(one.step(), two.step())
        if tick == 0:
            # The decision taken over acts a tick later: until then nothing in the world may differ.
            assert_same(kept.state.world, one.state.world)
    assert not np.array_equal(kept.state.vehicle.pose, one.state.vehicle.pose)
    assert np.array_equal(kept.scene().signal_colour, one.scene().signal_colour)


def test_takeover_and_giving_back(config, world):
    first, second = Blind(3.0), follower(config)
    ride = Ride(config, first, world=world)
    for _ in range(10):
        ride.step()
    ride.driver = second
    for _ in range(10):
        ride.step()
    ride.driver = first
    ride.step()
    assert len(first.seen) == 11 and first.resets == 1 and second.s_m > 0.0


def test_one_driver_may_take_over_several_futures(config, world):
    def apart(kind):
        ride = Ride(config, Blind(3.0), world=world)
        for _ in range(10):
            ride.step()
        futures = ride.fork(2)
        shared = follower(config, kind)
        for future, wait in zip(futures, (0, 15), strict=True):
            for _ in range(wait):
                future.step()
            future.driver = shared if kind is Remembering else follower(config, kind)
        for _ in range(30):
            for future in futures:
                future.step()
        return futures

    for one, two in zip(apart(Follower), apart(Remembering), strict=True):
        assert_same(one.state, two.state)


def test_decisions_act_after_their_latency(config, world):
    pulls_off = {}
    for ticks in (0, 1, 3):
        late = RideConfig(config.town, 3, route=config.route, users=12, latency_ns=ticks * TICK_NS)
        ride = Ride(late, follower(config), world=world)
        controls = [ride.step().control.acceleration_mps2 for _ in range(6)]
        pulls_off[ticks] = next(i for i, a in enumerate(controls) if a > 0.0)
    assert pulls_off == {0: 0, 1: 1, 3: 3}


def test_a_driver_may_be_asked_less_often(config, world):
    driver = Blind(4.0)
    slow = RideConfig(config.town, 3, route=config.route, users=12, driver_every=5)
    ride = Ride(slow, driver, world=world)
    for _ in range(21):
        ride.step()
    assert len(driver.seen) == 5 and ride.state.vehicle.speed_mps[0] > 1.0
    assert not ride.state.events


def raising(call):
    if call > 30:
        raise RuntimeError("the weights are gone")
    return "fine"


@pytest.mark.parametrize(
    ("fault", "words"),
    [(raising, "the weights are gone"), (lambda call: {"steer": 0.1} if call > 30 else "fine", "not a decision")],
)
def test_a_broken_driver_ends_in_a_stop_that_says_why(config, world, fault, words):
    notes = Notes()
    ride = Ride(config, Blind(6.0, fault=fault), world=world)
    end = ride.run(notes)
    assert end.reason.startswith("minimal-risk stop") and words in end.reason and not end.arrived
    assert ride.state.vehicle.speed_mps[0] == 0.0
    assert notes.steps[-1].decision.cause == Cause.GUARDIAN and words in notes.steps[-1].vetoed
    assert any(event.kind == "minimal_risk" for event in end.events)
    accelerations = [step.observation.ego.acceleration_mps2 for step in notes.steps]
    assert min(accelerations) > -5.0


def test_a_takeover_saves_the_ride_from_a_broken_driver(config, world):
    ride = Ride(config, Blind(6.0, fault=raising), world=world)
    while not ride.guardian.failed:
        ride.step()
    ride.driver = follower(config)
    for _ in range(30):
        ride.step()
    assert not ride.done and ride.state.vehicle.speed_mps[0] > 2.0


def test_keyboard_interrupt_loses_nothing(config, world):
    class Impatient(Notes):
        def on_step(self, step):
            super().on_step(step)
            if step.index == 5:
                raise KeyboardInterrupt

    impatient, other = Impatient(), Notes()
    ride = Ride(config, Blind(), world=world)
    assert ride.run(impatient, other).reason == "interrupted"
    assert impatient.events is not None and other.events is not None


def test_a_subscriber_that_breaks_is_heard_and_the_others_still_end(config, world):
    class Full(Notes):
        def on_step(self, step):
            raise OSError("no space left")

    other = Notes()
    with pytest.raises(OSError, match="no space"):
        Ride(config, Blind(), world=world).run(other, Full())
    assert other.events is not None and len(other.steps) == 1


def test_time_limit_and_calling_off(config, world):
    ride = Ride(config, Blind(0.0), world=world)
    end = ride.run(max_s=2.0)
    assert end.reason == "time is up" and end.took_s == pytest.approx(2.0)


def test_driving_away_ends_off_route(config, world):
    ride = Ride(config, Blind(12.0), world=world)
    ride.guardian = type("Trusting", (type(ride.guardian),), {"check": lambda self, d, *_: (d, "")})()
    assert ride.run(max_s=60.0).reason == "off route"


class Painter:
    """A renderer that paints nothing, and remembers what was asked of it."""

    def __init__(self, rig):
        self.rig, self.asked = {camera.name: camera for camera in rig}, []

    def frames(self, scene, names, shift=(0.0, 0.0)):
        from xiaolu.core.camera import CameraFrame

        self.asked.append(names)
        cameras = [self.rig[name] for name in names]
        return tuple(CameraFrame(c, scene.stamp_ns, np.zeros((c.height_px, c.width_px, 3), np.uint8)) for c in cameras)


def test_only_wanted_cameras_are_rendered_and_shown(config, world):
    from xiaolu.cameras.rig import RIG

    painter, driver, film = Painter(RIG), Blind(3.0, cameras=("wide",)), Notes()
    film.cameras = ("narrow",)
    Ride(config, driver, painter, world).run(film, max_s=1.0)
    assert painter.asked == [("wide", "narrow")] * 10
    assert [f.camera.name for f in driver.seen[3].frames] == ["wide"]
    assert [f.camera.name for f in film.steps[3].observation.frames] == ["wide", "narrow"]
    assert film.steps[3].observation.frames[0].exposed_ns == 3 * TICK_NS
    with pytest.raises(ValueError, match="renderer"):
        Ride(config, driver, world=world)


def test_no_observation_leads_to_the_scene(config, world):
    driver = Blind(4.0)
    ride = Ride(config, driver, world=world)
    for _ in range(12):
        ride.step()

    def classes(value, seen):
        if is_dataclass(value):
            seen.add(type(value))
            for f in fields(value):
                classes(getattr(value, f.name), seen)
        elif isinstance(value, (tuple, list, dict)):
            for item in value.values() if isinstance(value, dict) else value:
                classes(item, seen)
        elif isinstance(value, np.ndarray):
            # An array's base could be a window into something larger.
            assert value.base is None or not isinstance(value.base, Scene)
        else:
            assert value is None or isinstance(value, (int, float, str, bool, np.generic)), type(value)
        return seen

    for observation in driver.seen:
        found = classes(observation, set())
        assert Scene not in found
        assert {c.__module__ for c in found} <= {"xiaolu.core.observation", "xiaolu.core.camera"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"driver_every": 0}, "driver_every"),
        ({"latency_ns": -1}, "latency_ns"),
        ({"wishes": "klingon"}, "klingon"),
        ({"seed": -1}, "seed -1"),
        ({"length_m": 0.0}, "positive"),
    ],
)
def test_a_wrong_config_is_refused_by_name(small_town, change, words):
    with pytest.raises(ValueError, match=words):
        RideConfig(**{"town": small_town, "seed": 1, **change})
