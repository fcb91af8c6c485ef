"""Hands that cannot be told apart, or do not move as people's do, teach the driver to stop for a phone call and to
drive past an officer."""

import numpy as np
import pytest

from tests.cameras.scenes import scene_of, users_of
from xiaolu.cameras.classes import PixelClass
from xiaolu.cameras.gestures import all_motions, motion_of
from xiaolu.cameras.key_poses import Held
from xiaolu.cameras.person_mesh import limbs_of_people, person_label
from xiaolu.cameras.skeleton import Joint, Skeletons, skeletons_of
from xiaolu.cameras.traits import traits_of
from xiaolu.core.rates import TICK_S
from xiaolu.core.users import Gesture, Kind

STYLES = np.arange(40) * 7919 + 11
POLICE = [g for g in Gesture if g >= Gesture.POLICE_STOP]
PADDLES = [Gesture.PADDLE_STOP, Gesture.PADDLE_SLOW, Gesture.PADDLE_GO]
MEANINGLESS = [Gesture.PHONE, Gesture.READ_PHONE, Gesture.CARRY, Gesture.UMBRELLA, Gesture.WALK, Gesture.NONE]
WRISTS = slice(Joint.LEFT_WRIST, Joint.RIGHT_WRIST + 1)
TIPS = slice(Joint.LEFT_TIP, Joint.RIGHT_TIP + 1)


def kind_of(gesture: Gesture) -> Kind:
    if gesture in POLICE:
        return Kind.OFFICER
    return Kind.WORKER if gesture in PADDLES else Kind.PEDESTRIAN


def bodies(gesture, seconds, styles=STYLES, kind=None, bearing_rad=0.0, **columns) -> Skeletons:
    """Return skeletons of one gesture; seconds and styles broadcast."""
    seconds, styles = np.broadcast_arrays(np.asarray(seconds, float), np.asarray(styles))
    rows = [{"kind": kind_of(gesture) if kind is None else kind}] * seconds.size
    users = users_of(rows, seconds.size)
    users.gesture[:], users.gesture_s[:], users.style[:] = gesture, seconds.ravel(), styles.ravel()
    for name, value in columns.items():
        getattr(users, name)[:] = value
    people = traits_of(users.kind, users.style)
    return skeletons_of(users, people, np.zeros(len(users)), np.full(len(users), bearing_rad))


def film(gesture, last_s=12.0, step_s=0.02, styles=STYLES[:12], **columns) -> tuple[Skeletons, tuple[int, int]]:
    """Return skeletons of all moments, moment by moment, and (moments, people)."""
    seconds = np.arange(0.0, last_s, step_s)
    return bodies(gesture, seconds[:, None], styles[None], **columns), (len(seconds), len(styles))


def test_every_gesture_has_a_motion():
    people = traits_of(np.full(40, Kind.PEDESTRIAN), STYLES)
    for gesture in Gesture:
        if gesture > Gesture.WALK:
            motion = motion_of(people, np.full(40, gesture))
            assert (motion >= 0).all() and len(np.unique(motion)) >= min(all_motions().ways[gesture], 2)


@pytest.mark.parametrize("kind", [Kind.PEDESTRIAN, Kind.CHILD, Kind.WORKER, Kind.OFFICER])
def test_a_stop_lifts_a_hand_above_the_shoulder_and_shows_its_palm(kind):
    body = bodies(Gesture.STOP, 2.0, kind=kind)
    over = body.joint[:, WRISTS, 2] - body.joint[:, Joint.LEFT_SHOULDER : Joint.RIGHT_SHOULDER + 1, 2]
    arm = over.argmax(-1)
    assert (over.max(-1) > 0.02).all()
    row = np.arange(len(arm))
    assert (body.poses.palm[row, arm, 0] > 0.75).all(), "the palm looks at whom the stop is meant for"
    assert (body.poses.hand[row, arm, 2] > 0.6).all(), "fingers point up"
    assert body.poses.raised[row, arm].all()


