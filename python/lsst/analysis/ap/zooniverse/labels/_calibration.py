"""What fraction of the sources is real, by what the catalogue says of them."""

__all__ = ("RELIABILITIES", "SNRS", "calibrate", "draw_calibration")

import io
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

RELIABILITIES: Final = tuple(number / 10 for number in range(11))
"""Limits of the ranges of reliability; the last one holds 1 too."""

SNRS: Final = (0.0, 6.0, 8.0, 12.0, 20.0, 50.0, np.inf)
"""Limits of the ranges of signal-to-noise ratio, of its absolute value."""

_ONE_SIGMA: Final = 0.6826894921370859

type _Values = NDArray[np.float64] | None
type _Range = tuple[tuple[float | None, float | None], NDArray[np.bool_]]


def calibrate(is_real: NDArray[np.bool_], snr: _Values, reliability: _Values) -> pa.Table:
    """Count real sources in ranges of signal-to-noise ratio and reliability.

    ``is_real``: whether each source is real rather than bogus. ``snr``: signal-to-noise ratios; `None` when
    not known. ``reliability``: reliabilities; `None` when not known. Returns: a row for each range of either
    that has sources, a row for each that has any value of the other (whose limits are null), and a row for
    all: ``snr_min``, ``snr_max``, ``reliability_min``, ``reliability_max``, ``sources``, ``real``,
    ``fraction`` and its 68 % confidence interval ``fraction_low`` to ``fraction_high`` (Wilson 1927, which
    holds for few sources and near 0 and 1).
    """
    from astropy.stats import binom_conf_interval

    rows = []
    for snr_range, in_snr in _ranges(None if snr is None else np.abs(snr), SNRS, len(is_real)):
        for reliability_range, in_reliability in _ranges(reliability, RELIABILITIES, len(is_real)):
            chosen = in_snr & in_reliability
            if chosen.any():
                rows.append((*snr_range, *reliability_range, chosen.sum(), is_real[chosen].sum()))
    columns = list(zip(*rows, strict=True)) or [()] * 6
    total, real = np.array(columns[4], int), np.array(columns[5], int)
    fraction = real / np.maximum(total, 1)
    low, high = fraction, fraction
    if rows:
        low, high = binom_conf_interval(real, total, confidence_level=_ONE_SIGMA, interval="wilson")
    limits = ("snr_min", "snr_max", "reliability_min", "reliability_max")
    return pa.table(
        {name: pa.array(columns[number], pa.float64()) for number, name in enumerate(limits)}
        | {"sources": total, "real": real, "fraction": fraction}
        # At 0 and 1 rounding may put them on the wrong side.
        | {"fraction_low": np.minimum(low, fraction), "fraction_high": np.maximum(high, fraction)}
    )


def draw_calibration(table: pa.Table) -> bytes:
    """Draw what `calibrate` counted.

    Returns: a PNG file: the fraction over reliability, for each range of signal-to-noise ratio and for all,
    and over signal-to-noise ratio.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    rows = table.to_pylist()
    of_reliability = [row for row in rows if row["reliability_min"] is not None]
    for low in dict.fromkeys(row["snr_min"] for row in of_reliability):
        series = [row for row in of_reliability if row["snr_min"] == low]
        high = series[0]["snr_max"]
        name = "all" if low is None else f"S/N > {low:g}" if np.isinf(high) else f"S/N {low:g} to {high:g}"
        middles = [(row["reliability_min"] + row["reliability_max"]) / 2 for row in series]
        style = (
            {"color": "black", "marker": "o", "zorder": 3} if low is None else {"marker": ".", "alpha": 0.7}
        )
        left.errorbar(middles, *_fractions(series), label=name, capsize=2, **style)
    left.plot([0, 1], [0, 1], color="0.8", zorder=0)
    left.set(
        xlabel="reliability", ylabel="fraction that volunteers call real", xlim=(0, 1), ylim=(-0.03, 1.03)
    )
    if of_reliability:
        left.legend(fontsize="small")
    series = [row for row in rows if row["snr_min"] is not None and row["reliability_min"] is None]
    places = np.arange(len(series))
    right.errorbar(places, *_fractions(series), color="black", marker="o", capsize=2)
    for place, row in zip(places, series, strict=True):
        right.annotate(f"{row['sources']}", (place, -0.02), ha="center", fontsize="x-small", color="0.4")
    limits = [(row["snr_min"], row["snr_max"]) for row in series]
    right.set_xticks(places, [f"> {a:g}" if np.isinf(b) else f"{a:g}-{b:g}" for a, b in limits])
    right.set(xlabel="signal-to-noise ratio (below: sources)")
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=120, metadata={"Software": None})
    return stream.getvalue()


def _ranges(values: _Values, limits: tuple[float, ...], number: int) -> Iterator[_Range]:
    """Yield ranges, and what is in each; the first has everything."""
    yield (None, None), np.ones(number, bool)
    if values is None:
        return
    for low, high in pairwise(limits):
        is_below = values <= high if high == limits[-1] else values < high
        yield (low, high), (values >= low) & is_below


def _fractions(rows: list[dict[str, float]]) -> tuple[list[float], list[list[float]]]:
    """Return fractions, and how far their errors reach down and up."""
    fractions = [row["fraction"] for row in rows]
    down = [row["fraction"] - row["fraction_low"] for row in rows]
    up = [row["fraction_high"] - row["fraction"] for row in rows]
    return fractions, [down, up]
