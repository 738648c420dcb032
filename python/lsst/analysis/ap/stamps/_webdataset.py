"""Stamps in tar files of the kind that WebDataset streams."""

__all__ = ("write_webdataset",)

import io
import json
import math
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from ._records import Block, StampRecords
from ._schemas import json_value
from ._shards import write_shards

_MEGABYTES = 8


class _TarShard:
    """One tar file.

    Its members are named ``<diaSourceId>.<ending>``, those of a source together, as WebDataset wants them;
    nothing in it depends on when and by whom it was made.
    """

    def __init__(self, path: Path, records: StampRecords) -> None:
        self._tar = tarfile.TarFile(path.with_name(f"{path.name}.tar"), "w", format=tarfile.USTAR_FORMAT)

    def write(self, block: Block) -> None:
        for number, row in enumerate(block.catalogue.to_pylist()):
            key = row["diaSourceId"]
            for name, stack in block.pixels.items():
                content = io.BytesIO()
                np.lib.format.write_array(content, stack[number], version=(1, 0), allow_pickle=False)
                self._add(f"{key}.{name}.npy", content.getvalue())
            text = json.dumps({name: _finite(value) for name, value in row.items()}, default=json_value)
            self._add(f"{key}.json", text.encode())

    def close(self) -> None:
        self._tar.close()

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        member.mode = 0o644
        self._tar.addfile(member, io.BytesIO(content))


def _finite(value: Any) -> Any:
    """Return null for the numbers that JSON does not know."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_webdataset(folder: Path, records: StampRecords, shard: int) -> None:
    """Write ``stamps-train-00000.tar`` and so on.

    Each source has a member with the pixels of each array, shape (3, n, n), in the format of NumPy, and one
    with its catalogue row in JSON.

    ``shard``: how many sources a file has at most.
    """
    write_shards(folder, records, shard, records.step(_MEGABYTES), _TarShard)
