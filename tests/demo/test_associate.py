import numpy as np
import pandas as pd
import pytest

from lsst.analysis.ap.demo._run import associate, summarize_objects

ARCSECOND = 1 / 3600


class Sky:
    """The sources so far."""

    def __init__(self):
        self.sources = pd.DataFrame()

    def add(self, visit, places, band="r", flux=100.0, kind="supernova"):
        """Add sources some arcseconds off; return their objects."""
        rows = pd.DataFrame(places, columns=["east", "north"])
        rows = rows.assign(
            ra=53.0 + rows["east"] * ARCSECOND / np.cos(np.radians(28)), dec=-28 + rows["north"] * ARCSECOND
        )
        rows["diaSourceId"] = 100 * visit + np.arange(len(rows))
        rows = rows.assign(visit=visit, band=band, psfFlux=flux, psfFluxErr=10.0)
        rows["midpointMjdTai"], rows["timeProcessedMjdTai"] = 61000.0 + visit, 61000.1 + visit
        rows = rows.assign(kind=kind, number=range(len(rows)))
        associate(rows, self.objects())
        self.sources = pd.concat([self.sources, rows], ignore_index=True)
        return rows["diaObjectId"].tolist()

    def objects(self):
        return summarize_objects(self.sources)


@pytest.fixture
def sky():
    return Sky()


def test_sources_of_one_place_share_an_object(sky):
    assert sky.add(1, [(0, 0), (10, 0)]) == [100, 101]
    assert sky.add(2, [(0, 0.4), (10.9, 0), (0, -3)], flux=300.0) == [100, 101, 202]
    assert sky.add(3, [(0, 0)], band="i") == [100]
    objects = sky.objects().set_index("diaObjectId")
    assert objects["nDiaSources"].to_dict() == {100: 3, 101: 2, 202: 1}
    assert objects["r_psfFluxNdata"].to_dict() == {100: 2, 101: 2, 202: 1}
    assert objects.loc[100, "i_psfFluxNdata"] == 1
    assert objects.loc[101, "r_psfFluxMean"] == 200
    assert objects.loc[101, "r_psfFluxMeanErr"] == pytest.approx(10 / 2**0.5)
    times = objects.loc[100, ["firstDiaSourceMjdTai", "lastDiaSourceMjdTai"]]
    assert times.tolist() == [61001, 61003]


def test_of_two_sources_near_an_object_it_takes_the_nearer(sky):
    sky.add(1, [(0, 0)])
    assert sky.add(2, [(0.8, 0), (-0.3, 0)]) == [200, 100]


def test_asteroids_have_no_diaobject(sky):
    assert sky.add(1, [(0, 0)], kind="asteroid") == [pd.NA]
    assert sky.add(2, [(0, 0)]) == [200]
    assert sky.objects()["diaObjectId"].tolist() == [200]
    assert sky.sources["ssObjectId"].notna().tolist() == [True, False]
