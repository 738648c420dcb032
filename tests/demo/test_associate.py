from typing import Any

import numpy as np

from lsst.analysis.ap.demo._associate import associate, mark_moving
from lsst.analysis.ap.demo._scene import Events


def source(identifier: int, visit: int, ra: float, dec: float, **more: object) -> dict[str, Any]:
    row = {"diaSourceId": identifier, "visit": visit, "ra": ra, "dec": dec, "band": "r", "psfFlux": 100.0}
    row |= {"psfFluxErr": 10.0, "midpointMjdTai": 61000.0 + visit, "timeProcessedMjdTai": 61000.1 + visit}
    return row | more


def test_sources_of_one_place_share_an_object() -> None:
    arcsecond = 1 / 3600
    rows = [
        source(1, 1, 53.0, -28.0),
        source(2, 1, 53.0 + 10 * arcsecond, -28.0),
        source(3, 2, 53.0, -28.0 + 0.4 * arcsecond),
        source(4, 2, 53.0 + 10.9 * arcsecond, -28.0, psfFlux=300.0),
        source(5, 2, 53.0, -28.0 - 3 * arcsecond),
        source(6, 3, 53.0, -28.0, band="i"),
    ]

    objects = associate(rows)

    assert [row["diaObjectId"] for row in rows] == [1, 2, 1, 2, 5, 1]
    assert {entry["diaObjectId"]: entry["nDiaSources"] for entry in objects} == {1: 3, 2: 2, 5: 1}
    assert objects[0]["r_psfFluxNdata"] == 2
    assert objects[0]["i_psfFluxNdata"] == 1
    assert objects[1]["r_psfFluxMean"] == 200
    assert (objects[0]["firstDiaSourceMjdTai"], objects[0]["lastDiaSourceMjdTai"]) == (61001, 61003)


def test_sources_of_one_visit_never_share_an_object() -> None:
    rows = [source(1, 1, 53.0, -28.0), source(2, 1, 53.0, -28.0)]

    associate(rows)

    assert [row["diaObjectId"] for row in rows] == [1, 2]


def test_asteroids_have_no_diaobject() -> None:
    rows = [
        source(1, 1, 53.0, -28.0, x=1210.0, y=820.0, isDipole=False),
        source(2, 1, 53.1, -28.0, x=1290.0, y=820.0, isDipole=False),
    ]
    events = Events(
        x=np.array([10.5, 90.0]),
        y=np.array([20.0, 20.0]),
        flux=np.array([110.0, 100.0]),
        is_mover=np.array([True, False]),
    )

    mark_moving(rows, events, 1200, 800)
    objects = associate(rows)

    assert rows[0]["ssObjectId"] is not None
    assert "diaObjectId" not in rows[0]
    assert "ssObjectId" not in rows[1]
    assert [entry["diaObjectId"] for entry in objects] == [2]
