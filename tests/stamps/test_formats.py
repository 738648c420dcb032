"""What stands in the files of each format."""

import json
import tarfile

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zarr
from astropy.io import fits
from astropy.wcs import WCS
from tests.stamps.helpers import begun, catalogue, ids_of, pixels, read, read_tar, run, triplet, write_part

from lsst.analysis.ap.stamps import FORMATS

ORDER = list(range(40, 20, -1))


@pytest.mark.parametrize("form", FORMATS)
def test_pixels_are_exact_and_in_the_order_of_the_manifest(form, tmp_path):
    paths = run(tmp_path, form, [range(21, 30), range(30, 41)], ORDER, shares=())
    assert all((tmp_path / path).exists() for path in paths)
    arrays, rows = read(tmp_path, form)
    assert ids_of(rows) == ORDER
    for size, array in arrays.items():
        assert array.shape == (20, 3, size, size)
        assert array.dtype == np.float32
        np.testing.assert_array_equal(array, pixels(ORDER, size))


@pytest.mark.parametrize("form", FORMATS)
def test_order_and_fill_are_those_that_are_wanted(form, tmp_path):
    order = ("difference", "science", "template")
    run(tmp_path, form, [ORDER], ORDER, order=order, fill=0.0, shares=())
    for size, array in read(tmp_path, form)[0].items():
        expected = pixels(ORDER, size)
        assert np.isnan(expected).any()
        np.testing.assert_array_equal(array, np.where(np.isnan(expected), 0, expected)[:, [2, 1, 0]])


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_parquet_keeps_every_value_and_type_of_the_catalogue(form, tmp_path):
    run(tmp_path, form, [ORDER], ORDER)
    expected = catalogue(ORDER)
    _, rows = read(tmp_path, form)
    assert rows.select(expected.column_names).cast(expected.schema).equals(expected)


@pytest.mark.parametrize("form", ["npy", "parquet"])
def test_pandas_makes_no_floats_of_integers(form, tmp_path):
    run(tmp_path, form, [ORDER], ORDER)
    frame = pd.read_parquet(next(tmp_path.glob("*.parquet")))
    assert frame["diaSourceId"].to_numpy().dtype == np.int64
    kinds = {"diaSourceId": "Int64", "diaObjectId": "Int64", "unsigned": "UInt64", "byte": "UInt8"}
    assert {name: str(frame[name].dtype) for name in kinds} == kinds
    assert str(frame["isDipole"].dtype) == "boolean"
    known = frame[frame["diaObjectId"].notna()]
    assert known["diaObjectId"].tolist() == [2**62 + i for i in ORDER if i % 3]


def test_zarr_keeps_values_and_nulls(tmp_path):
    run(tmp_path, "zarr", [ORDER], ORDER)
    group = zarr.open_group(tmp_path / "stamps.zarr", mode="r")
    assert group.metadata.zarr_format == 3
    expected = catalogue(ORDER)
    null = np.array([i % 3 == 0 for i in ORDER])
    assert set(group["null"].array_keys()) == set(expected.column_names[4:])
    for name in ("flux", "diaObjectId", "unsigned", "byte", "isDipole"):
        np.testing.assert_array_equal(group["null"][name][:], null)
        np.testing.assert_array_equal(
            group["catalogue"][name][:][~null],
            expected.column(name).drop_null().to_numpy(zero_copy_only=False),
        )
    assert group["catalogue"]["band"][:][~null].tolist() == expected.column("band").drop_null().to_pylist()
    assert json.loads(group["catalogue"]["history"][:][0]) == [40, 1]


def test_zarr_has_a_name_for_every_column(tmp_path, caplog):
    rows = catalogue([1, 2])
    for name in ("größe", "..", "a/b", "__x", "x" * 300, "a_b"):
        rows = rows.append_column(name, pa.array([1, 2]))
    with begun(tmp_path, "zarr") as stamps:
        write_part(stamps, [1, 2], rows=rows)
        stamps.assemble([1, 2], [].append)
    group = zarr.open_group(tmp_path / "stamps.zarr", mode="r")["catalogue"]
    columns = {array.attrs["column"]: name for name, array in group.arrays()}
    assert set(rows.column_names) < set(columns)
    assert columns["größe"] == "größe"
    for name in ("..", "a/b", "__x", "x" * 300):
        assert group[columns[name]][:].tolist() == [1, 2]
        assert f"Column '{name}' has the name '{columns[name]}'" in caplog.text


