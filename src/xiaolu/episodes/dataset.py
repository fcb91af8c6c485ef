"""Training data: Moments to a LeRobot v3 data set and back. A root holds one writer's episodes; a set may have many.

Written episode by episode: labels, pictures and numbers first, then the row in meta/episodes that makes them count,
then the totals. A killed process loses at most the episode in hand; what it half wrote is overwritten by the next.
"""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from xiaolu.codec.moment import Moment
from xiaolu.core.camera import CameraModel
from xiaolu.core.rates import TRAINING_HZ
from xiaolu.core.seeds import Split, split_of
from xiaolu.episodes import columns, lerobot, statistics
from xiaolu.episodes.lock import Lock
from xiaolu.episodes.png import decoded
from xiaolu.episodes.record import from_record, to_record
from xiaolu.episodes.statistics import Statistics

RIG, DROPPED = "meta/rig.json", "meta/dropped.jsonl"
ABOUT = "about/"  # columns of meta/episodes that are ours
OPEN_FILES = 128  # parquet files a reader keeps open


class DatasetWriter:
    """Appends whole episodes to one root. A root has one writer at a time (BlockingIOError for a second).

    Raises ValueError when the root holds episodes of other cameras.
    """

    def __init__(self, root: Path, cameras: Sequence[CameraModel], fps: int = TRAINING_HZ) -> None:
        self.root, self.cameras = Path(root), tuple(cameras)
        self._lock = Lock(self.root / ".lock")
        features = columns.lerobot_features(self.cameras)
        rig = json.loads(json.dumps(to_record(self.cameras)))
        if (self.root / lerobot.INFO).exists():
            self.info = lerobot.read_info(self.root)
            if self.info["features"] != features or json.loads((self.root / RIG).read_text()) != rig:
                raise ValueError(f"{self.root} was recorded with other cameras or columns; write to another folder")
            self.tasks = lerobot.read_tasks(self.root / lerobot.TASKS)
        else:
            self.info, self.tasks = lerobot.new_info(features, fps), []
            lerobot.write_json(self.root / RIG, rig)
        self._stats: list[dict[str, statistics.Feature]] = []
        self.seeds: list[int] = []
        for path in lerobot.episode_files(self.root):
            row = pq.read_table(path).to_pylist()[0]
            self._stats.append(_stats_of(row))
            self.seeds.append(row[ABOUT + "seed"])
            self.info["total_frames"] = row["dataset_to_index"]
        self.info["total_episodes"] = len(self.seeds)

    def append(self, moments: Sequence[Moment], seed: int, about: Mapping[str, str] | None = None) -> int:
        """Add one episode, in order of time, and return its number. `about`: texts kept beside it (town, driver).

        The moments' own `episode` is not kept: an episode is numbered by where it lies. Raises ValueError for none.
        """
        if not moments:
            raise ValueError(f"episode of seed {seed} has no moments")
        number, start = len(self.seeds), self.info["total_frames"]
        counters = self._counters(moments, number, start)
        data = columns.numbers(moments) | counters
        self._write_labels(number, moments, counters)
        images = {c.name: [m.images[c.name] for m in moments] for c in self.cameras}
        table = {columns.IMAGE + name: columns.pictures(pictures) for name, pictures in images.items()}
        table |= {name: columns.table_column(values) for name, values in data.items()}
        ordered = {name: table[name] for name in self.info["features"]}
        lerobot.write_table(lerobot.file_of(self.root, lerobot.DATA, number), ordered, compressed=False)
        stats = {columns.IMAGE + name: statistics.of_images(pictures) for name, pictures in images.items()}
        stats |= {name: statistics.of_rows(values.reshape(len(moments), -1)) for name, values in data.items()}
        self._commit(number, start, len(moments), sorted({self._task(m) for m in moments}), stats, seed, about or {})
        return number

    def drop(self, seed: int, why: str) -> None:
        """Remember that a seed was tried and gave no episode, so that nobody tries it again."""
        path = self.root / DROPPED
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"seed": seed, "why": why}, ensure_ascii=False) + "\n")

    @property
    def stats(self) -> Statistics:
        """The statistics of everything written so far."""
        return statistics.together(self._stats)

    def close(self) -> None:
        """Give the root free for another writer. Everything is on the disk already."""
        self._lock.release()

    def __enter__(self) -> "DatasetWriter":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _task(self, moment: Moment) -> str:
        return moment.instruction or columns.NO_WISH

    def _counters(self, moments: Sequence[Moment], number: int, start: int) -> dict[str, np.ndarray]:
        new = sorted({self._task(m) for m in moments} - set(self.tasks))
        if new:
            self.tasks += new
            lerobot.write_tasks(self.root / lerobot.TASKS, self.tasks)
        place = {task: i for i, task in enumerate(self.tasks)}
        count = len(moments)
        return {
            "frame_index": np.arange(count, dtype=np.int64),
            "episode_index": np.full(count, number, np.int64),
            "index": np.arange(start, start + count, dtype=np.int64),
            "task_index": np.array([place[self._task(m)] for m in moments], np.int64),
        }

    def _write_labels(self, number: int, moments: Sequence[Moment], counters: Mapping[str, np.ndarray]) -> None:
        tables = {
            columns.DRIVE: columns.drive_labels(moments),
            columns.CELLS: columns.cell_columns(moments, self.cameras),
        }
        for name, table in tables.items():
            rows = {"index": counters["index"], **table}
            lerobot.write_table(lerobot.file_of(self.root, f"labels/{name}", number), rows)

    def _commit(
        self,
        number: int,
        start: int,
        length: int,
        tasks: list[str],
        stats: dict[str, statistics.Feature],
        seed: int,
        about: Mapping[str, str],
    ) -> None:
        chunk, file = divmod(number, lerobot.CHUNK_FILES)
        row: dict[str, Any] = {
            "episode_index": number,
            "tasks": tasks,
            "length": length,
            "data/chunk_index": chunk,
            "data/file_index": file,
            "dataset_from_index": start,
            "dataset_to_index": start + length,
        }
        for name, feature in stats.items():
            row |= {f"stats/{name}/{figure}": value.tolist() for figure, value in feature.items()}
        row |= {"meta/episodes/chunk_index": chunk, "meta/episodes/file_index": file, ABOUT + "seed": seed}
        row |= {ABOUT + name: text for name, text in about.items()}
        table = {name: pa.array([value]) for name, value in row.items()}
        lerobot.write_table(lerobot.file_of(self.root, lerobot.EPISODES, number), table)
        self.seeds.append(seed)
        self._stats.append(stats)
        self.info |= {
            "total_episodes": number + 1,
            "total_frames": start + length,
            "total_tasks": len(self.tasks),
            "splits": {"train": f"0:{number + 1}"},
        }
        whole = {name: {k: v.tolist() for k, v in feature.items()} for name, feature in self.stats.items()}
        lerobot.write_json(self.root / lerobot.STATS, whole)
        lerobot.write_json(self.root / lerobot.INFO, self.info)


