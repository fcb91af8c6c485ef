"""Find SUMO's netconvert and run it: a map in, a SUMO net (.net.xml) out."""

import os
import shutil
import subprocess
from pathlib import Path

from xiaolu.world.maps.error import MapError

COMMON = (
    "--no-turnarounds",
    "--output.street-names",
    "--junctions.internal-link-detail=12",
    "--junctions.corner-detail=8",
    "--junctions.small-radius=3",
    "--default.crossing-width=4.0",
    "--tls.cycle.time=80",
    "--tls.yellow.time=3",
    "--tls.left-green.time=8",
    "--tls.default-type=static",
    "--no-warnings",
    "--precision=3",
)
CORNER_M = 7.0  # the radius of kerbs at junctions
FOR_OSM = (
    "--geometry.remove",
    "--junctions.join",
    "--crossings.guess.speed-threshold=13.0",  # m/s: wider roads are crossed at signals only
    "--tls.guess-signals",
    "--tls.discard-simple",
    "--tls.join",
    "--osm.turn-lanes",
)
FOR_OPENDRIVE = ("--geometry.remove", "--opendrive.import-all-lanes", "--offset.disable-normalization=false")
LIMIT_S = 600.0


def find_netconvert() -> tuple[Path, Path | None]:
    """Return (netconvert, SUMO_HOME or None). Raises MapError with the way to install it where there is none."""
    try:
        import sumo

        home = Path(sumo.SUMO_HOME)
        for name in ("netconvert", "netconvert.exe"):
            if (home / "bin" / name).exists():
                return home / "bin" / name, home
    except ImportError:
        pass
    found = shutil.which("netconvert")
    if found is None:
        raise MapError(
            'importing a map needs SUMO\'s netconvert, which is not here; `pip install "xiaolu[maps]"` brings it'
        )
    known = os.environ.get("SUMO_HOME")
    return Path(found), Path(known) if known else None


def run_netconvert(arguments: list[str], source: Path, output: Path, corner_m: float = CORNER_M) -> None:
    """Run netconvert, its net going to `output`. Raises MapError with its first error lines when it fails."""
    program, home = find_netconvert()
    environment = dict(os.environ)
    if home is not None:
        environment["SUMO_HOME"] = str(home)
    command = [str(program), *arguments, *COMMON, f"--default.junctions.radius={corner_m:g}", f"--output-file={output}"]
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except subprocess.TimeoutExpired as error:
        raise MapError(f"{source}: netconvert took more than {LIMIT_S:.0f} s; cut a smaller extract") from error
    errors = [line for line in done.stderr.splitlines() if line.startswith("Error")]
    if done.returncode != 0 or not output.exists():
        said = "; ".join(errors[:3]) or done.stderr.strip()[-300:] or f"exit code {done.returncode}"
        raise MapError(f"{source}: netconvert could not make streets of this map: {said}")