def test_an_officers_stop_is_the_left_arm_palm_ahead_and_waiting_is_palm_down():
    stop = bodies(Gesture.POLICE_STOP, 2.0)
    assert (stop.joint[:, Joint.LEFT_WRIST, 2] > stop.joint[:, Joint.NECK, 2] + 0.08).all()
    assert (stop.poses.palm[:, 0, 0] > 0.85).all()
    assert not stop.poses.raised[:, 1].any()
    waiting = bodies(Gesture.POLICE_LEFT_WAITING, 0.75)
    assert (waiting.poses.palm[:, 0, 2] < -0.4).all() and (waiting.poses.palm[:, 0, 0] < 0.3).all()
    fresh = bodies(Gesture.STOP, 2.0, kind=Kind.OFFICER)
    assert np.allclose(fresh.joint, stop.joint), "an officer's stop is the command"


def test_a_left_command_is_a_mirrored_right_one():
    left, _ = film(Gesture.POLICE_LEFT)
    right, _ = film(Gesture.POLICE_RIGHT)
    assert np.allclose(left.poses.palm, right.poses.palm[:, ::-1] * [1, -1, 1], atol=1e-9)
    assert np.allclose(left.joint[:, TIPS], right.joint[:, TIPS][:, ::-1] * [1, -1, 1], atol=1e-9)
    assert np.allclose(left.poses.head_yaw_rad, -right.poses.head_yaw_rad)
    assert left.poses.head_yaw_rad.max() > 0.7


@pytest.mark.parametrize(
    ("gesture", "low_hz", "high_hz"),
    [
        (Gesture.WAVE, 0.84, 2.5),
        (Gesture.GO, 0.7, 1.2),
        (Gesture.SLOW_DOWN, 1.0, 2.0),
        (Gesture.BECKON, 1.0, 3.0),
        (Gesture.PULL_OVER, 0.6, 0.9),
        (Gesture.PADDLE_SLOW, 0.5, 1.0),
        (Gesture.PADDLE_GO, 0.6, 1.0),
    ],
)
def test_what_repeats_keeps_its_rate(gesture, low_hz, high_hz):
    body, shape = film(gesture, last_s=24.0, step_s=0.04)
    tips = body.joint[:, TIPS].reshape(*shape, 6)[50:]
    spectrum = np.abs(np.fft.rfft(tips - tips.mean(0), n=8192, axis=0))
    swing = spectrum.max(0).argmax(-1)
    peak = spectrum[:, np.arange(shape[1]), swing].argmax(0) / 8192 / 0.04
    assert (peak > 0.94 * low_hz).all() and (peak < 1.06 * high_hz).all()
    assert peak.std() > 0.03, "people have a rate of their own"


@pytest.mark.parametrize(
    ("gesture", "low_m", "high_m"),
    [(Gesture.SLOW_DOWN, 0.10, 0.45), (Gesture.GO, 0.30, 0.85), (Gesture.PADDLE_SLOW, 0.2, 0.55)],
)
def test_wrists_travel_as_far_as_people_s_do(gesture, low_m, high_m):
    body, shape = film(gesture, last_s=6.0)
    wrists = body.joint[:, WRISTS].reshape(*shape, 2, 3)[60:]
    travel = np.linalg.norm(wrists.max(0) - wrists.min(0), axis=-1).max(-1)
    assert (travel > low_m).all() and (travel < high_m).all()


def test_an_officer_swings_twice_mostly_and_rests_between_commands():
    body, shape = film(Gesture.POLICE_CHANGE_LANE, last_s=40.0, step_s=0.05, styles=STYLES)
    across = body.joint[:, Joint.RIGHT_TIP, 1].reshape(shape) > 0.05
    hangs = body.poses.weight[:, 1].reshape(shape) < 0.01
    swings = (across[1:] & ~across[:-1]).sum(0)
    commands = (hangs[:-1] & ~hangs[1:]).sum(0)
    per_command = swings / commands
    assert 0.6 < (per_command > 1.5).mean() < 0.95
    assert (hangs.mean(0) > 0.12).all()


