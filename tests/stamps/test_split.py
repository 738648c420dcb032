"""Objects do not leak from one split into another."""

import numpy as np
import pyarrow as pa
import pytest

from lsst.analysis.ap.stamps._choice import SPLITS
from lsst.analysis.ap.stamps._records import split_of

MASK = 2**64 - 1


def splitmix(x):
    """Return the finalizer of SplitMix64, in Python's own integers."""
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & MASK
    return x ^ (x >> 31)


def expected(identifier, shares, seed):
    number = splitmix(identifier ^ splitmix(seed + 0x9E3779B97F4A7C15 & MASK)) >> 11
    u = number / 2**53
    return SPLITS[sum(u >= edge for edge in np.cumsum(shares)[:-1])]


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(1)
    n = 20_000
    objects = rng.integers(2**60, 2**62, 4000)[rng.integers(0, 4000, n)]
    null = rng.uniform(size=n) < 0.1
    solar = rng.integers(1, 50, n)
    return pa.table(
        {
            "diaSourceId": np.arange(n) + 2**61,
            "diaObjectId": pa.array(np.where(rng.uniform(size=n) < 0.1, 0, objects), mask=null),
            "ssObjectId": pa.array(np.where(rng.uniform(size=n) < 0.5, 0, solar)),
        }
    )


def test_it_is_the_hash_that_is_documented(rows):
    few = rows.slice(0, 300)
    for shares, seed in (((0.8, 0.1, 0.1), 0), ((0.2, 0.5, 0.3), 17), ((0.0, 0.0, 1.0), -1)):
        splits = split_of(few, shares, seed).to_pylist()
        for row, split in zip(few.to_pylist(), splits, strict=True):
            identifier = row["diaObjectId"] or row["ssObjectId"] or row["diaSourceId"]
            assert split == expected(identifier, shares, seed)


def test_sources_of_an_object_stay_together_and_shares_are_met(rows):
    splits = np.array(split_of(rows, (0.7, 0.2, 0.1), 3).to_pylist())
    groups = [r["diaObjectId"] or r["ssObjectId"] or r["diaSourceId"] for r in rows.to_pylist()]
    of_group = dict(zip(groups, splits, strict=True))
    assert all(of_group[group] == split for group, split in zip(groups, splits, strict=True))
    names, counts = np.unique(list(of_group.values()), return_counts=True)
    found = dict(zip(names.tolist(), (counts / len(of_group)).tolist(), strict=True))
    # Five standard deviations of a binomial of that many objects.
    for name, share in zip(SPLITS, (0.7, 0.2, 0.1), strict=True):
        assert abs(found[name] - share) < 5 * np.sqrt(share * (1 - share) / len(of_group))


def test_more_sources_and_another_order_change_nothing(rows):
    whole = split_of(rows, (0.8, 0.1, 0.1), 0).to_pylist()
    order = np.random.default_rng(2).permutation(len(rows))
    shuffled = split_of(rows.take(order), (0.8, 0.1, 0.1), 0).to_pylist()
    assert shuffled == [whole[n] for n in order]
    assert split_of(rows.slice(50, 100), (0.8, 0.1, 0.1), 0).to_pylist() == whole[50:150]
    assert split_of(rows, (0.8, 0.1, 0.1), 1).to_pylist() != whole


def test_without_objects_it_goes_by_source():
    rows = pa.table({"diaSourceId": np.arange(1, 1000), "diaObjectId": pa.array(["x"] * 999)})
    splits = split_of(rows, (0.5, 0.25, 0.25), 0).to_pylist()
    assert splits == [expected(i, (0.5, 0.25, 0.25), 0) for i in range(1, 1000)]