def _stats_of(row: Mapping[str, Any]) -> dict[str, statistics.Feature]:
    """Return the statistics in a row of meta/episodes."""
    stats: dict[str, statistics.Feature] = {}
    for name, value in row.items():
        if name.startswith("stats/"):
            feature, figure = name.removeprefix("stats/").rsplit("/", 1)
            stats.setdefault(feature, {})[figure] = np.array(value)
    return stats


def roots_under(folder: Path) -> list[Path]:
    """Return the data sets in a folder: itself, or what lies one below it (one a writer). Raises FileNotFoundError."""
    folder = Path(folder)
    found = (
        [folder] if (folder / lerobot.INFO).exists() else sorted(p.parents[1] for p in folder.glob(f"*/{lerobot.INFO}"))
    )
    if not found:
        raise FileNotFoundError(f"no data set at {folder}; `xiaolu collect --out {folder}` makes one")
    return found


def seeds_tried(folder: Path) -> set[int]:
    """Return the seeds that gave an episode, or were tried and gave none, in all roots under a folder."""
    seeds: set[int] = set()
    for path in Path(folder).glob(f"**/{lerobot.EPISODES}/chunk-*/file-*.parquet"):
        seeds.update(pq.read_table(path, columns=[ABOUT + "seed"]).column(0).to_pylist())
    for path in Path(folder).glob(f"**/{DROPPED}"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.endswith("}"):  # a killed writer may leave half a line
                seeds.add(json.loads(line)["seed"])
    return seeds


class Dataset:
    """Moments of one or more data sets, in order of (episode, window, index). Safe to read from several threads.

    folders: roots, or folders of roots. split: keep only episodes whose seed belongs to it. Numbers and plan labels are
    held in memory; pictures and maps are read when asked for. `seeds`, `about`: one entry an episode. Of episodes in
    one folder with one seed and one driver only the first counts: the same ride twice might be trained on and held out.
    """

    def __init__(self, folders: Path | Iterable[Path], split: Split | None = None) -> None:
        folders = [folders] if isinstance(folders, (str, Path)) else list(folders)
        homes = {root: Path(folder) for folder in folders for root in roots_under(Path(folder))}
        self.roots = list(homes)
        self.cameras: tuple[CameraModel, ...] = ()
        self.seeds: list[int] = []
        self.about: list[dict[str, str]] = []
        self._files: list[tuple[Path, int]] = []
        self._tasks: list[list[str]] = []
        stats, data, drive, place = [], [], [], []
        rides: set[tuple[Path, int, str | None]] = set()
        for root in self.roots:
            self._join_rig(root)
            tasks = lerobot.read_tasks(root / lerobot.TASKS)
            for path in lerobot.episode_files(root):
                row = pq.read_table(path).to_pylist()[0]
                if split is not None and split_of(row[ABOUT + "seed"]) is not split:
                    continue
                ride = (homes[root], row[ABOUT + "seed"], row.get(ABOUT + "driver"))
                if ride in rides:
                    continue
                rides.add(ride)
                self.seeds.append(row[ABOUT + "seed"])
                self.about.append({k.removeprefix(ABOUT): v for k, v in row.items() if k.startswith(ABOUT)})
                number = row["episode_index"]
                stats.append(_stats_of(row))
                data.append(_numbers(lerobot.file_of(root, lerobot.DATA, number), columns.IMAGE))
                drive.append(_numbers(lerobot.file_of(root, f"labels/{columns.DRIVE}", number)))
                order = np.lexsort((data[-1]["observation.moment"], data[-1]["observation.window"]))
                place += [(len(self._files), int(i)) for i in order]
                self._files.append((root, number))
                self._tasks.append(tasks)
        self.stats = statistics.together(stats)
        self._place = np.array(place, np.int64).reshape(-1, 2)
        self._data, self._drive = data, drive
        self._open: OrderedDict[Path, tuple[pq.ParquetFile, threading.Lock]] = OrderedDict()
        self._opening = threading.Lock()

    def __len__(self) -> int:
        return len(self._place)

    @property
    def episodes(self) -> int:
        """How many episodes there are."""
        return len(self._files)

    def moment(self, number: int, pixels: bool = True) -> Moment:
        """Return moment `number`; without pixels, its images and maps are empty. Raises IndexError beyond the last."""
        episode, row = (int(v) for v in self._place[number])
        images: dict[str, np.ndarray] = {}
        maps: tuple[dict, dict] = ({}, {})
        if pixels:
            root, file = self._files[episode]
            names = [columns.IMAGE + c.name for c in self.cameras]
            stored = self._row(lerobot.file_of(root, lerobot.DATA, file), row, names)
            images = {c.name: decoded(stored[columns.IMAGE + c.name]["bytes"]) for c in self.cameras}
            maps = columns.cell_maps(
                self._row(lerobot.file_of(root, f"labels/{columns.CELLS}", file), row, None), self.cameras
            )
        task = self._tasks[episode][int(self._data[episode]["task_index"][row])]
        return columns.moment_of(row, self._data[episode], self._drive[episode], task, episode, images, maps)

    def __getitem__(self, number: int) -> Moment:
        return self.moment(number)

    def _join_rig(self, root: Path) -> None:
        cameras = from_record(tuple[CameraModel, ...], json.loads((root / RIG).read_text()))
        if self.cameras and to_record(cameras) != to_record(self.cameras):
            raise ValueError(f"{root} was recorded with other cameras than {self.roots[0]}")
        self.cameras = cameras

    def _row(self, path: Path, row: int, names: list[str] | None) -> dict[str, Any]:
        with self._opening:
            if path not in self._open:
                self._open[path] = (pq.ParquetFile(path, memory_map=True), threading.Lock())
                if len(self._open) > OPEN_FILES:
                    self._open.popitem(last=False)
            self._open.move_to_end(path)
            file, lock = self._open[path]
        with lock:
            group = file.read_row_group(row // lerobot.ROW_GROUP, columns=names, use_threads=False)
        return {name: group.column(name)[row % lerobot.ROW_GROUP].as_py() for name in group.column_names}


def _numbers(path: Path, without: str = "\0") -> dict[str, np.ndarray]:
    """Return a parquet file's columns as arrays, except those whose name begins with `without`."""
    with pq.ParquetFile(path, memory_map=True) as file:
        names = [f.name for f in file.schema_arrow if not f.name.startswith(without)]
        table = file.read(columns=names, use_threads=False)
    return {name: columns.column_values(table.column(name)) for name in names}