@pytest.mark.parametrize("gesture", list(Gesture))
def test_arms_never_jump(gesture):
    body, shape = film(gesture)
    tips = body.joint[:, TIPS].reshape(*shape, 2, 3)
    speed = np.linalg.norm(np.diff(tips, axis=0), axis=-1) / 0.02
    assert speed.max() < 9.0, "m/s of a fingertip; fast waves reach 6"
    face = body.joint[:, Joint.FACE].reshape(*shape, 3)
    assert (np.linalg.norm(np.diff(face, axis=0), axis=-1) < 0.16).all()


@pytest.mark.parametrize("lasted", [7, 16, 23])
@pytest.mark.parametrize("gesture", [g for g in Gesture if g > Gesture.WALK and g not in PADDLES])
def test_arms_come_down_from_where_they_are(gesture, lasted):
    styles = STYLES[:12]
    before = bodies(gesture, lasted * TICK_S, styles).joint[:, TIPS]
    left = np.linspace(1.0, 0.0, 31)  # every 0.02 s
    body = bodies(gesture, -(lasted + 0.5 * left)[:, None], styles[None])
    tips = body.joint[:, TIPS].reshape(len(left), 12, 2, 3)[:-1]
    assert np.abs(tips[0] - before).max() < 1e-6
    assert (np.linalg.norm(np.diff(tips, axis=0), axis=-1) / 0.02).max() < 9.0
    hanging = bodies(Gesture.NONE, 5.0, styles, kind=kind_of(gesture)).joint[:, TIPS]
    assert np.abs(tips[-1] - hanging).max() < 0.06


def test_people_differ():
    for gesture in (Gesture.STOP, Gesture.HAIL, Gesture.PHONE, Gesture.POINT):
        right_handed = bodies(gesture, 1.2)
        spread = right_handed.joint[:, TIPS].std(0).max()
        assert spread > 0.04, gesture
    officers = bodies(Gesture.POLICE_STOP, 2.0).joint[:, Joint.LEFT_TIP, 2]
    assert 0.03 < officers.std() < 0.25


def test_a_stop_is_shown_to_the_driver_not_to_where_one_walks():
    for bearing in (1.4, -1.4, 0.5):
        body = bodies(Gesture.STOP, 2.0, bearing_rad=bearing)
        towards = np.array([np.cos(bearing), np.sin(bearing), 0.0])
        arm = body.joint[:, WRISTS, 2].argmax(-1)
        assert (body.poses.palm[np.arange(40), arm] @ towards > 0.7).all()
        if abs(bearing) > 1.0:
            assert (arm == (0 if bearing > 0 else 1)).mean() > 0.8, "with the arm of that side"
    assert (bodies(Gesture.POLICE_STOP, 2.0, bearing_rad=1.4).poses.palm[:, 0, 0] > 0.85).all()


@pytest.mark.parametrize("gesture", MEANINGLESS)
def test_meaningless_hands_are_not_labelled_as_raised(gesture):
    assert not bodies(gesture, 2.0).poses.raised.any()


@pytest.mark.parametrize("speed", [0.0, 0.6, 1.3, 3.0])
def test_walkers_stand_on_the_ground_and_runners_fly_a_little(speed):
    stride = np.linspace(0, 2 * np.pi, 40)
    body = bodies(Gesture.WALK, 2.0, kind=Kind.PEDESTRIAN, speed_mps=speed, stride_rad=stride)
    lowest = body.joint[:, Joint.LEFT_ANKLE : Joint.RIGHT_ANKLE + 1, 2].min(-1)
    if speed < 2.0:
        assert np.allclose(lowest, 0.065, atol=1e-6)
    else:
        assert lowest.min() < 0.08 and 0.08 < lowest.max() < 0.3
    height = body.joint[:, Joint.HEAD, 2]
    assert np.ptp(height - np.median(height)) < 0.30
    if speed > 1.0:
        thigh = body.joint[:, Joint.LEFT_KNEE] - body.joint[:, Joint.LEFT_HIP]
        shin = body.joint[:, Joint.LEFT_ANKLE] - body.joint[:, Joint.LEFT_KNEE]
        assert (np.arctan2(thigh[:, 0], -thigh[:, 2]) > np.arctan2(shin[:, 0], -shin[:, 2])).all(), "knees bend one way"


