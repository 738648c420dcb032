#!/usr/bin/env python
"""Draw the figures of the documentation, write its tables and execute its notebook.

``make figures`` runs it. All of them come from the code that they describe. A
test compares what it makes with what is committed, so that nothing of it is
ever edited by hand.
"""

import argparse
import dataclasses
import json
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import matplotlib.ft2font
import numpy as np
from lsst.pex.config import ChoiceField, Field
from numpy.typing import NDArray

from lsst.analysis.ap import ZooniverseCutoutsConfig
from lsst.analysis.ap.domain import Box, Neighbour, Stamp, Triplet
from lsst.analysis.ap.render import PictureStyle, Renderer
from lsst.analysis.ap.render._flags import FLAG_MEANINGS, FLAG_WORDS, LABEL_FLAGS
from lsst.analysis.ap.sources._synonyms import current_name

DOC = Path(__file__).parent
FIGURES = DOC / "figures"
PAGES = DOC / "lsst.analysis.ap"
NOTEBOOK = DOC / "notebooks" / "tutorial.ipynb"
DRAWN_WITH = FIGURES / "drawn_with.json"

ROW: Mapping[str, Any] = {
    "diaSourceId": 170094472284143617,
    "instrument": "LSSTCam",
    "detector": 94,
    "visit": 2026011000112,
    "diaObjectId": 170094472284143617,
    "ssObjectId": 0,
    "midpointMjdTai": 61050.3124561,
    "band": "r",
    "ra": 53.15084211,
    "dec": -28.10273645,
    "snr": 38.2,
    "psfFlux": 3769.9,
    "psfFluxErr": 99.6,
    "psfChi2": 1489.0,
    "psfNdata": 1443,
    "apFlux": 3841.2,
    "apFluxErr": 146.3,
    "scienceFlux": 7512.6,
    "scienceFluxErr": 104.9,
    "reliability": 0.962,
    "bboxSize": 9,
}
"""The catalogue row of the source in the figures."""

PLANES: Mapping[str, int] = {"CR": 3, "DETECTED": 5, "SAT": 1}
"""Mask planes of the figures, by bit."""

EXAMPLES: Mapping[str, tuple[Any, ...]] = {
    "asinhA": (0.02, 1.0),
    "colorMap": ("gray", "viridis"),
    "differenceLimits": ([-60.0, 60.0],),
    "differenceLimitsRegion": (6,),
    "imageLimits": ([-20.0, 150.0],),
    "differenceColorMap": ("RdBu_r",),
    "limitsRegion": (10,),
    "maskPlanes": (["CR", "DETECTED"],),
    "panelPixels": (120, 180),
    "percentile": (90.0,),
}
"""Values that show what a field does. Each value of a choice is shown anyway, and a switch turned on."""

TOGETHER: Mapping[str, Mapping[str, Any]] = {
    "differenceLimitsRegion": {"differenceInterval": "minmax"},
    "limitsRegion": {"differenceInterval": "minmax"},
    "percentile": {"imageInterval": "percentile", "differenceInterval": "percentile"},
}
"""What a field needs beside it to show what it does."""

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Template and science": (
        *("imageStretch", "imageInterval", "asinhA", "imageLimits", "sharedLimits"),
        *("percentile", "limitsRegion"),
    ),
    "The difference": (
        *("differenceStretch", "differenceInterval", "differenceLimits", "differenceLimitsRegion"),
        "differenceSymmetric",
    ),
    "Colours": ("colorMap", "differenceColorMap", "background", "colorBar"),
    "Size and direction": ("panelPixels", "orientation", "compass"),
    "Marks": ("centerMark", "footprint", "maskPlanes"),
}
"""The fields in the order of the page, by heading."""

