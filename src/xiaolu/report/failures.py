"""Small films of rides that did not pass: the wide camera, the street from above, and what the driver said.

In: the ride log an evaluation left; out: MP4 of the seconds around what went wrong, small enough to be many on a page.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from xiaolu.cameras.renderer import Renderer
from xiaolu.core.decision import LampColour
from xiaolu.core.episode import Header, Step
from xiaolu.episodes.rides import read_ride
from xiaolu.measures.interventions import WINDOW_S
from xiaolu.report.film import INK, MUTED, PAPER, RIBBON, write_mp4
from xiaolu.report.strip import CELL_PX, LAMPS, Outlines, from_above, outlines_of
from xiaolu.ride.config import config_of
from xiaolu.world.routing import RoutePath
from xiaolu.world.town import Town

BEFORE_S, AFTER_S, EVERY = 8.0, 3.0, 2  # seconds before and after the moment; of the steps, for 5 pictures a second
WIDTH_PX, HEIGHT_PX = 608, 256  # multiples of 16, as H.264 likes them
VIEW_PX = (400, 200)
CRF = 32


def moment_of(row: dict[str, Any]) -> float:
    """Return the second of a ride at which it went wrong: the first intervention, a check that broke, or its end."""
    if row["interventions"]:
        return float(row["interventions"][0]["from_s"])
    broken = [check["from_s"] for check in row["checks"] if check["holds"] is False and check["check"] != "arrives"]
    return float(min(broken)) if broken else float(row["duration_s"])


def around(steps: Sequence[Step], moment_s: float) -> list[Step]:
    """Return every other step of the seconds around a moment of the ride."""
    stamps = np.array([step.scene.stamp_ns for step in steps]) / 1e9
    chosen = np.flatnonzero((stamps >= moment_s - BEFORE_S) & (stamps <= moment_s + AFTER_S))
    return [steps[k] for k in chosen[::EVERY]]


def picture(
    step: Step, renderer: Renderer, path: RoutePath, actors: int, outlines: Outlines, helped: bool = False
) -> np.ndarray:
    """Return the picture (HEIGHT_PX, WIDTH_PX, 3) uint8 of one step; helped: somebody else has taken the wheel."""
    canvas = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), PAPER)
    wide = renderer.images(step.scene, ["wide"])["wide"]
    canvas.paste(Image.fromarray(wide).resize(VIEW_PX, Image.Resampling.BILINEAR), (0, 0))
    canvas.paste(from_above(path, actors, step, outlines).crop((0, 0, CELL_PX, CELL_PX)), (VIEW_PX[0] + 4, 0))
    draw, decision = ImageDraw.Draw(canvas), step.decision
    font, small = ImageFont.load_default(15), ImageFont.load_default(13)
    draw.text((8, 206), f"{step.scene.stamp_ns / 1e9:.1f} s   {step.scene.ego_speed_mps * 3.6:.0f} km/h", INK, font)
    draw.text((170, 206), str(decision.strategy), RIBBON[decision.strategy.pace.name.lower()], font)
    draw.text((8, 230), decision.why[:84], MUTED, small)
    if helped:
        draw.text((430, 206), "taken over", RIBBON["stop"], font)
    lamp = decision.perceived.signal
    if lamp in LAMPS:
        draw.ellipse((586, 208, 602, 224), fill=LAMPS[LampColour(lamp)])
    return np.asarray(canvas)


def pictures_of(
    header: Header, steps: Sequence[Step], town: Town, row: dict[str, Any], renderer: Renderer
) -> Iterator[np.ndarray]:
    """Yield the pictures of a ride around the moment at which it went wrong."""
    route = config_of(header, town).route
    assert route is not None
    path, outlines = RoutePath(town, route), outlines_of(town)
    acts = steps[0].scene.acts if steps else None
    for step in around(steps, moment_of(row)):
        now_s = step.scene.stamp_ns / 1e9
        helped = any(taken < now_s <= taken + WINDOW_S for taken in row["taken_s"])
        yield picture(step, renderer, path, 0 if acts is None else len(acts), outlines, helped)


def write_film(log: Path, town: Town, row: dict[str, Any], renderer: Renderer, out: Path) -> Path:
    """Write the film of a logged ride; row: its entry of the JSON. Raises ValueError for a log without steps."""
    ride = read_ride(log)
    steps = list(ride.steps())
    if not steps:
        raise ValueError(f"{log} holds no steps")
    out.parent.mkdir(parents=True, exist_ok=True)
    write_mp4(pictures_of(ride.header, steps, town, row, renderer), out, fps=10 // EVERY, crf=CRF)
    return out