def test_what_hands_hold():
    assert (bodies(Gesture.PADDLE_STOP, 1.0).poses.held == Held.PADDLE_STOP).all()
    assert (bodies(Gesture.PADDLE_GO, 1.0).poses.held == Held.PADDLE_SLOW).all()
    assert set(np.unique(bodies(Gesture.CARRY, 1.0).poses.held)) == {Held.BAG, Held.BAGS, Held.BOX}


def seen_by(renderer, town, gesture, seconds, kind=None, ahead_m=30.0, turned=0.0, style=5):
    """Return pixels of the narrow camera, with somebody facing it."""
    kind = kind_of(gesture) if kind is None else kind
    person = {"kind": kind, "x_m": -72.4 + ahead_m, "y_m": -1.6, "yaw_rad": np.pi + turned, "style": style}
    person |= {"gesture": gesture, "gesture_s": seconds}
    return renderer.pixels(scene_of(town, (-74.0, -1.6, 0.0), [person]), ["narrow"])["narrow"]


def strip_of(renderer, town, gesture, times, **how) -> np.ndarray:
    return np.stack([seen_by(renderer, town, gesture, t, **how).image.astype(int) for t in times])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (Gesture.POLICE_LEFT, Gesture.POLICE_RIGHT),
        (Gesture.POLICE_LEFT, Gesture.POLICE_LEFT_WAITING),
        (Gesture.POLICE_STOP, Gesture.POLICE_PULL_OVER),
        (Gesture.POLICE_SLOW, Gesture.POLICE_CHANGE_LANE),
        (Gesture.POLICE_LEFT_WAITING, Gesture.POLICE_SLOW),
        (Gesture.POLICE_CHANGE_LANE, Gesture.POLICE_PULL_OVER),
        (Gesture.STOP, Gesture.PHONE),
        (Gesture.STOP, Gesture.GO),
        (Gesture.HAIL, Gesture.SLOW_DOWN),
        (Gesture.PADDLE_STOP, Gesture.PADDLE_GO),
        (Gesture.PULL_OVER, Gesture.STOP),
    ],
)
def test_neighbours_differ_in_the_narrow_camera_at_30_m(renderer, small_town, one, other):
    times = np.arange(0.5, 3.6, 0.5)
    a, b = (strip_of(renderer, small_town, g, times) for g in (one, other))
    differing = (np.abs(a - b).max(-1) > 24).sum((1, 2))
    assert differing.max() >= 12, "an arm is some twenty pixels at 30 m; grain stays below 24"
    same = (np.abs(a - strip_of(renderer, small_town, one, times)).max(-1) > 24).sum()
    assert same == 0


def test_both_faces_of_a_paddle(renderer, small_town):
    def reds(gesture, turned):
        image = seen_by(renderer, small_town, gesture, 1.0, ahead_m=20.0, turned=turned).image.astype(int)
        r, g, b = (image[..., k] for k in range(3))
        return ((r > 110) & (g < 60) & (b < 70)).sum()

    # A red helmet counts on both sides.
    assert reds(Gesture.PADDLE_STOP, 0.0) > reds(Gesture.PADDLE_STOP, np.pi) + 40
    assert reds(Gesture.PADDLE_SLOW, np.pi) > reds(Gesture.PADDLE_SLOW, 0.0) + 40


def test_vests_are_bright_from_the_front_and_from_behind(renderer, small_town):
    for kind in (Kind.OFFICER, Kind.WORKER):
        for turned in (0.0, np.pi):
            seen = seen_by(renderer, small_town, Gesture.NONE, 0.0, kind=kind, turned=turned)
            person = seen.image[seen.classes == PixelClass.PERSON].astype(int)
            bright = (person.max(-1) > 170) & (person.max(-1) - person.min(-1) > 90)
            assert bright.sum() > 25


def test_thirty_people_are_a_bounded_number_of_limbs():
    rows = [{"kind": Kind.PEDESTRIAN, "gesture": g, "gesture_s": 1.3, "style": 31 * g} for g in list(Gesture) + POLICE]
    users = users_of(rows[:30], 30)
    label = person_label(np.arange(30), False)
    limbs, owner = limbs_of_people(users, label, label, np.zeros(30), (20.0, 0.0))
    assert len(limbs) == len(owner) < 30 * 25