WHEN: Mapping[str, str] = {
    "imageStretch-linear": "Use it to compare brightness by eye, with ``imageInterval=zscale``.",
    "imageStretch-log": "Use it for bright galaxies and stars with faint surroundings.",
    "imageStretch-sqrt": "Use it where asinh shows too much noise.",
    "imageInterval-percentile": "Use it where single hot pixels or cosmic rays take the whole range.",
    "imageInterval-zscale": "Use it for faint sources beside bright ones.",
    "asinhA-0.02": "Closer to a logarithm: use it for faint outskirts.",
    "asinhA-1.0": "Close to linear: use it for quiet backgrounds.",
    "imageLimits--20.0-150.0": "Use it to compare pictures with each other.",
    "sharedLimits-True": "Use it to see by eye how much brighter the source became, and for flipbooks.",
    "percentile-90.0": "Fewer per cent give more contrast.",
    "limitsRegion-10": "Use it in crowded fields, and with large ``sizes``.",
    "differenceStretch-asinh": "Use it to see both a bright source and what surrounds it.",
    "differenceStretch-log": "Use it for very bright residuals.",
    "differenceStretch-sqrt": "Use it where linear hides faint parts.",
    "differenceInterval-minmax": "Use it to see the structure of a bright source; faint ones vanish.",
    "differenceInterval-percentile": "Use it where zscale saturates too much.",
    "differenceLimits--60.0-60.0": "Use it to compare pictures: the same grey is the same flux.",
    "differenceLimitsRegion-6": "Use it where residuals of neighbours are brighter than the source.",
    "differenceSymmetric-True": "Use it to tell brighter from fainter at a glance, for dipoles above all.",
    "colorMap-gray": "Use it for print.",
    "colorMap-viridis": "Use it for slides; equal steps look equal, also to the colour-blind.",
    "differenceColorMap-RdBu_r": "Use it with ``differenceSymmetric``, or for dipoles.",
    "background-dark": "Use it on dark pages.",
    "colorBar-True": "Use it in publications.",
    "panelPixels-120": "Use less for overviews of many sources, and for smaller files.",
    "panelPixels-180": "Use more for large screens.",
    "orientation-nearest-north": "Use it to compare visits without touching a pixel value.",
    "orientation-true-north": "Use it to compare with charts and with other surveys.",
    "compass-True": "Use it with every orientation when the directions matter, as for moving objects.",
    "centerMark-crosshair": "Use it in crowded fields.",
    "centerMark-ticks": "Use it where lines would hide neighbours.",
    "maskPlanes-CR-DETECTED": "Use it to see what the pipeline took for a cosmic ray, and what it detected.",
    "footprint-True": "Use it to see which pixels belong to the source.",
}
"""When to use a choice, by the name of its figure."""

NEAR = (
    Neighbour("sources", 71.0, 32.0),
    Neighbour("rejected", 46.0, 38.0),
    Neighbour("object", 50.6, 49.7),
    Neighbour("solar-system", 33.0, 66.0),
    Neighbour("trails", 60.0, 64.0, (72.0, 70.0)),
)
"""One of each kind, PARENT pixels of the scene."""

_SMALL = 90


class Figure(NamedTuple):
    """What a figure shows."""

    fields: Mapping[str, Any]
    """Configuration, apart from the defaults."""

    flags: bool = False
    """Whether every flag of the source is set."""

    missing: bool = False
    """Whether parts of the images have no data."""

    near: bool = False
    """Whether what is near is marked."""


def figures() -> dict[str, Figure]:
    """Return the figures by name."""
    return {
        "plain": Figure({}),
        "annotated": Figure({"addMetadata": True}),
        "flags": Figure({"addMetadata": True}, flags=True),
        "sizes": Figure({"sizes": [30, 60]}),
        "missing": Figure({}, missing=True),
        "neighbours": Figure({"sizes": [60], "panelPixels": 240}, near=True),
        "default": Figure({"panelPixels": _SMALL}),
    } | {name: Figure(fields) for _, _, name, fields in looks()}


def looks() -> Iterator[tuple[Field, Any, str, dict[str, Any]]]:
    """Yield field, value, name of the figure and configuration of each choice of looks."""
    config = ZooniverseCutoutsConfig()
    for parameter in dataclasses.fields(PictureStyle):
        first, *others = parameter.name.split("_")
        field = type(config)._fields[first + "".join(word.title() for word in others)]
        values = EXAMPLES.get(field.name, ())
        if isinstance(field, ChoiceField):
            values = tuple(value for value in field.allowed if value not in (None, field.default))
        elif field.dtype is bool and field.name != "addMetadata":
            values = (True,)
        for value in values:
            fields = {"panelPixels": _SMALL, **TOGETHER.get(field.name, {}), field.name: value}
            yield field, value, f"{field.name}-{_word(value).replace(',', '-')}", fields


