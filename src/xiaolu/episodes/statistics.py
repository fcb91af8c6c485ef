"""Statistics of a data set's features, as the LeRobot format keeps them: per episode, and aggregated over episodes.

Every feature has min, max, mean, std, count and the quantiles q01, q10, q50, q90, q99. Vectors have one value a
component; images one a channel, scaled to [0, 1], shape (3, 1, 1). Values that are not finite are left out.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

QUANTILES = {"q01": 0.01, "q10": 0.10, "q50": 0.50, "q90": 0.90, "q99": 0.99}
IMAGE_SAMPLES = 8  # images looked at per episode and camera
PIXEL_STRIDE = 4

Feature = dict[str, np.ndarray]


class Statistics(Mapping[str, Feature]):
    """Feature name -> its statistics. A name that is not there raises KeyError with the ones that are."""

    def __init__(self, features: Mapping[str, Feature]) -> None:
        self._features = dict(features)

    def __getitem__(self, name: str) -> Feature:
        if name not in self._features:
            raise KeyError(f"no statistics of {name!r}; there are statistics of {', '.join(sorted(self._features))}")
        return self._features[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._features)

    def __len__(self) -> int:
        return len(self._features)


def of_rows(rows: np.ndarray) -> Feature:
    """Return the statistics of rows (n, d) of numbers, each value (d,), count (1,)."""
    rows = np.asarray(rows, np.float64)
    known = np.where(np.isfinite(rows), rows, np.nan)
    known[:, np.isnan(known).all(axis=0)] = 0.0
    stats = {
        "min": np.nanmin(known, axis=0),
        "max": np.nanmax(known, axis=0),
        "mean": np.nanmean(known, axis=0),
        "std": np.nanstd(known, axis=0),
        "count": np.array([len(rows)]),
    }
    quantiles = np.nanquantile(known, list(QUANTILES.values()), axis=0)
    return stats | dict(zip(QUANTILES, quantiles, strict=True))


def of_images(images: Sequence[np.ndarray]) -> Feature:
    """Return the statistics of images (H, W, 3) uint8, by channel, in [0, 1]; count is the images looked at."""
    chosen = np.unique(np.linspace(0, len(images) - 1, min(len(images), IMAGE_SAMPLES)).round().astype(int))
    pixels = np.concatenate([images[i][::PIXEL_STRIDE, ::PIXEL_STRIDE].reshape(-1, 3) for i in chosen])
    stats = {name: value.reshape(3, 1, 1) / 255.0 for name, value in of_rows(pixels).items() if name != "count"}
    return stats | {"count": np.array([len(chosen)])}


def together(parts: Sequence[Mapping[str, Feature]]) -> Statistics:
    """Return the statistics of several episodes as one. Quantiles are count-weighted means, as LeRobot's are.

    Raises KeyError when a feature or one of its figures is missing from any part.
    """
    if not parts:
        return Statistics({})
    return Statistics({name: _together([Statistics(part)[name] for part in parts]) for name in parts[0]})


def _together(parts: Sequence[Feature]) -> Feature:
    def stacked(figure: str) -> np.ndarray:
        for part in parts:
            if figure not in part:
                raise KeyError(f"statistics without {figure!r}; they hold {', '.join(sorted(part))}")
        return np.stack([part[figure] for part in parts])

    counts = stacked("count").astype(np.float64)
    weight = counts.reshape(len(parts), *([1] * parts[0]["mean"].ndim)) / counts.sum()
    mean = (stacked("mean") * weight).sum(axis=0)
    variance = ((stacked("std") ** 2 + (stacked("mean") - mean) ** 2) * weight).sum(axis=0)
    return {
        "min": stacked("min").min(axis=0),
        "max": stacked("max").max(axis=0),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": counts.sum(axis=0).astype(np.int64),
        **{name: (stacked(name) * weight).sum(axis=0) for name in QUANTILES},
    }
