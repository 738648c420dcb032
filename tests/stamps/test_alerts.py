"""Stamps that alerts bring, as large as they come."""

import io
import warnings

import fastavro
import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.nddata import CCDData, InverseVariance, StdDevUncertainty, VarianceUncertainty
from astropy.wcs import WCS
from tests.stamps.helpers import ids_of, read

from lsst.analysis.ap.cli.cutouts import main

ROLES = ("template", "science", "difference")


def stamp(side, seed, unit="nJy", uncertainty=VarianceUncertainty):
    """Return a stamp as ap_association makes it, and its bytes."""
    rng = np.random.default_rng([seed, side])
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval = ["RA---TAN", "DEC--TAN"], [150.0, 2.0]
    wcs.wcs.crpix, wcs.wcs.cd = [side // 2 + 0.3, side // 2 + 0.3], np.diag([-5.5e-5, 5.5e-5])
    made = CCDData(
        rng.normal(size=(side, side)).astype(np.float32),
        wcs=wcs,
        unit=unit,
        uncertainty=uncertainty(rng.uniform(1, 2, (side, side)).astype(np.float32)),
        mask=rng.integers(0, 2, (side, side)) * 4,
        psf=np.outer([1, 2, 1], [1, 2, 1]) / 16,
    )
    stream = io.BytesIO()
    made.write(stream, format="fits")
    return made, stream.getvalue()


def write_alerts(path, stamps):
    """Write an Avro file of alerts, each with the bytes of three stamps."""
    source = [{"name": "diaSourceId", "type": "long"}, {"name": "visit", "type": "long"}]
    source += [{"name": "detector", "type": "int"}, {"name": "ra", "type": "double"}]
    source += [{"name": "dec", "type": "double"}]
    fields = [{"name": "diaSourceId", "type": "long"}]
    fields += [{"name": "diaSource", "type": {"type": "record", "name": "source", "fields": source}}]
    fields += [{"name": f"cutout{role.capitalize()}", "type": "bytes"} for role in ROLES]
    alerts = [
        {
            "diaSourceId": n,
            "diaSource": {"diaSourceId": n, "visit": 1, "detector": 1, "ra": 150.0, "dec": 2.0},
            **{f"cutout{role.capitalize()}": content for role, content in zip(ROLES, three, strict=True)},
        }
        for n, three in enumerate(stamps, start=1)
    ]
    with path.open("wb") as stream:
        fastavro.writer(stream, {"type": "record", "name": "alert", "fields": fields}, alerts)


def run(path, outdir, *words):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        status = main(["--quiet", "--alerts", str(path), str(outdir), *words, "-c", "stampsSplit=[]"])
    assert status == 0


@pytest.mark.parametrize("pictures", [(), ("--no-pictures",)])
def test_stamps_of_every_size_come_to_one(pictures, tmp_path):
    sides = (20, 30, 31, 47)
    made = [[stamp(side, role)[0].data for role in range(3)] for side in sides]
    write_alerts(tmp_path / "a.avro", [[stamp(side, role)[1] for role in range(3)] for side in sides])
    run(tmp_path / "a.avro", tmp_path / "out", "-c", "writeStamps=npy", "-c", "sizes=30", *pictures)
    arrays, rows = read(tmp_path / "out", "npy", (30,))
    assert ids_of(rows) == [1, 2, 3, 4]
    assert len(list((tmp_path / "out").glob("*.png"))) == (0 if pictures else 4)
    assert not {"cutoutScience", "cutoutTemplate", "cutoutDifference"} & set(rows.column_names)
    for array, side, images in zip(arrays[30], sides, made, strict=True):
        # The source is at side // 2 - 0.7, counted from 0, and afw's rule begins 14 pixels before.
        start = side // 2 - 15
        for found, image in zip(array, images, strict=True):
            wide = np.pad(image, 50, constant_values=np.nan)[50 + start :, 50 + start :][:30, :30]
            np.testing.assert_array_equal(found, wide)


@pytest.mark.parametrize("kind", [VarianceUncertainty, StdDevUncertainty, InverseVariance])
def test_what_alerts_have_beside_their_images(kind, tmp_path):
    images = [[stamp(side, role, uncertainty=kind) for role in range(3)] for side in (21, 15)]
    write_alerts(tmp_path / "a.avro", [[content for _, content in three] for three in images])
    planes = ("-c", "stampsPlanes=mask,variance,psf", "-c", "sizes=21", "-c", "writeStamps=npy")
    run(tmp_path / "a.avro", tmp_path / "out", "--no-pictures", *planes)
    found = {name: np.load(tmp_path / "out" / f"stamps_{name}.npy") for name in ("mask", "variance", "psf")}
    powers = {VarianceUncertainty: 1, StdDevUncertainty: 2, InverseVariance: -1}
    for row, inner in ((0, slice(0, 21)), (1, slice(4, 19))):
        for plane, (made, _) in enumerate(images[row]):
            expected = made.uncertainty.array ** np.float32(powers[kind])
            np.testing.assert_allclose(found["variance"][row, plane][inner, inner], expected, rtol=1e-6)
            np.testing.assert_array_equal(found["mask"][row, plane][inner, inner], made.mask != 0)
            assert np.isnan(found["variance"][row, plane]).sum() == 441 - made.data.size
            np.testing.assert_array_equal(found["psf"][row, plane][9:12, 9:12], made.psf.astype(np.float32))
            assert found["psf"][row, plane].sum() == 1
    assert (
        b'"MASK": "{\\"BIT0\\": 0}"'
        in pq.read_schema(tmp_path / "out" / "stamps_catalogue.parquet").metadata[b"stamps"]
    )


def test_alerts_of_several_units_are_refused(tmp_path, capsys):
    write_alerts(
        tmp_path / "a.avro", [[stamp(30, role, unit)[1] for role in range(3)] for unit in ("nJy", "adu")]
    )
    words = ["--quiet", "--alerts", str(tmp_path / "a.avro"), str(tmp_path / "out"), "-c", "writeStamps=npy"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "different units (adu: 1 sources; nJy: 1 sources)" in said
    assert "-c stampsUnit=VALUE" in said
    assert main([*words, "-c", "stampsUnit=nJy"]) == 0
    assert np.load(tmp_path / "out" / "stamps.npy").shape == (1, 3, 30, 30)
