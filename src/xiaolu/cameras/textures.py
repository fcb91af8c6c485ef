"""Patterns of surfaces, drawn from numbers: layered RGBA images that the shaders multiply colours by.

128 means unchanged. Alpha of a wall is where its windows are.
"""

import numpy as np

SIZE = 128


def _noise(random: np.random.Generator, coarse: int) -> np.ndarray:
    """Return (SIZE, SIZE) smooth noise that repeats without a seam, mean 0, about unit spread."""
    spectrum = np.fft.rfft2(random.standard_normal((SIZE, SIZE)))
    fy, fx = np.fft.fftfreq(SIZE)[:, None] * SIZE, np.fft.rfftfreq(SIZE)[None] * SIZE
    spectrum *= np.exp(-(fx**2 + fy**2) / (2.0 * coarse**2))
    image = np.fft.irfft2(spectrum, (SIZE, SIZE))
    image -= image.mean()
    return image / image.std()


def _grey(value: np.ndarray, alpha: float = 0.0) -> np.ndarray:
    return np.dstack([value] * 3 + [np.full_like(value, alpha)])


def ground_layers() -> np.ndarray:
    """Return (4, SIZE, SIZE, 4) uint8: asphalt, paving, grass, paint (see road_mesh.Layer)."""
    random = np.random.default_rng(1)
    fine, mid, coarse = _noise(random, 60), _noise(random, 12), _noise(random, 3)
    asphalt = _grey(0.5 + 0.030 * fine + 0.016 * mid + 0.012 * coarse)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    # Four slabs a side of the image, every other row moved by half a slab.
    row = np.floor(y * 4)
    slab_x = (x * 4 + 0.5 * (row % 2)) % 1.0
    joint = np.maximum(np.abs(slab_x - 0.5), np.abs((y * 4) % 1.0 - 0.5)) > 0.46
    tone = random.uniform(-0.035, 0.035, (4, 5))[row.astype(int), np.floor(x * 4 + 0.5 * (row % 2)).astype(int) % 4]
    paving = _grey(0.5 + tone + 0.02 * fine - 0.10 * joint)
    grass = _grey(0.5 + 0.03 * fine + 0.022 * mid + 0.015 * coarse)
    grass[..., 1] += 0.008 * coarse
    paint = _grey(0.5 + 0.015 * fine - 0.05 * np.maximum(mid - 1.2, 0.0))
    return _bytes([asphalt, paving, grass, paint])


def _bytes(layers) -> np.ndarray:
    return np.clip(np.round(np.stack(layers) * 255.0), 0, 255).astype(np.uint8)


def facade_layers(facades: int, shops: int) -> np.ndarray:
    """Return (facades + shops, SIZE, SIZE, 4) uint8. A wall's image is two bays by two storeys, a shop's two by one."""
    random = np.random.default_rng(2)
    y, x = np.mgrid[:SIZE, :SIZE] / SIZE
    layers = []
    # Window width and height as shares of bay and storey; a frame, a sill, and what stands out below.
    shapes = [(0.46, 0.52), (0.62, 0.48), (0.36, 0.60), (0.86, 0.56), (0.50, 0.46), (0.92, 0.80)]
    for k in range(facades):
        wide, high = shapes[k % len(shapes)]
        u, v = (x * 2) % 1.0 - 0.5, (y * 2) % 1.0 - 0.54
        window = (np.abs(u) < wide / 2) & (np.abs(v) < high / 2)
        frame = (np.abs(u) < wide / 2 + 0.04) & (np.abs(v) < high / 2 + 0.045) & ~window
        mullion = window & ((np.abs(u) < 0.022) | (np.abs(v - high * 0.18) < 0.016))
        wall = 0.5 + 0.012 * _noise(random, 40) + 0.008 * _noise(random, 5)
        if k % 3 == 2:  # brick
            brick_row = np.floor(y * 40)
            wall -= 0.05 * (((y * 40) % 1.0 < 0.2) | (((x * 20 + 0.5 * (brick_row % 2)) % 1.0) < 0.1))
        band = np.abs((y * 2) % 1.0 - 0.03) < 0.03
        wall = wall + 0.04 * band
        wall[frame] = 0.60
        image = _grey(wall)
        tone = np.where(x < 0.5, 0.0, 0.035) + np.where(y < 0.5, 0.02, 0.0)
        shade = 0.17 + 0.10 * (v + 0.5) + tone
        glass = np.dstack([shade * 0.82, shade * 0.97, shade * 1.10, np.ones_like(shade)])
        image[window & ~mullion] = glass[window & ~mullion]
        if k in (0, 2, 4):  # an air conditioner beside every other window
            box = (np.abs(x - 0.25 - 0.22) < 0.045) & (np.abs((y * 2) % 1.0 - 0.16) < 0.08)
            image[box] = [0.52, 0.52, 0.50, 0.0]
        if k == 1:  # balconies
            rail = (np.abs(u) < 0.42) & (np.abs((y * 2) % 1.0 - 0.17) < 0.12)
            image[rail] = [0.56, 0.56, 0.55, 0.0]
            image[rail & ((x * 60) % 1.0 < 0.4)] = [0.36, 0.36, 0.37, 0.0]
        layers.append(image)
    signs = [
        (0.75, 0.18, 0.16),
        (0.15, 0.34, 0.62),
        (0.78, 0.60, 0.16),
        (0.14, 0.46, 0.30),
        (0.84, 0.83, 0.80),
        (0.5, 0.2, 0.42),
    ]
    for k in range(shops):
        u = (x * 2) % 1.0
        image = _grey(0.44 + 0.02 * _noise(random, 30))
        glass = (np.abs(u - 0.5) < 0.40) & (y > 0.10) & (y < 0.66)
        shade = 0.16 + 0.16 * y + 0.008 * _noise(random, 8)
        image[glass] = np.dstack([shade, shade * 1.02, shade * 1.06, np.ones_like(shade)])[glass]
        image[glass & (np.abs((u * 3) % 1.0 - 0.5) > 0.47)] = [0.34, 0.34, 0.34, 0.0]
        image[glass & (np.abs(y - 0.5) < 0.012)] = [0.34, 0.34, 0.34, 0.0]
        for half in (0, 1):
            sign = (np.abs(x * 2 - half - 0.5) < 0.47) & (y > 0.71) & (y < 0.89)
            image[sign] = [*signs[(k * 2 + half) % len(signs)], 0.0]
            glyphs = sign & (np.abs(y - 0.80) < 0.055) & (np.abs(u - 0.5) < 0.3) & (((u * 11) % 1.0) < 0.72)
            strokes = (np.sin(x * 180.0 + k) * np.sin(y * 150.0 + 2 * k)) > -0.1
            image[glyphs & strokes] = [0.9, 0.88, 0.8, 0.0]
        layers.append(image)
    return _bytes(layers)
