"""Counts of the data card, against counting one by one."""

import math
from collections import Counter

import numpy as np
import pyarrow as pa

from lsst.analysis.ap.stamps._choice import SPLITS
from lsst.analysis.ap.stamps._tally import Tally


def rows(n=400):
    rng = np.random.default_rng(3)
    reliability = [
        None,
        float("nan"),
        0.0,
        1.0,
        0.1,
        0.7,
        0.999,
        -0.2,
        3.0,
        *rng.uniform(size=n - 9).tolist(),
    ]
    return pa.table(
        {
            "label": [(None, "real", "bogus")[k] for k in rng.integers(0, 3, n)],
            "band": [(None, "r", "i")[k] for k in rng.integers(0, 3, n)],
            "reliability": pa.array(reliability, pa.float32()),
            "reliabilityVersion": [f"v{k}" for k in rng.integers(0, 40, n)],
            "split": [SPLITS[k] for k in rng.integers(0, 3, n)],
        }
    )


def tenth(value):
    if value is None or math.isnan(value):
        return "(none)"
    number = min(max(math.floor(np.float64(np.float32(value)) * 10), 0), 9)
    return f"{number / 10:.1f} to {(number + 1) / 10:.1f}"


def test_every_table_counts_what_is_there():
    table, tally = rows(), Tally("label", SPLITS)
    for start in range(0, len(table), 77):
        tally.add(table.slice(start, 77))
    tables = {head[0]: (head, body) for head, *body in tally.tables()}
    assert list(tables) == ["sources", "label", "band", "reliability", "reliabilityVersion"]
    splits = table["split"].to_pylist()
    for name in ("label", "band", "reliability"):
        head, body = tables[name]
        assert head == [name, *SPLITS, "all"]
        values = table[name].to_pylist()
        words = (
            map(tenth, values) if name == "reliability" else ("(none)" if v is None else v for v in values)
        )
        counts = Counter(zip(words, splits, strict=True))
        assert [row[0] for row in body] == sorted({value for value, _ in counts})
        for value, *cells in body:
            expected = [counts[value, split] for split in SPLITS]
            assert list(map(int, cells)) == [*expected, sum(expected)]
    assert tables["reliabilityVersion"][1] == [["40 values", *tables["sources"][1][0][1:]]]
    assert sum(tally.balance.values()) == len(table)
    assert tally.balance == dict(sorted(Counter(v or "(none)" for v in table["label"].to_pylist()).items()))


def test_without_labels_and_splits_all_are_counted():
    tally = Tally(None, ())
    tally.add(rows().select(["band"]))
    (head, body), (bands, *_) = tally.tables()
    assert (head, body) == (["sources", "all"], ["", "400"])
    assert bands == ["band", "all"]
    assert tally.balance == {}
