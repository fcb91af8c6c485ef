"""Fixtures: what of the town itself stands where a scenario takes place: cars at the kerb, stalls, planters, posts."""

import numpy as np

from xiaolu.core.control import EGO_BODY
from xiaolu.world.scenarios.frame import RouteFrame
from xiaolu.world.town import SOLID_M, PropKind, Town

BESIDE_M = 20.0  # parked cars within this of the anchor are at the site
KERB_BEFORE_M, KERB_AFTER_M, KERB_ASIDE_M = 9.0, 6.0, 0.3  # of kerb with nothing fixed on it or so near, to draw up at
SWINGS_OUT_M, POST_M = 4.0, 0.5  # it is out of its bay after so much; a post or trunk, and room beside it; tuned
SWING_M = 12.0  # past a thing and straight on past the next takes so much road between them; tuned
WAY_ASIDE_M = 0.35  # what stands nearer than this beside a car on the route's line has to be driven round; tuned


def parked_beside(town: Town, frame: RouteFrame) -> tuple[bool, bool]:
    """Return (right, left): are there places where cars stand along the street within BESIDE_M of the anchor?"""
    x, y, _, yaw = frame.pose(0.0)
    poses = town.prop_pose[(town.prop_kind == PropKind.PARKED_CAR) & (town.prop_layer == 0)]
    dx, dy = poses[:, 0] - x, poses[:, 1] - y
    along, aside = dx * np.cos(yaw) + dy * np.sin(yaw), -dx * np.sin(yaw) + dy * np.cos(yaw)
    near = (np.abs(along) < BESIDE_M) & (np.abs(aside) < 12.0)
    return bool((near & (aside < -1.0)).any()), bool((near & (aside > 1.0)).any())


def obstructs_kerb(town: Town, frame: RouteFrame) -> bool:
    """Whether something of the town (a stall) stands on the road, or right beside it, where a car draws up."""
    along, aside, reach = _solid(town, frame, 0.0)
    right, _ = frame.edges(0.0)
    there = (along > -KERB_BEFORE_M) & (along < KERB_AFTER_M) & (aside < 0.0)
    return bool((there & (aside + reach > right - KERB_ASIDE_M)).any())


def stands_in_way(town: Town, frame: RouteFrame, s_m: float) -> bool:
    """Whether something of the town stands in the ego's way within SWING_M of a place of it."""
    along, aside, reach = _solid(town, frame, s_m)
    in_way = np.abs(aside) - reach < EGO_BODY.width_m / 2 + WAY_ASIDE_M
    return bool((in_way & (np.abs(along) < SWING_M)).any())


def stands_before_bay(town: Town, bay: tuple[float, float, float]) -> bool:
    """Whether something of the town, a tree or a lamp's post as well, stands before a car in a bay (x, y of its middle,
    yaw) that goes out forwards, so that it could not swing out."""
    x, y, yaw = bay
    stands = (town.prop_kind != PropKind.PARKED_CAR) & (town.prop_layer == 0)
    dx, dy = (town.prop_pose[stands, :2] - (x, y)).T
    along, aside = dx * np.cos(yaw) + dy * np.sin(yaw), -dx * np.sin(yaw) + dy * np.cos(yaw)
    before = (along > 0.0) & (along < EGO_BODY.length_m / 2 + SWINGS_OUT_M)
    return bool((before & (np.abs(aside) < EGO_BODY.width_m / 2 + POST_M)).any())


def _solid(town: Town, frame: RouteFrame, s_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return (metres ahead of a place of the route, metres left of it, half the lesser side) of what is fixed."""
    x, y, _, yaw = frame.pose(s_m)
    solid = np.isin(town.prop_kind, [int(kind) for kind in SOLID_M]) & (town.prop_layer == 0)
    reach = np.array([0.5 * min(SOLID_M[PropKind(int(kind))][:2]) for kind in town.prop_kind[solid]])
    dx, dy = (town.prop_pose[solid, :2] - (x, y)).T
    return dx * np.cos(yaw) + dy * np.sin(yaw), -dx * np.sin(yaw) + dy * np.cos(yaw), reach