@pytest.mark.parametrize("form", FORMATS)
def test_odd_types_and_names_of_columns_end_nothing(form, tmp_path):
    rows = catalogue([1, 2])
    odd = {
        "": pa.array([1, None]),
        "..": pa.nulls(2),
        "größe " + "x" * 100: pa.array([1.5, None], pa.float16()),
        "interval": pa.array([pa.MonthDayNano([1, 2, 3]), None]),
        "empty": pa.array([{}, None], pa.struct([])),
        "money": pa.array([1, None], pa.decimal128(5, 2)),
        "bytes": pa.array([b"\xff", None]),
        "text": pa.array(["a", None]).dictionary_encode(),
        "stamps_5": pa.array([1, 2]),
        "CRVAL1": pa.array([1, 2]),
        "split": pa.array([1, 2]),
    }
    for name, values in odd.items():
        rows = rows.append_column(name, values)
    with begun(tmp_path, form) as stamps:
        write_part(stamps, [1, 2], rows=rows)
        stamps.assemble([1, 2], [].append)
    arrays, found = read(tmp_path, form)
    assert ids_of(found) == [1, 2]
    np.testing.assert_array_equal(arrays[5], pixels([1, 2], 5))
    if form in ("npy", "parquet"):
        assert found["interval"].to_pylist()[1] is None
        assert found["bytes"].to_pylist() == [b"\xff", None]
        assert found["CRVAL1"].to_pylist() == rows["ra"].to_pylist()


@pytest.mark.parametrize("form", FORMATS)
def test_row_and_constants_are_a_fits_header(form, tmp_path):
    run(tmp_path, form, [[21, 22]], [21, 22], sizes=(8,), shares=())
    _, rows = read(tmp_path, form, sizes=(8,))
    if form == "zarr":
        constants = zarr.open_group(tmp_path / "stamps.zarr", mode="r").attrs.asdict()
    elif form == "webdataset":
        constants = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "BUNIT": "nJy"}
    else:
        constants = json.loads(rows.schema.metadata[b"stamps"])
        assert constants["PLANES"] == "template, science, difference"
    assert constants["BUNIT"] == "nJy"
    keywords = ("CRPIX1", "CRPIX2", "CRVAL1", "CRVAL2", "CD1_1", "CD1_2", "CD2_1", "CD2_2")
    header = constants | {name: np.asarray(rows[name])[1].item() for name in keywords}
    header.pop("PLANES", None)
    wcs = WCS(fits.Header(header))
    x = 100.25 + 22 - np.asarray(rows["x0"])[1].item()
    y = 40.5 - np.asarray(rows["y0"])[1].item()
    sky = wcs.pixel_to_world(x, y)
    assert (sky.ra.deg, sky.dec.deg) == pytest.approx((10.022, -20.022), abs=1e-9)
    right = wcs.pixel_to_world(x + 1, y)
    east, north = sky.spherical_offsets_to(right)
    assert (east.arcsec, north.arcsec) == pytest.approx((-0.1, 0.17), abs=1e-6)