def _word(value: Any) -> str:
    """Return a value as it is written on the command line."""
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def draw(figure: Figure) -> bytes:
    """Return a figure as a PNG file."""
    config = configure(figure)
    row = {**ROW, **dict.fromkeys(every_flag(), True)} if figure.flags else ROW
    triplets = [scene(size, missing=figure.missing) for size in config.sizes]
    if figure.near:
        triplets = [dataclasses.replace(triplet, neighbours=NEAR) for triplet in triplets]
    return Renderer(config.makeStyle()).render(triplets, row)


def configure(figure: Figure) -> ZooniverseCutoutsConfig:
    """Return the configuration of a figure."""
    config = ZooniverseCutoutsConfig()
    config.update(**figure.fields)
    config.validate()
    return config


def every_flag() -> list[str]:
    """Return a column for each flag word and for each label."""
    return [word.columns[0] for word in FLAG_WORDS] + [columns[0] for columns in LABEL_FLAGS.values()]


def scene(size: int, *, missing: bool = False) -> Triplet:
    """Return a new point source on the arm of a galaxy, with a star beside it."""
    extent = 100
    y, x = np.indices((extent, extent)) - extent // 2
    galaxy = 170 * np.exp(-np.hypot((x + 6) / 2.2, (y - 4 - 0.4 * x) / 1.3) / 3)
    star = 700 * np.exp(-((x - 21) ** 2 + (y + 18) ** 2) / 6)
    new = 200 * np.exp(-(x**2 + y**2) / 6)
    template = galaxy + star + noise(1, extent, 3)
    science = galaxy + star + new + noise(2, extent, 16)
    # The star is a little brighter tonight.
    difference = science - template + 0.08 * star
    if missing:
        template[:, : extent // 2 - 9] = np.nan
        difference[:, : extent // 2 - 9] = np.nan
        for array in (template, science, difference):
            array[extent // 2 + 12 :] = np.nan
    start = extent // 2 - size // 2 + 1
    part = slice(start, start + size)
    box = Box(start, start + size, start, start + size)
    # Rounded, so that the last bits of an exponential do not matter.
    mask = np.zeros((extent, extent), dtype=np.int32)
    mask[np.hypot(x, y) < 4] |= 1 << PLANES["DETECTED"]
    mask[star > 350] |= 1 << PLANES["SAT"]
    mask[(abs(y + x + 12) < 1) & (abs(x + 4) < 5)] |= 1 << PLANES["CR"]
    stamps = [
        Stamp(np.round(a[part, part], 2).astype(np.float32), box, mask[part, part], PLANES, unit="nJy")
        for a in (template, science, difference)
    ]
    turned = np.radians(110.0)
    turn = np.array([[-np.cos(turned), np.sin(turned)], [np.sin(turned), np.cos(turned)]])
    return Triplet(*stamps, sky_jacobian=0.2 * turn, position=(extent // 2, extent // 2))


def noise(seed: int, extent: int, sigma: float) -> NDArray[np.float64]:
    """Return noise that is the same with every version of NumPy, close to normal."""
    bits = np.random.PCG64(seed).random_raw((12, extent, extent)) >> np.uint64(11)
    return sigma * (np.sum(bits / 2.0**53, axis=0) - 6.0)


def tables() -> dict[Path, str]:
    """Return the text of the parts of pages that are made from the code."""
    return {PAGES / "flag-words.rst.inc": _flag_words(), PAGES / "looks.rst.inc": _looks()}


def _flag_words() -> str:
    lines = [".. list-table::", "   :header-rows: 1", "   :widths: 18 16 30 36", ""]
    lines += _row("Word", "Colour", "What it tells", "Columns")
    for flag in FLAG_WORDS:
        columns = _columns(flag.columns)
        lines += _row(f"**{flag.word}**", flag.color, FLAG_MEANINGS[flag.word], columns)
    for label, columns in LABEL_FLAGS.items():
        meaning = "This measurement is flagged: do not trust its numbers."
        lines += _row(
            f"label *{'PSF' if label == 'psf' else label}*", "red, else grey", meaning, _columns(columns)
        )
    return "\n".join(lines) + "\n"


def _columns(names: Iterable[str]) -> str:
    """Return columns by their names of today."""
    return ", ".join(f"``{name}``" for name in dict.fromkeys(map(current_name, names)))


def _row(*cells: str) -> list[str]:
    return [f"   {'*' if number == 0 else ' '} - {cell}" for number, cell in enumerate(cells)]


def _looks() -> str:
    fields: dict[str, tuple[Field, list[tuple[Any, str]]]] = {}
    for field, value, name, _ in looks():
        fields.setdefault(field.name, (field, []))[1].append((value, name))
    lines: list[str] = []
    for group, names in GROUPS.items():
        lines += [group, "=" * len(group), ""]
        for name in names:
            lines += _look(*fields.pop(name))
    if fields:
        raise ValueError(f"No group of GROUPS has {', '.join(fields)}.")
    return "\n".join(lines)


def _look(field: Field, values: list[tuple[Any, str]]) -> list[str]:
    """Return the lines on a field: what it is, and its values in two columns with a word on when."""
    lines = [field.name, "-" * len(field.name), "", field.doc.partition("\nAllowed")[0]]
    default = f"``{_word(field.default)}``" if field.default not in (None, []) else "not set"
    what = f" ({_lower(field.allowed[field.default]).rstrip('.')})" if isinstance(field, ChoiceField) else ""
    lines += [f"The default is {default}{what}.", ""]
    columns = "1 1 2 2" if field.name != "panelPixels" else "1"
    lines += [f".. grid:: {columns}", "   :gutter: 3", "   :class-container: looks", ""]
    beside = "".join(f" -c {key}={_word(word)}" for key, word in TOGETHER.get(field.name, {}).items())
    for value, name in values:
        what = f"{field.allowed[value]} " if isinstance(field, ChoiceField) else ""
        text = [
            ".. grid-item::",
            "",
            f"   .. figure:: ../figures/{name}.png",
            f"      :alt: A picture with {field.name} = {value!r}",
            "",
            f"      ``-c {field.name}={_word(value)}{beside}``",
            "",
            f"      {what}{WHEN[name]}",
            "",
        ]
        lines += [f"   {line}" if line else "" for line in text]
    return lines


def _lower(text: str) -> str:
    """Return a sentence with a small letter at its beginning, unless a name begins it."""
    return text if text[:2].isupper() else text[0].lower() + text[1:]


def drawn_with() -> dict[str, str]:
    """Return what decides how letters come out."""
    return {"matplotlib": matplotlib.__version__, "freetype": matplotlib.ft2font.__freetype_version__}


def execute(path: Path = NOTEBOOK) -> Any:
    """Return a notebook with its outputs, executed in a new folder."""
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with tempfile.TemporaryDirectory() as folder:
        where = {"metadata": {"path": folder}}
        NotebookClient(
            notebook,
            timeout=300,
            kernel_name="python3",
            resources=where,
            record_timing=False,
            coalesce_streams=True,  # a kernel may hand over a text in pieces
        ).execute()
    for key in ("language_info", "widgets"):
        notebook.metadata.pop(key, None)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if not _is_bar(output)]
        for output in cell.get("outputs", ()):
            if html := output.get("data", {}).get("text/html"):
                # A number that is another each time.
                output["data"]["text/html"] = re.sub(r' id="table\d+"', "", html)
    return notebook


def _is_bar(output: Any) -> bool:
    """Return whether an output is a progress bar, which a page cannot move."""
    return "source/s]" in output.get("data", {}).get("text/plain", "") + output.get("text", "")


def main() -> None:
    """Write every figure and every table, and execute the notebook."""
    argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    ).parse_args()
    FIGURES.mkdir(exist_ok=True)
    wanted = figures()
    for path in FIGURES.glob("*.png"):
        if path.stem not in wanted:
            path.unlink()
    for name, figure in wanted.items():
        (FIGURES / f"{name}.png").write_bytes(draw(figure))
    DRAWN_WITH.write_text(json.dumps(drawn_with()) + "\n")
    for path, text in tables().items():
        path.write_text(text)
    from gallery_figures import draw_gallery

    draw_gallery()
    import nbformat

    nbformat.write(execute(), NOTEBOOK)
    print(f"{len(wanted)} figures in {FIGURES}; {NOTEBOOK} is executed.")


if __name__ == "__main__":
    main()
