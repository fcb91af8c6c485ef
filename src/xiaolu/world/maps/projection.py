"""From degrees to a town's frame: the transverse Mercator projection of one UTM zone, as netconvert used it.

Source of the series: Karney 2011, Transverse Mercator with an accuracy of a few nanometers, equations 7 to 9, to n^3.
"""

import re

import numpy as np

A_M, FLATTENING, SCALE, EASTING_M, NORTHING_M = 6378137.0, 1 / 298.257223563, 0.9996, 500_000.0, 10_000_000.0


def utm(lon_deg: np.ndarray, lat_deg: np.ndarray, zone: int, south: bool = False) -> np.ndarray:
    """Return (..., 2) easting and northing in metres of WGS 84 longitudes and latitudes in degrees."""
    n = FLATTENING / (2.0 - FLATTENING)
    radius = A_M / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    alpha = (
        n / 2 - 2 * n**2 / 3 + 5 * n**3 / 16,
        13 * n**2 / 48 - 3 * n**3 / 5,
        61 * n**3 / 240,
    )
    e = 2 * np.sqrt(n) / (1 + n)
    phi, lam = np.radians(lat_deg), np.radians(np.asarray(lon_deg) - (6 * zone - 183))
    t = np.sinh(np.arctanh(np.sin(phi)) - e * np.arctanh(e * np.sin(phi)))
    xi, eta = np.arctan2(t, np.cos(lam)), np.arctanh(np.sin(lam) / np.sqrt(1 + t**2))
    east = eta + sum(a * np.cos(2 * j * xi) * np.sinh(2 * j * eta) for j, a in enumerate(alpha, 1))
    north = xi + sum(a * np.sin(2 * j * xi) * np.cosh(2 * j * eta) for j, a in enumerate(alpha, 1))
    return np.stack(
        [EASTING_M + SCALE * radius * east, SCALE * radius * north + (NORTHING_M if south else 0.0)], axis=-1
    )


def to_town(outlines: list, location: dict[str, str]) -> list[tuple[np.ndarray, float | None]]:
    """Return outlines ((lon, lat) lists with a height) in the town's frame; none where the projection is not UTM."""
    projection = location.get("projParameter", "")
    zone = re.search(r"\+proj=utm \+zone=(\d+)", projection)
    if zone is None:
        return []
    offset = np.array([float(part) for part in location["netOffset"].split(",")])
    south = "+south" in projection
    moved = []
    for points, height in outlines:
        lon_lat = np.array(points)
        moved.append((utm(lon_lat[:, 0], lon_lat[:, 1], int(zone.group(1)), south) + offset, height))
    return moved
