"""A passenger's words as a fixed number of hashed ids: English words and their pieces, Chinese characters and pairs.

No vocabulary to ship, and no text that can break it: control characters, half a megabyte, any language.
"""

import re
import unicodedata
import zlib
from itertools import pairwise

import numpy as np

TEXT_IDS = 48
TEXT_BUCKETS = 4096  # id 0 is padding
LONGEST = 400  # characters read; a wish is shorter

_WORDS = re.compile(r"[^\W_㐀-鿿]+|[㐀-鿿]+")


def pieces(text: str) -> list[str]:
    """Return what a text is made of, most telling first: words or characters, then pairs, then letter triples."""
    clean = unicodedata.normalize("NFKC", text[:LONGEST]).casefold()
    units: list[str] = []
    for word in _WORDS.findall(clean):
        units += list(word) if "㐀" <= word[0] <= "鿿" else [word]
    pairs = [f"{a} {b}" for a, b in pairwise(units)]
    padded = [f"<{word}>" for word in units if len(word) > 3]
    triples = [word[i : i + 3] for word in padded for i in range(len(word) - 2)]
    return units + pairs + triples


def text_ids(text: str) -> np.ndarray:
    """Return (TEXT_IDS,) int64 ids below TEXT_BUCKETS, padded with 0; all 0 for an empty or unreadable text."""
    ids = np.zeros(TEXT_IDS, np.int64)
    found = [1 + zlib.crc32(piece.encode()) % (TEXT_BUCKETS - 1) for piece in pieces(text)[:TEXT_IDS]]
    ids[: len(found)] = found
    return ids
