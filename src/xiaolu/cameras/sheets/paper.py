"""Paper: pictures put side by side and labelled. In and out: PIL images."""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

WHITE, INK, GAP_PX, LABEL_PX = (250, 250, 247), (38, 42, 48), 4, 18


@lru_cache(maxsize=4)
def _font(size_px: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size_px)


def labelled(picture: Image.Image, text: str) -> Image.Image:
    """Return a picture with a line of text above it."""
    out = Image.new("RGB", (picture.width, picture.height + LABEL_PX), WHITE)
    out.paste(picture, (0, LABEL_PX))
    ImageDraw.Draw(out).text((2, 1), text, fill=INK, font=_font(13))
    return out


def beside(pictures: Sequence[Image.Image], gap_px: int = GAP_PX) -> Image.Image:
    """Return pictures in a row, aligned at the top."""
    width = sum(picture.width for picture in pictures) + gap_px * (len(pictures) - 1)
    out = Image.new("RGB", (width, max(picture.height for picture in pictures)), WHITE)
    x = 0
    for picture in pictures:
        out.paste(picture, (x, 0))
        x += picture.width + gap_px
    return out


def stacked(pictures: Sequence[Image.Image], gap_px: int = GAP_PX) -> Image.Image:
    """Return pictures below each other, aligned at the left."""
    height = sum(picture.height for picture in pictures) + gap_px * (len(pictures) - 1)
    out = Image.new("RGB", (max(picture.width for picture in pictures), height), WHITE)
    y = 0
    for picture in pictures:
        out.paste(picture, (0, y))
        y += picture.height + gap_px
    return out


def grid(pictures: Sequence[Image.Image], columns: int) -> Image.Image:
    """Return pictures in rows of so many."""
    return stacked([beside(pictures[at : at + columns]) for at in range(0, len(pictures), columns)])


def save(sheet: Image.Image, out: Path) -> str:
    """Write a sheet (.webp, .png or .jpg) and return a line that says what was written.

    Raises ValueError for another suffix.
    """
    out = Path(out)
    if out.suffix.lower() not in (".webp", ".png", ".jpg"):
        raise ValueError(f"{out}: no picture format; the suffix must be one of .webp, .png, .jpg")
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix.lower() == ".webp":
        sheet.save(out, quality=72, method=6)
    else:
        sheet.save(out)
    return f"{out}: {sheet.width} x {sheet.height}, {out.stat().st_size / 1000:.0f} kB"
