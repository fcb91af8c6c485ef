"""Learners come through this door: it must be a proper Gymnasium environment."""

import gymnasium
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env

import xiaolu.ride  # noqa: F401 (registers the environment)
from tests.ride.contract import drive_of
from xiaolu.core.rates import TICK_NS
from xiaolu.ride.gym import ROUTE_SIZE, SPEED_MPS, plan_of, route_vector


def make(town, **changes):
    settings = {"town": town, "length_m": 150.0, "users": 6, "cameras": ("wide",), "max_s": 20.0, **changes}
    try:
        return gymnasium.make("xiaolu/Ride-v0", **settings)
    except RuntimeError as error:
        pytest.skip(f"no OpenGL here: {error}")


def test_gymnasium_s_own_check(small_town):
    env = make(small_town, render_mode="rgb_array")
    check_env(env.unwrapped)
    env.close()


def test_blind_check_without_a_renderer(small_town):
    check_env(make(small_town, cameras=()).unwrapped, skip_render_check=True)


def test_same_seed_and_actions_give_the_same_rewards(small_town):
    def rewards():
        env = make(small_town, cameras=())
        env.reset(seed=5)
        actions = np.random.default_rng(0).uniform(-0.3, 0.6, (30, 2))
        return [env.step(action)[1] for action in actions.astype(np.float32)]

    assert rewards() == rewards()


def test_driving_on_earns_more_than_standing(small_town):
    def earned(speed):
        env = make(small_town, cameras=(), density=0.0)
        env.reset(seed=1)
        return sum(env.step(np.array([0.0, speed], np.float32))[1] for _ in range(40))

    assert earned(-1.0) == 0.0
    assert earned(-0.4) > 3.0


def test_info_names_what_was_punished(small_town):
    env = make(small_town, cameras=(), density=0.0)
    env.reset(seed=1)
    seen = set()
    for _ in range(100):
        *_, ended, truncated, info = env.step(np.array([0.25, 0.2], np.float32))
        seen |= set(info["events"])
        if ended or truncated:
            break
    assert "off_road" in seen and info["progress_m"] > 0.0


def test_an_action_is_a_plan_that_can_be_driven():
    plan = plan_of(np.array([0.5, 1.0]), 5.0)
    assert plan.path[9, 1] > 0.5 and plan.speed_mps[0] == pytest.approx(5.75) and plan.speed_mps.max() <= SPEED_MPS
    assert np.allclose(plan_of(np.array([-0.5, 1.0]), 5.0).path * [1, -1], plan.path)
    assert plan_of(np.array([0.0, -1.0]), 5.0).speed_mps[-1] == 0.0
    steps = np.hypot(*np.diff(np.vstack([[0, 0], plan.path]), axis=0).T)
    assert steps[:10] == pytest.approx(1.0, abs=0.02)


def test_the_route_vector_is_in_the_ego_frame():
    observation = drive_of(20)
    vector = route_vector(observation)
    assert vector.shape == (ROUTE_SIZE,) and observation.stamp_ns == 20 * TICK_NS
    assert vector[2] == 1.0 and vector[7] == 1.0 and vector[8] == 0.0 and vector[9] == pytest.approx(0.02)


def test_unknown_cameras_are_refused_by_name(small_town):
    with pytest.raises(ValueError, match="periscope"):
        gymnasium.make("xiaolu/Ride-v0", town=small_town, cameras=("periscope",))
