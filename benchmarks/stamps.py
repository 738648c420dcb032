"""Compare ways to read 30x30 stamps from 4000x4000 images.

Makes a butler repository with one image for each kind of compression and
measures, for several numbers of sources on it: this package's reader,
``Butler.get`` with a box for each stamp, ``Butler.get`` of the whole plane,
astropy's ``.section`` and fitsio. Then 50 sources on three GZIP_2 images, the
unit of work of a real run, through `lsst.analysis.ap.images.TripletReader`;
and the same with a template that is warped from coadds, in processor time.

Times are medians over rounds in which every way has its turn, with the files
in the page cache; only ratios within one run mean anything.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
import tracemalloc
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import astropy.units as u
import numpy as np
from astropy.coordinates import SkyCoord
from astropy.io import fits
from astropy.wcs import WCS
from lsst.daf.butler import Butler, DatasetRef, DatasetType, FileDataset
from lsst.images import Box as LsstBox
from lsst.images import DetectorFrame, Image, MaskedImage, MaskPlane, MaskSchema, SkyProjection
from lsst.images.fits import FitsCompressionOptions, write
from stamps_coadds import measure_coadds

from lsst.analysis.ap.domain import Box, DetectorVisit
from lsst.analysis.ap.images import ImageTypes, RepositoryDatasets, TripletReader
from lsst.analysis.ap.images._fits_image import open_fits_image
from lsst.analysis.ap.images.fits._bytes import LocalBytes
from lsst.analysis.ap.images.wcs._ast import read_shared_projection
from lsst.analysis.ap.images.wcs._ast_text import check_ast_text

try:
    import fitsio
except ImportError:
    fitsio = None
try:
    import deflate
except ImportError:
    deflate = None

STAMP = 30
DETECTOR = DetectorVisit("Benchmark", 1, 1)
ROLES = ("preliminary_visit_image", "template_detector", "difference_image")
KINDS: dict[str, FitsCompressionOptions | None] = {
    "GZIP_2 rows": FitsCompressionOptions(),
    "GZIP_2 64x64": FitsCompressionOptions(tile_shape=(64, 64)),
    "RICE rows": FitsCompressionOptions.LOSSY,
    "none": None,
}
COUNTS = (1, 10, 50, 500)
MOST_STAMPS = 50
"""Ways that cost the same for each stamp are measured on this many at most."""


class Repository:
    """A butler repository of large images."""

    def __init__(self, root: str, side: int) -> None:
        Butler.makeRepo(root)
        self.side = side
        self.butler = Butler.from_config(root, writeable=True, run="benchmark")
        self._declare()
        self.files = {kind: f"{root}/{kind.replace(' ', '_')}.fits" for kind in KINDS}
        image = self._image()
        self.refs: dict[str, list[DatasetRef]] = {}
        for visit, (kind, options) in enumerate(KINDS.items(), start=1):
            path = self.files[kind]
            lossless = FitsCompressionOptions(tile_shape=options.tile_shape) if options else None
            planes = {"image": options, "mask": lossless, "variance": lossless}
            write(image, path, compression_options=planes, compression_seed=1)
            self.refs[kind] = [
                DatasetRef(
                    self.butler.get_dataset_type(role),
                    self.butler.registry.expandDataId(
                        instrument=DETECTOR.instrument, visit=visit, detector=DETECTOR.detector
                    ),
                    run="benchmark",
                )
                for role in ROLES
            ]
            for ref in self.refs[kind]:
                self.butler.ingest(FileDataset(path=path, refs=[ref]), transfer="direct")

    def _declare(self) -> None:
        registry = self.butler.registry
        name = DETECTOR.instrument
        registry.insertDimensionData("instrument", {"name": name, "class_name": "none"})
        registry.insertDimensionData("physical_filter", {"instrument": name, "name": "r", "band": "r"})
        registry.insertDimensionData("detector", {"instrument": name, "id": 1, "full_name": "one"})
        registry.insertDimensionData("day_obs", {"instrument": name, "id": 20260101})
        for visit in range(1, len(KINDS) + 1):
            record = {"instrument": name, "id": visit, "name": f"visit {visit}"}
            registry.insertDimensionData("visit", record | {"physical_filter": "r", "day_obs": 20260101})
        dimensions = self.butler.dimensions.conform(["instrument", "visit", "detector"])
        for role in ROLES:
            registry.registerDatasetType(DatasetType(role, dimensions, "MaskedImageV2"))

    def _image(self) -> MaskedImage:
        rng = np.random.default_rng(1)
        bbox = LsstBox.from_shape((self.side, self.side))
        self.wcs = WCS(naxis=2)
        self.wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
        self.wcs.wcs.crval = [53.0, -28.0]
        self.wcs.wcs.crpix = [self.side / 2, self.side / 2]
        self.wcs.wcs.cd = np.array([[-0.2, 0], [0, 0.2]]) / 3600
        frame = DetectorFrame(instrument=DETECTOR.instrument, visit=1, detector=1, bbox=bbox)
        pixels = rng.normal(100, 30, bbox.shape).astype(np.float32)
        return MaskedImage(
            Image(pixels, bbox=bbox, unit=u.nJy),
            variance=Image(np.full(bbox.shape, 900, np.float32), bbox=bbox, unit=u.nJy**2),
            mask_schema=MaskSchema([MaskPlane("BAD", "Bad pixel.")]),
            sky_projection=SkyProjection.from_fits_wcs(self.wcs, frame, pixel_bounds=bbox),
        )

    def boxes(self, count: int) -> tuple[np.ndarray, np.ndarray, list[Box]]:
        """Return random positions and the boxes around them."""
        x, y = np.random.default_rng(count).uniform(STAMP, self.side - STAMP, (2, count))
        return x, y, [Box.from_center(xi, yi, STAMP) for xi, yi in zip(x, y, strict=True)]


def read_ours(path: str, boxes: list[Box]) -> list[Any]:
    image = open_fits_image(LocalBytes(path))
    try:
        return image.read(boxes)["image"]
    finally:
        image.close()


def read_triplets(butler: Butler, sky: SkyCoord) -> list[Any]:
    """Read stamps as those of a detector that nothing is known of yet."""
    read_shared_projection.cache_clear()
    check_ast_text.cache_clear()
    reader = TripletReader(RepositoryDatasets(butler, ImageTypes(ROLES[0], ROLES[1], ROLES[2])))
    return reader.read(DETECTOR, sky.ra.deg, sky.dec.deg, [STAMP])


def read_butler_boxes(butler: Butler, ref: DatasetRef, boxes: list[Box]) -> list[Any]:
    component = ref.makeComponentRef("image")
    return [
        butler.get(
            component,
            parameters={"bbox": LsstBox.factory[box.y_start : box.y_stop, box.x_start : box.x_stop]},
        ).array
        for box in boxes
    ]


def read_butler_plane(butler: Butler, ref: DatasetRef, boxes: list[Box]) -> list[Any]:
    array = butler.get(ref.makeComponentRef("image")).array
    return [array[box.y_start : box.y_stop, box.x_start : box.x_stop] for box in boxes]


def read_astropy(path: str, boxes: list[Box]) -> list[Any]:
    with fits.open(path) as hdus:
        section = hdus["IMAGE"].section
        return [section[box.y_start : box.y_stop, box.x_start : box.x_stop] for box in boxes]


def read_fitsio(path: str, boxes: list[Box]) -> list[Any]:
    with fitsio.FITS(path) as hdus:
        image = hdus["IMAGE"]
        return [image[box.y_start : box.y_stop, box.x_start : box.x_stop] for box in boxes]


def read_fitsio_plane(path: str, boxes: list[Box]) -> list[Any]:
    with fitsio.FITS(path) as hdus:
        array = hdus["IMAGE"].read()
        return [array[box.y_start : box.y_stop, box.x_start : box.x_stop] for box in boxes]


def timed(function: Callable[..., Any], *args: Any) -> float:
    start = time.perf_counter()
    function(*args)
    return time.perf_counter() - start


def inflating(path: str, boxes: list[Box]) -> float:
    """Return the time that the fastest library needs to inflate the tiles."""
    with fits.open(path, disable_image_compression=True) as hdus:
        header, column = hdus["IMAGE"].header, hdus["IMAGE"].data["COMPRESSED_DATA"]
        width, height = header["ZTILE1"], header["ZTILE2"]
        across = -(-header["ZNAXIS1"] // width)
        numbers = {
            y * across + x
            for box in boxes
            for y in range(box.y_start // height, (box.y_stop - 1) // height + 1)
            for x in range(box.x_start // width, (box.x_stop - 1) // width + 1)
        }
        tiles = [column[number].tobytes() for number in sorted(numbers)]
    size = width * height * 4
    ways: list[Callable[[bytes], Any]] = [lambda tile: zlib.decompress(tile, 31, size)]
    if deflate is not None:
        ways.append(lambda tile: deflate.gzip_decompress(tile, size))
    return min(timed(lambda way: [way(tile) for tile in tiles], way) for way in ways)


def measure(repository: Repository, kind: str, count: int, rounds: int) -> dict[str, float]:
    """Return the median time of each way, in milliseconds."""
    _, _, boxes = repository.boxes(count)
    path, ref, butler = repository.files[kind], repository.refs[kind][0], repository.butler
    few = boxes[:MOST_STAMPS]
    scale = len(boxes) / len(few)
    ways: dict[str, Callable[[], float]] = {
        "this reader": lambda: timed(read_ours, path, boxes),
        "Butler.get bbox": lambda: scale * timed(read_butler_boxes, butler, ref, few),
        "Butler.get plane": lambda: timed(read_butler_plane, butler, ref, boxes),
        "astropy section": lambda: scale * timed(read_astropy, path, few),
    }
    if fitsio is not None:
        ways["fitsio slices"] = lambda: scale * timed(read_fitsio, path, few)
        ways["fitsio plane"] = lambda: timed(read_fitsio_plane, path, boxes)
    if kind.startswith("GZIP"):
        ways["inflating only"] = lambda: inflating(path, boxes)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            # The quick ones are noisy.
            repeats = [way() for _ in range(5 if count <= 10 and "plane" not in name else 1)]
            times[name].append(statistics.median(repeats))
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def measure_triplet(repository: Repository, rounds: int) -> dict[str, float]:
    """Return the median times for 50 sources on three images, in milliseconds."""
    x, y, boxes = repository.boxes(50)
    refs, butler = repository.refs["GZIP_2 rows"], repository.butler
    path = repository.files["GZIP_2 rows"]
    sky = repository.wcs.pixel_to_world(x, y)
    ways: dict[str, Callable[[], float]] = {
        "this reader": lambda: timed(read_triplets, butler, sky),
        "Butler.get bbox": lambda: sum(timed(read_butler_boxes, butler, ref, boxes) for ref in refs),
        "Butler.get plane": lambda: sum(timed(read_butler_plane, butler, ref, boxes) for ref in refs),
        "inflating only": lambda: sum(inflating(path, boxes) for _ in refs),
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            times[name].append(way())
    return {name: 1000 * statistics.median(values) for name, values in times.items()}


def measure_memory(repository: Repository) -> float:
    """Return the most memory that 500 sources on three images need, in MB."""
    x, y, _ = repository.boxes(500)
    sky = repository.wcs.pixel_to_world(x, y)
    tracemalloc.start()
    read_triplets(repository.butler, sky)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak / 1e6


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--json", metavar="FILE", help="write the ratios and the times to this file")
    parser.add_argument(
        "--side", type=int, default=4000, help="pixels along each axis (default: %(default)s)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="rounds per median (default: %(default)s)")
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    figures: dict[str, float] = {}
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="stamps-") as root:
        repository = Repository(root, arguments.side)
        for kind in KINDS:
            for count in COUNTS:
                times = measure(repository, kind, count, arguments.rounds)
                ours = times["this reader"]
                others = {n: t for n, t in times.items() if n not in ("this reader", "inflating only")}
                best = min(others, key=lambda name: others[name])
                worst = max(worst, ours / others[best])
                line = f"{kind:13s} {count:4d} sources: {ours:8.1f} ms = {ours / others[best]:.2f} x {best}"
                if "inflating only" in times:
                    line += f", {ours / times['inflating only']:.2f} x inflating"
                print(line, "|", ", ".join(f"{n} {t / ours:.1f}x" for n, t in others.items()), flush=True)
                figures |= {f"{kind} {count} {name} [ms]": value for name, value in times.items()}
        # The figures that matter most deserve more rounds.
        triplet = measure_triplet(repository, 2 * arguments.rounds + 1)
        memory = measure_memory(repository)
    coadds = measure_coadds(arguments.side, 2 * arguments.rounds + 1)
    ours = triplet["this reader"]
    ratios = {
        "gzip2_50_vs_bbox_get": triplet["Butler.get bbox"] / ours,
        "gzip2_50_vs_full_get": triplet["Butler.get plane"] / ours,
        "gzip2_50_vs_floor": ours / triplet["inflating only"],
        "worst_vs_best_alternative": worst,
        "coadd_50_vs_detector_50": coadds["template_coadd"] / coadds["template_detector"],
    }
    figures |= {f"50 sources with a {name} [ms]": value for name, value in coadds.items()}
    figures |= {f"triplet {name} [ms]": value for name, value in triplet.items()}
    plane = 4e-6 * arguments.side**2
    figures |= {"peak memory, 500 sources [MB]": memory, "one plane [MB]": plane}
    print(f"50 sources on three GZIP_2 images: {ours:.0f} ms")
    print(f"500 sources on three GZIP_2 images: {memory:.0f} MB at most, where a plane has {plane:.0f} MB")
    for name, ratio in ratios.items():
        print(f"{name}: {ratio:.2f}")
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"ratios": ratios, "figures": figures}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
