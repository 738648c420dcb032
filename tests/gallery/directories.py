"""Directories of pictures as a run leaves them, of any number and any columns."""

import numpy as np
import pyarrow as pa

from lsst.analysis.ap.domain import Box, DetectorVisit, SourceBatch, Stamp, Triplet
from lsst.analysis.ap.output import Journal, OutputDirectory, Picture
from lsst.analysis.ap.render import PictureStyle, Renderer


def picture(number=0, **style):
    """A picture with a source at its centre, the brighter the greater its number."""
    y, x = np.indices((30, 30)) - 15
    source = np.float32(10 + number) * np.exp(-(x**2 + y**2) / 8).astype(np.float32)
    noise = np.random.default_rng(number).normal(size=(3, 30, 30)).astype(np.float32)
    stamps = [Stamp(array, Box(0, 30, 0, 30)) for array in (noise[0], noise[1] + source, noise[2] + source)]
    return Renderer(PictureStyle(**style)).render([Triplet(*stamps, np.eye(2) * 0.2)])


def rows(number, seed=0):
    """A catalogue with values of every kind, some of them missing."""
    rng = np.random.default_rng(seed)

    def some(values):
        return pa.array(
            [
                None if absent else value
                for value, absent in zip(values, rng.random(number) < 0.1, strict=True)
            ]
        )

    return pa.table(
        {
            "diaSourceId": pa.array(np.arange(number) + 2**61, pa.int64()),
            "visit": pa.array(np.sort(rng.integers(2026010100001, 2026010100004, number)), pa.int64()),
            "detector": pa.array(rng.integers(0, 4, number), pa.int16()),
            "ra": rng.uniform(10, 11, number),
            "dec": rng.uniform(-1, 1, number),
            "diaObjectId": some((rng.integers(0, max(2, number // 2), number) + 2**60).tolist()),
            "snr": some(rng.normal(0, 10, number).astype(np.float32).tolist()).cast(pa.float32()),
            "reliability": some(rng.random(number).astype(np.float32).tolist()).cast(pa.float32()),
            "psfFlux": some(rng.normal(0, 1, number).round(1).tolist()),
            "band": some(rng.choice(["g", "r", "i"], number).tolist()),
            "isDipole": some((rng.random(number) < 0.3).tolist()),
            "pixelFlags_bad": pa.array(rng.random(number) < 0.2),
            "instrument": ["LSSTCam"] * number,
        }
    )


def fill(path, table, make=picture, settings=None):
    """Make a directory with a picture of each row."""
    pictures = []
    with OutputDirectory(path) as directory, Journal(directory) as journal:
        journal.begin_run(settings or {})
        for number, row in enumerate(table.select(["diaSourceId", "visit", "detector"]).to_pylist()):
            place = DetectorVisit("LSSTCam", row["visit"], row["detector"])
            name = f"{row['diaSourceId']}.png"
            content = make(number)
            directory.write(name, content)
            pictures.append(Picture(row["diaSourceId"], place, name, len(content)))
            journal.keep(SourceBatch(place, table.slice(number, 1)))
        journal.record(pictures)
    return path
