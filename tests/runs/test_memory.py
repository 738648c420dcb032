import logging
import tracemalloc

import pyarrow as pa
import pytest

from lsst.analysis.ap.domain import DetectorVisit, SourceBatch
from lsst.analysis.ap.output import Failure
from lsst.analysis.ap.output.config import OutputConfig
from lsst.analysis.ap.runs._fill import PictureSource, RunOptions, fill_directory
from lsst.analysis.ap.runs._pictures import PictureBatch, PictureFiles

ROWS = 50
BATCHES = 40


def make(batch):
    ids = batch.rows.column("diaSourceId").to_pylist()
    return PictureBatch([PictureFiles(identifier, b"\x89PNG") for identifier in ids], None)


def fail(batch):
    ids = batch.rows.column("diaSourceId").to_pylist()
    return PictureBatch([Failure(i, batch.data_id, f"no image of {batch.data_id}") for i in ids], None)


def batches(memory):
    for visit in range(BATCHES):
        ids = range(10**17 + visit * ROWS, 10**17 + (visit + 1) * ROWS)
        values = [float(n) for n in range(ROWS)]
        rows = {
            "diaSourceId": ids,
            "visit": [visit] * ROWS,
            "detector": [3] * ROWS,
            "ra": values,
            "dec": values,
        }
        yield SourceBatch(DetectorVisit("Cam", visit, 3), pa.table(rows))
        memory.append(tracemalloc.get_traced_memory()[0])


# Of a source that is done there is its identifier. Of one that failed there are three numbers, and a fiftieth
# of what a detector takes: its place, and its reason.
@pytest.mark.parametrize(("pictures", "bytes_per_row"), [(make, 24), (fail, 60)])
def test_memory_hardly_grows_with_the_sources(tmp_path, pictures, bytes_per_row):
    source = PictureSource(pictures, None, True, False, {}, {})
    config = OutputConfig()
    config.chunkFiles = 1001

    def grown():
        memory = []
        tracemalloc.start()
        try:
            result = fill_directory(
                tmp_path, source, batches(memory), config, RunOptions(progress=False), logging.getLogger()
            )
        finally:
            tracemalloc.stop()
        middle = len(memory) // 2
        return result, (memory[-1] - memory[middle]) / ((len(memory) - 1 - middle) * ROWS)

    first, growth = grown()
    assert len(first.written) + len(first.failed) == BATCHES * ROWS
    assert growth < bytes_per_row
    again, growth = grown()
    assert len(again.skipped) == len(first.written)
    assert growth < bytes_per_row
