"""Seeds are split once, here, for towns and scenarios alike. Nothing is tuned on test."""

from enum import StrEnum


class Split(StrEnum):
    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"
    RESERVED = "reserved"


RANGES = {
    Split.TRAIN: range(0, 800_000),
    Split.VALIDATION: range(800_000, 850_000),
    Split.TEST: range(850_000, 900_000),
    Split.RESERVED: range(900_000, 2**63),
}


def split_of(seed: int) -> Split:
    """Return the split a seed belongs to; ValueError for a negative seed or one beyond 2**63 - 1."""
    for split, seeds in RANGES.items():
        if seed in seeds:
            return split
    raise ValueError(f"seed {seed} is outside 0 to 2**63 - 1")


def seeds_from(split: Split, count: int, first: int | None = None) -> range:
    """Return `count` seeds of a split, from `first` on; from the split's first one on if none is given.

    Raises ValueError when there would be none, or when one of them is not the split's.
    """
    known = RANGES[split]
    seeds = range(known.start if first is None else first, (known.start if first is None else first) + count)
    if count < 1:
        raise ValueError(f"--seeds {count}: at least 1")
    if seeds[0] not in known or seeds[-1] not in known:
        raise ValueError(
            f"seeds {seeds[0]} to {seeds[-1]} are not all {split.value} seeds, which are {known.start} to "
            f"{known.stop - 1}: give --seed S (the first) and --seeds N (how many) within these, or another --split"
        )
    return seeds


def require(seed: int, *allowed: Split) -> int:
    """Return the seed, or raise ValueError when its split is not among the allowed ones."""
    split = split_of(seed)
    if split not in allowed:
        ranges = "; ".join(f"{s.value}: {RANGES[s].start} to {RANGES[s].stop - 1}" for s in allowed)
        raise ValueError(f"seed {seed} is a {split.value} seed; allowed here are {ranges}")
    return seed
