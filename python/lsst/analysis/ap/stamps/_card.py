"""The data card: what somebody who finds the arrays has to know of them."""

__all__ = ("data_card",)

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from ._choice import FORMATS, SPLITS, StampChoice
from ._columns import UNIT, StampColumns
from ._records import StampRecords

_FACTS: Final = {
    "repository": "Repository",
    "collections": "Collections",
    "templateImageType": "Template images",
    "scienceImageType": "Science images",
    "differenceImageType": "Difference images",
    "selection": "Selection",
    "version": "Version of lsst.analysis.ap",
}
"""What a run knows of where its stamps come from, and how to say it."""

_MEANINGS: Final = {
    "image": "pixel values",
    "mask": "mask bits, 0 where an image has no mask",
    "variance": "variances, NaN where an image has none",
    "psf": "the point-spread function at the source, NaN where an image has none that can be read",
}


def data_card(
    choice: StampChoice, records: StampRecords, files: Sequence[str], facts: Mapping[str, str]
) -> str:
    """Return what is to be known of arrays of stamps, in Markdown.

    ``choice``: how they were left. ``records``: the stamps, all of which have been read. ``facts``: what the
    run knows of where they are from.
    """
    columns, constants, tally = records.columns, records.constants, records.tally
    sizes = _listed([f"{size} x {size}" for size in choice.sizes])
    images = _listed(choice.order)
    lines = [
        "# Stamps of DiaSources",
        "",
        f"{records.count} sources, each with stamps of {images}, in this order, {sizes} pixels large.",
        "The command `zooniverseCutouts` made these files, this one too, and makes them again when it runs.",
        "",
        f"- Unit of the pixels: {constants.get(UNIT, 'the images do not say')}",
        f"- Where there are no data: {'NaN' if np.isnan(choice.fill) else f'{choice.fill:g}'}",
        "- Row 0 of a stamp is the lowest one of the picture. No value is stretched, clipped or rounded.",
    ]
    for array in columns.arrays:
        shape = ", ".join(map(str, ("sources", *array.shape)))
        lines.append(f"- `{array.name}`: {_MEANINGS[array.plane]}; {array.dtype.name}, ({shape})")
    if columns.mask_planes:
        bits = ", ".join(f"{name} {bit}" for bit, name in enumerate(columns.mask_planes))
        lines.append(f"- Bits of the masks: {bits}")
    if choice.shares:
        shares = ", ".join(f"{name} {share:g}" for name, share in zip(SPLITS, choice.shares, strict=True))
        lines.append(
            f"- `split`: {shares}; seed {choice.seed}. No object is in two of them: it follows from the "
            "diaObjectId, where there is none from the ssObjectId, and else from the diaSourceId."
        )
    if choice.labels is not None:
        lines.append(f"- Labels: {choice.labels}")
    lines += [f"- {name}: {_word(facts[key])}" for key, name in _FACTS.items() if facts.get(key)]
    lines += ["", "## How many", ""]
    for table in tally.tables():
        head, *body = table
        rows = (head, ["---"] * len(head), *body)
        lines += [*(f"| {' | '.join(row)} |" for row in rows), ""]
    lines += ["## How to load them", "", "```python", *_EXAMPLES[choice.format](columns, files), "```", ""]
    return "\n".join(lines)


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1]


def _word(text: str) -> str:
    """Return a fact without the quotes of Python, on one line."""
    return " ".join(text.strip("'\"").split())


def _npy(columns: StampColumns, files: Sequence[str]) -> list[str]:
    return [
        "import numpy as np",
        "import pandas as pd",
        "",
        f'stamps = np.load("{columns.pixels[0]}.npy", mmap_mode="r")',
        'catalogue = pd.read_parquet("stamps_catalogue.parquet")  # row n belongs to stamps[n]',
    ]


def _zarr(columns: StampColumns, files: Sequence[str]) -> list[str]:
    return [
        "import zarr",
        "",
        'group = zarr.open_group("stamps.zarr", mode="r")',
        f'stamps = group["{columns.pixels[0]}"]',
        'identifiers = group["catalogue"]["diaSourceId"][:]  # entry n belongs to stamps[n]',
    ]


def _parquet(columns: StampColumns, files: Sequence[str]) -> list[str]:
    array = columns.arrays[0]
    name, shape = array.name, ", ".join(map(str, array.shape))
    pixels = f'table["{name}"].combine_chunks()'
    return [
        "import pyarrow.parquet as pq",
        "",
        f'table = pq.read_table("{files[0]}")',
        f"stamps = {pixels}.to_numpy_ndarray()"
        if files == ["stamps.parquet"]
        else f"stamps = {pixels}.flatten().to_numpy().reshape(-1, {shape})",
        f'catalogue = table.drop_columns(["{name}"]).to_pandas()  # row n belongs to stamps[n]',
    ]


def _webdataset(columns: StampColumns, files: Sequence[str]) -> list[str]:
    return [
        "import webdataset as wds",
        "",
        f'for sample in wds.WebDataset("{files[0]}", shardshuffle=False).decode():',
        f'    stamps, row = sample["{columns.pixels[0]}.npy"], sample["json"]',
    ]


_EXAMPLES: Final = dict(zip(FORMATS, (_npy, _zarr, _parquet, _webdataset), strict=True))