def test_shards_of_parquet_are_the_one_file_in_parts(tmp_path):
    run(tmp_path / "one", "parquet", [ORDER], ORDER)
    run(tmp_path / "many", "parquet", [ORDER[::2], ORDER[1::2]], ORDER, shard=3)
    whole = pq.read_table(tmp_path / "one" / "stamps.parquet")
    for split in set(whole["split"].to_pylist()):
        of_split = whole.filter(pa.compute.equal(whole["split"], split))
        names = sorted(path.name for path in (tmp_path / "many").glob(f"stamps-{split}-*.parquet"))
        assert names == [f"stamps-{split}-{n:05d}.parquet" for n in range(-(-len(of_split) // 3))]
        parts = [pq.read_table(tmp_path / "many" / name) for name in names]
        assert all(len(part) == 3 for part in parts[:-1])
        found = pa.concat_tables(parts)
        for name in ("stamps_5", "stamps_8"):
            size = int(name[-1])
            lists = found.column(name).combine_chunks().flatten().to_numpy()
            tensors = of_split.column(name).combine_chunks().to_numpy_ndarray()
            np.testing.assert_array_equal(lists.reshape(-1, 3, size, size), tensors)
            assert found.schema.field(name).type == pa.list_(pa.float32(), 3 * size * size)
        beside = [t.drop_columns(["stamps_5", "stamps_8"]) for t in (found, of_split)]
        assert beside[0].equals(beside[1], check_metadata=True)


def test_shards_without_splits_are_numbered(tmp_path):
    run(tmp_path, "parquet", [ORDER], ORDER, shard=8, shares=())
    names = sorted(path.name for path in tmp_path.glob("*.parquet"))
    assert names == ["stamps-00000.parquet", "stamps-00001.parquet", "stamps-00002.parquet"]
    assert pq.read_metadata(tmp_path / names[2]).num_rows == 4


def test_tar_files_are_samples_of_webdataset(tmp_path):
    run(tmp_path, "webdataset", [ORDER], ORDER, shard=8, shares=())
    names = sorted(path.name for path in tmp_path.glob("*.tar"))
    assert names == [f"stamps-{n:05d}.tar" for n in range(3)]
    samples = [sample for name in names for sample in read_tar(tmp_path / name)]
    assert [sample["__key__"] for sample in samples] == list(map(str, ORDER))
    assert samples[1]["json"]["diaSourceId"] == 39
    assert samples[1]["json"]["flux"] is None
    assert samples[0]["json"]["diaObjectId"] == 2**62 + 40
    with tarfile.open(tmp_path / names[0]) as tar:
        assert {(member.mtime, member.uid, member.uname) for member in tar} == {(0, 0, "")}


@pytest.mark.parametrize("form", ["npy", "zarr", "parquet", "webdataset"])
def test_masks_variances_and_psfs_stand_beside(form, tmp_path):
    planes = ("mask", "variance", "psf")
    order = ("science", "difference", "template")
    run(tmp_path, form, [[1, 2]], [2, 1], sizes=(8,), planes=planes, order=order, shares=())
    if form == "npy":
        found = {plane: np.load(tmp_path / f"stamps_{plane}.npy") for plane in planes}
    elif form == "zarr":
        group = zarr.open_group(tmp_path / "stamps.zarr", mode="r")
        found = {plane: group[f"stamps_{plane}"][:] for plane in planes}
    elif form == "parquet":
        table = pq.read_table(tmp_path / "stamps.parquet")
        found = {p: table[f"stamps_{p}"].combine_chunks().to_numpy_ndarray() for p in planes}
    else:
        samples = read_tar(tmp_path / "stamps-00000.tar")
        found = {plane: np.array([s[f"stamps_{plane}.npy"] for s in samples]) for plane in planes}
    for row, identifier in enumerate((2, 1)):
        template, science, difference = triplet(identifier, 8).stamps
        for plane, stamp in enumerate((science, difference, template)):
            np.testing.assert_array_equal(found["variance"][row, plane], stamp.variance)
            # SAT is bit 1 of the images, and the last of three names by the alphabet.
            np.testing.assert_array_equal(found["mask"][row, plane] >> 2, stamp.mask >> 1)
            assert not (found["mask"][row, plane] & 3).any()
    assert np.isnan(found["psf"][:, 0]).all()
    # The middle of the 7x7 image comes to the place of the source: pixel 3 of 8.
    expected = np.zeros((8, 8), np.float32)
    expected[:7, :7] = np.eye(7)
    np.testing.assert_array_equal(found["psf"][:, 1:], np.broadcast_to(expected, (2, 2, 8, 8)))


def test_mask_bits_mean_the_same_in_all_rows(tmp_path):
    with begun(tmp_path, "npy", (8,), planes=("mask",)) as stamps:
        write_part(stamps, [1], (8,), planes=("mask",), planes_of={"SAT": 0})
        write_part(stamps, [2], (8,), planes=("mask",), planes_of={"BAD": 0, "SAT": 5})
        stamps.assemble([1, 2], [].append)
    words = json.loads(pq.read_schema(tmp_path / "stamps_catalogue.parquet").metadata[b"stamps"])
    assert json.loads(words["MASK"]) == {"BAD": 0, "SAT": 1}
    masks = np.load(tmp_path / "stamps_mask.npy")
    for row, planes in enumerate(({"SAT": 0}, {"BAD": 0, "SAT": 5})):
        for found, stamp in zip(masks[row], triplet(row + 1, 8, planes=planes).stamps, strict=True):
            np.testing.assert_array_equal(found >> 1, stamp.mask >> planes["SAT"])


def test_memory_holds_a_block_at_a_time(tmp_path):
    """Groups of rows are bounded, so are the blocks that they are made of."""
    ids = list(range(1, 3001))
    run(tmp_path, "parquet", [ids], ids, sizes=(30,))
    metadata = pq.read_metadata(tmp_path / "stamps.parquet")
    rows = [metadata.row_group(n).num_rows for n in range(metadata.num_row_groups)]
    assert sum(rows) == 3000
    assert max(rows) * 3 * 30 * 30 * 4 <= 8 << 20
