import numpy as np

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Failure
from lsst.analysis.ap.runs._result import Failures, Identifiers, RunResult

IDS = [2**62 + 1, 5, 7]
FAILURES = [Failure(9, DetectorVisit("Cam", 2026011000112, 4), "no image"), Failure(8, None, "no visit")]


def test_identifiers_are_a_sequence_of_exact_numbers():
    ids = Identifiers(IDS)
    assert ids == IDS
    assert ids[1:] == IDS[1:]
    assert (ids[0], len(ids), 5 in ids) == (IDS[0], 3, True)
    assert np.array(ids).tolist() == IDS
    ids.sort()
    assert ids == sorted(IDS)
    assert repr(Identifiers(range(100))) == "[0, 1, 2, 3, 4, ...] (100)"
    frame = ids.to_pandas()
    assert frame["diaSourceId"].tolist() == sorted(IDS)
    assert frame["diaSourceId"].dtype == np.int64


def test_failures_become_a_table():
    failures = Failures(FAILURES)
    assert failures == FAILURES
    assert failures[1:] == FAILURES[1:]
    assert repr(failures[:0]) == "[] (0)"
    failures.sort()
    frame = failures.to_pandas()
    assert frame["diaSourceId"].tolist() == [8, 9]
    assert frame["visit"].tolist()[1] == 2026011000112
    assert frame["visit"].isna().tolist() == [True, False]
    assert frame["reason"].tolist() == ["no visit", "no image"]
    assert Failures().to_pandas().columns.tolist() == frame.columns.tolist()


def test_a_result_tells_itself_in_one_line():
    result = RunResult(
        written=Identifiers(IDS), skipped=Identifiers(), failed=Failures(FAILURES), manifest="a/manifest.csv"
    )
    assert repr(result) == "3 pictures written, 0 already there, 2 failed; manifest a/manifest.csv"
