"""Stamps that nobody else has, and what a reader sees of the files made from them."""

import contextlib
import hashlib
import io
import json
import tarfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import zarr

from lsst.analysis.ap.domain import Box, Stamp, Triplet
from lsst.analysis.ap.output import OutputDirectory
from lsst.analysis.ap.stamps import StampChoice, StampFiles, stamp_table

SIZES = (5, 8)
PLANES = {"BAD": 0, "SAT": 1, "NO_DATA": 8}


def triplet(identifier, size, unit="nJy", planes=PLANES):
    """Return stamps with a hole, a mask and a variance."""
    random_numbers = np.random.default_rng([identifier, size])
    x = 100.25 + identifier % 1000
    box = Box.from_center(x, 40.5, size)
    values = random_numbers.normal(size=(3, size, size)).astype(np.float32)
    values[1, 0, :2] = np.nan
    masks = random_numbers.integers(0, 2, (3, size, size), dtype=np.int32) << planes.get("SAT", 0)
    stamps = [
        Stamp(array, box, mask, planes, unit=unit, variance=array**2, psf=np.eye(7) if n != 1 else None)
        for n, (array, mask) in enumerate(zip(values, masks, strict=True))
    ]
    jacobian = np.array([[-0.1, 0.17], [0.17, 0.1]])
    return Triplet(*stamps, sky_jacobian=jacobian, position=(x, 40.5))


def pixels(identifiers, size):
    return np.array([[s.array for s in triplet(i, size).stamps] for i in identifiers])


def catalogue(identifiers):
    """Return rows with every kind of value, each sometimes null."""
    n = np.array(identifiers)

    def column(values, kind):
        return pa.array([None if i % 3 == 0 else v for i, v in zip(n.tolist(), values, strict=True)], kind)

    return pa.table(
        {
            "diaSourceId": pa.array(n, pa.int64()),
            "ra": pa.array(10.0 + n / 1000),
            "dec": pa.array(-20.0 - n / 1000),
            "visit": pa.array(n // 10, pa.int64()),
            "flux": column((n / 7).tolist(), pa.float32()),
            "diaObjectId": column([2**62 + int(i) for i in n], pa.int64()),
            "unsigned": column([2**63 + int(i) for i in n], pa.uint64()),
            "byte": column([int(i) % 256 for i in n], pa.uint8()),
            "isDipole": column([bool(i % 2) for i in n], pa.bool_()),
            "band": column(["x" * (int(i) % 4) + "é" for i in n], pa.string()),
            "time": column([int(i) for i in n], pa.timestamp("ms")),
            "history": column([[int(i), 1] for i in n], pa.list_(pa.int32())),
        }
    )


def choice(form, sizes=SIZES, **fields):
    return StampChoice(form, sizes, **fields)


def write_part(stamps, identifiers, sizes=SIZES, rows=None, planes=(), planes_of=PLANES, unit="nJy"):
    rows = catalogue(identifiers) if rows is None else rows
    triplets = [[triplet(i, size, unit, planes_of) for size in sizes] for i in identifiers]
    stamps.writer.write(stamp_table(sizes, rows, triplets, planes))


@contextlib.contextmanager
def begun(outdir, form, sizes=SIZES, **fields):
    stamps = StampFiles(OutputDirectory(outdir), choice(form, sizes, **fields))
    stamps.begin()
    yield stamps


def run(outdir, form, batches, ids, sizes=SIZES, **fields):
    with begun(outdir, form, sizes, **fields) as stamps:
        for batch in batches:
            write_part(stamps, batch, sizes, planes=fields.get("planes", ()))
        return stamps.assemble(ids, [].append)


def digests(outdir):
    """Return what a reader sees in a directory."""
    return {
        str(path.relative_to(outdir)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in outdir.rglob("*")
        if path.is_file() and ".stamps" not in path.parts
    }


def read(outdir, form, sizes=SIZES):
    """Return pixels and catalogue, read without any code of the package."""
    names = {size: "stamps" if len(sizes) == 1 else f"stamps_{size}" for size in sizes}
    if form == "npy":
        arrays = {size: np.load(outdir / f"{name}.npy", mmap_mode="r") for size, name in names.items()}
        return arrays, pq.read_table(outdir / "stamps_catalogue.parquet")
    if form == "parquet":
        table = pq.read_table(outdir / "stamps.parquet")
        arrays = {
            size: table.column(name).combine_chunks().to_numpy_ndarray() for size, name in names.items()
        }
        return arrays, table.drop_columns(list(names.values()))
    if form == "webdataset":
        samples = [sample for path in sorted(outdir.glob("*.tar")) for sample in read_tar(path)]
        arrays = {size: np.array([s[f"{name}.npy"] for s in samples]) for size, name in names.items()}
        return arrays, {name: [s["json"][name] for s in samples] for name in samples[0]["json"]}
    group = zarr.open_group(outdir / "stamps.zarr", mode="r")
    return {size: group[name][:] for size, name in names.items()}, group["catalogue"]


def read_tar(path):
    """Return the samples of a tar file, by the rules of WebDataset: a key, a dot, an ending."""
    samples = {}
    with tarfile.open(path) as tar:
        for member in tar:
            key, _, ending = member.name.partition(".")
            content = tar.extractfile(member).read()
            value = json.loads(content) if ending == "json" else np.load(io.BytesIO(content))
            samples.setdefault(key, {"__key__": key})[ending] = value
    return list(samples.values())


def ids_of(rows):
    return np.asarray(rows["diaSourceId"][:]).tolist()
