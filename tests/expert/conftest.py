"""What the teacher's tests share."""

import pytest

from xiaolu.expert.teacher import Teacher
from xiaolu.world.ground import Ground
from xiaolu.world.routing import Router


@pytest.fixture(scope="module")
def ways(small_town):
    """Return a function: names of the first and last lane -> a fresh Teacher for that way."""
    router, ground, lanes = Router(small_town), Ground(small_town), small_town.meta["lanes"]

    def teacher(first: str, last: str, start_s_m: float = 60.0, goal_s_m: float = 50.0) -> Teacher:
        return Teacher(small_town, router.plan(lanes[first], start_s_m, lanes[last], goal_s_m), ground)

    return teacher
