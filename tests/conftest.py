"""Towns for every room's tests: one drawn by hand, and Shanghai where its map lies beside the repository."""

import hashlib
import tempfile
from pathlib import Path

import pytest

from tests.towns import crossroads
from xiaolu.world.town import Town, load_town, save_town

ROOT = Path(__file__).parents[1]
SHANGHAI = ROOT / "../shared/data/shanghai.osm"


@pytest.fixture(scope="session")
def small_town() -> Town:
    """A signalled crossroads of two two-way streets, and a narrow street off one of them. No SUMO in it."""
    return crossroads()


@pytest.fixture(scope="session")
def shanghai_map() -> Path:
    """The map of central Shanghai; skips where it is absent."""
    if not SHANGHAI.exists():
        pytest.skip("the map of Shanghai is not beside the repository (../shared/data/shanghai.osm)")
    return SHANGHAI


@pytest.fixture(scope="session")
def shanghai(shanghai_map: Path) -> Town:
    """Central Shanghai, compiled once for one state of map and compiler, then kept in the temporary folder."""
    pytest.importorskip("sumo", reason='needs netconvert: pip install "xiaolu[maps]"')
    from xiaolu.world.maps import import_map

    key = hashlib.sha256(shanghai_map.read_bytes())
    sources = [ROOT / "src/xiaolu/world/town.py", *sorted((ROOT / "src/xiaolu/world/maps").glob("*.py"))]
    for path in sources:
        key.update(path.read_bytes())
    kept = Path(tempfile.gettempdir()) / f"xiaolu-shanghai-{key.hexdigest()[:16]}.town"
    if kept.exists():
        return load_town(kept)
    town = import_map(shanghai_map)
    save_town(town, kept)
    return town
