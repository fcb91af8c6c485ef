"""The files of a LeRobot v3 data set: meta/info.json, stats.json, tasks.parquet, episodes; data in chunks of files.

Format as of codebase_version v3.0 (github.com/huggingface/lerobot, src/lerobot/datasets). One file an episode, so that
an episode is whole or not there. Every file is written under another name and then renamed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

CODEBASE_VERSION = "v3.0"
CHUNK_FILES = 1000  # files in one folder
ROW_GROUP = 4  # rows read at once: a moment is decoded alone, so groups are small
INFO, STATS, TASKS, EPISODES, DATA = "meta/info.json", "meta/stats.json", "meta/tasks.parquet", "meta/episodes", "data"
FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}.parquet"


def file_of(root: Path, table: str, number: int) -> Path:
    """Return the file that holds episode `number` of a table (`data`, `meta/episodes`, `labels/drive-v1`)."""
    return root / table / FILE.format(chunk_index=number // CHUNK_FILES, file_index=number % CHUNK_FILES)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file whole or not at all. Raises OSError naming the path when the disk will not take it."""
    partial = path.with_name("." + path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(data)
        partial.replace(path)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(f"could not write {path}: {error.strerror or error}") from error


def write_json(path: Path, content: Any) -> None:
    write_whole(path, json.dumps(content, indent=4, ensure_ascii=False).encode())


def write_table(path: Path, columns: Mapping[str, Any], compressed: bool = True) -> None:
    """Write columns as one parquet file, whole or not at all. Pictures, being compressed already, are stored as is."""
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(dict(columns)),
        sink,
        row_group_size=ROW_GROUP,
        compression="zstd" if compressed else "none",
        use_dictionary=False,
        write_statistics=False,
    )
    write_whole(path, sink.getvalue())


def write_tasks(path: Path, tasks: list[str]) -> None:
    """Write tasks.parquet as pandas would: the task is the index, task_index the column."""
    name = "__index_level_0__"
    about = {
        "index_columns": [name],
        "column_indexes": [
            {
                "name": None,
                "field_name": None,
                "pandas_type": "unicode",
                "numpy_type": "object",
                "metadata": {"encoding": "UTF-8"},
            }
        ],
        "columns": [
            {
                "name": "task_index",
                "field_name": "task_index",
                "pandas_type": "int64",
                "numpy_type": "int64",
                "metadata": None,
            },
            {"name": None, "field_name": name, "pandas_type": "unicode", "numpy_type": "object", "metadata": None},
        ],
        "creator": {"library": "pyarrow", "version": pa.__version__},
        "pandas_version": "2.2.3",
    }
    table = pa.table({"task_index": np.arange(len(tasks), dtype=np.int64), name: pa.array(tasks, pa.string())})
    sink = pa.BufferOutputStream()
    pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(about)}), sink)
    write_whole(path, sink.getvalue())


def read_tasks(path: Path) -> list[str]:
    """Return the tasks in the order of their index."""
    table = pq.read_table(path).to_pydict()
    names = next(column for name, column in table.items() if name != "task_index")
    return [name for _, name in sorted(zip(table["task_index"], names, strict=True))]


def new_info(features: Mapping[str, Any], fps: int) -> dict[str, Any]:
    """Return info.json of an empty data set."""
    return {
        "codebase_version": CODEBASE_VERSION,
        "robot_type": "xiaolu",
        "total_episodes": 0,
        "total_frames": 0,
        "total_tasks": 0,
        "chunks_size": CHUNK_FILES,
        "data_files_size_in_mb": 100,
        "video_files_size_in_mb": 200,
        "fps": fps,
        "splits": {},
        "data_path": f"{DATA}/{FILE}",
        "video_path": None,
        "features": dict(features),
    }


def read_info(root: Path) -> dict[str, Any]:
    """Return info.json. Raises FileNotFoundError where there is no data set, ValueError for another version."""
    path = root / INFO
    if not path.exists():
        raise FileNotFoundError(f"no data set at {root}: {INFO} is missing; `xiaolu collect` makes one")
    info = json.loads(path.read_text(encoding="utf-8"))
    if info["codebase_version"] != CODEBASE_VERSION:
        raise ValueError(f"{root}: LeRobot {info['codebase_version']}, this version reads {CODEBASE_VERSION}")
    return info


def episode_files(root: Path) -> list[Path]:
    """Return the files that say which episodes are whole, in order."""
    return sorted((root / EPISODES).glob("chunk-*/file-*.parquet"))
