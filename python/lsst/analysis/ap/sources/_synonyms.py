"""Every name that a DiaSource column has had, and the one it has here."""

__all__ = (
    "FLAG_COLUMNS",
    "FORCED_SYNONYMS",
    "PICTURE_COLUMNS",
    "SYNONYMS",
    "current_name",
    "names_there",
    "renamed",
)

from collections.abc import Collection, Mapping, Sequence
from typing import Final

FLAG_COLUMNS: Final = (
    *("apFlux_flag", "apFlux_flag_apertureTruncated", "centroid_flag", "forced_PsfFlux_flag"),
    *("forced_PsfFlux_flag_edge", "forced_PsfFlux_flag_noGoodPixels", "pixelFlags", "pixelFlags_bad"),
    *("pixelFlags_cr", "pixelFlags_crCenter", "pixelFlags_edge", "pixelFlags_injected"),
    *("pixelFlags_injectedCenter", "pixelFlags_injected_template", "pixelFlags_injected_templateCenter"),
    *("pixelFlags_interpolated", "pixelFlags_interpolatedCenter", "pixelFlags_nodata"),
    *("pixelFlags_nodataCenter", "pixelFlags_offimage", "pixelFlags_saturated"),
    *("pixelFlags_saturatedCenter", "pixelFlags_streak", "pixelFlags_streakCenter", "pixelFlags_suspect"),
    *("pixelFlags_suspectCenter", "psfFlux_flag", "psfFlux_flag_edge", "psfFlux_flag_noGoodPixels"),
    *("shape_flag", "shape_flag_no_pixels", "shape_flag_not_contained", "shape_flag_parent_source"),
)
"""The measurement flags of the APDB's DiaSource table."""

PICTURE_COLUMNS: Final = (
    *FLAG_COLUMNS,
    *("diaSourceId", "visit", "detector", "band", "ra", "dec", "x", "y", "instrument"),
    *("diaObjectId", "ssObjectId", "midpointMjdTai", "bboxSize", "snr", "psfChi2", "psfNdata", "reliability"),
    *("psfFlux", "psfFluxErr", "apFlux", "apFluxErr", "scienceFlux", "scienceFluxErr"),
    *("isDipole", "isNegative", "glint_trail", "slot_Centroid_pos_flag", "slot_Centroid_neg_flag"),
)
"""Everything that a picture can show of a source."""

_AFW_PREFIXES: Final = {
    "pixelFlags": ("base_PixelFlags_flag",),
    "forced_PsfFlux": ("ip_diffim_forced_PsfFlux",),
    "apFlux": ("slot_ApFlux", "base_CircularApertureFlux_12_0"),
    "centroid": ("slot_Centroid",),
    "psfFlux": ("slot_PsfFlux", "base_PsfFlux"),
    "shape": ("slot_Shape", "base_SdssShape"),
}
"""How afw's catalogues begin the names of the same flags: as a slot, then as
the measurement that `lsst.meas.base.SourceSlotConfig` puts into that slot."""

_AFW_MEASUREMENTS: Final = {
    "instFlux": {"psfFlux": "psfFlux", "apFlux": "apFlux", "forced_PsfFlux": "scienceFlux"},
    "instFluxErr": {"psfFlux": "psfFluxErr", "apFlux": "apFluxErr", "forced_PsfFlux": "scienceFluxErr"},
    "chi2": {"psfFlux": "psfChi2"},
    "npixels": {"psfFlux": "psfNdata"},
}
"""What they call measurements, and the column of each."""


def _afw_names() -> dict[str, str]:
    names: dict[str, str] = {}
    for flag in FLAG_COLUMNS:
        prefix = max((p for p in _AFW_PREFIXES if flag.startswith(p)), key=len)
        names |= {afw + flag.removeprefix(prefix): flag for afw in _AFW_PREFIXES[prefix]}
    for suffix, columns in _AFW_MEASUREMENTS.items():
        for prefix, column in columns.items():
            names |= {f"{afw}_{suffix}": column for afw in _AFW_PREFIXES[prefix]}
    return names


SYNONYMS: Final[Mapping[str, str]] = {
    # Earlier APDB schemas and alert schemas.
    "decl": "dec",
    "declErr": "decErr",
    "ra_decl_Cov": "ra_dec_Cov",
    "filterName": "band",
    "midPointTai": "midpointMjdTai",
    "psFlux": "psfFlux",
    "psFluxErr": "psfFluxErr",
    "psLnL": "psfLnL",
    "psChi2": "psfChi2",
    "psNdata": "psfNdata",
    "totFlux": "scienceFlux",
    "totFluxErr": "scienceFluxErr",
    "trailDecl": "trailDec",
    "dipMeanFlux": "dipoleMeanFlux",
    "dipMeanFluxErr": "dipoleMeanFluxErr",
    "dipFluxDiff": "dipoleFluxDiff",
    "dipFluxDiffErr": "dipoleFluxDiffErr",
    "dipLength": "dipoleLength",
    "dipAngle": "dipoleAngle",
    "dipChi2": "dipoleChi2",
    "dipNdata": "dipoleNdata",
    "spuriousness": "reliability",
    "is_negative": "isNegative",
    # Rubin's TAP service and the butler's tables.
    "coord_ra": "ra",
    "coord_dec": "dec",
    # Catalogues of afw.
    "id": "diaSourceId",
    "parent": "parentDiaSourceId",
    "slot_Centroid_x": "x",
    "slot_Centroid_y": "y",
    "slot_Centroid_xErr": "xErr",
    "slot_Centroid_yErr": "yErr",
    "ip_diffim_ClassificationDipole_value": "isDipole",
    "ip_diffim_DipoleFit_classification": "isDipole",
    "ip_diffim_DipoleFit_flag_classification": "isDipole",
    "ext_trailedSources_Naive_flag_edge": "trail_flag_edge",
    "ip_diffim_forced_template_PsfFlux_instFlux": "templateFlux",
    "ip_diffim_forced_template_PsfFlux_instFluxErr": "templateFluxErr",
    **_afw_names(),
    # Forced measurements, which are of no detection.
    "diaForcedSourceId": "diaSourceId",
    "forcedSourceOnDiaObjectId": "diaSourceId",
    # Spellings of other services and of people.
    "dia_source_id": "diaSourceId",
    "dia_object_id": "diaObjectId",
    "visitId": "visit",
    "visit_id": "visit",
    "detectorId": "detector",
    "detector_id": "detector",
}
"""Other names of a column, and the name that this package knows it by.

Where a table has several of them, the name on the right wins, then the order of this table.
"""

FORCED_SYNONYMS: Final[Mapping[str, str]] = {
    "psfDiffFlux": "psfFlux",
    "psfDiffFluxErr": "psfFluxErr",
    "psfDiffFlux_flag": "psfFlux_flag",
    "psfFlux": "scienceFlux",
    "psfFluxErr": "scienceFluxErr",
    "psfFlux_flag": "forced_PsfFlux_flag",
}
"""What the columns of a release's forced measurements are in the APDB, where
``psfFlux`` is that of the difference image and not of the science image."""

IGNORING_CASE: Final[Mapping[str, str]] = {
    **{name.lower(): new for name, new in SYNONYMS.items()},
    **{name.lower(): name for name in (*SYNONYMS.values(), *PICTURE_COLUMNS)},
}
"""Names in small letters, as some services write them or anything like it."""


_KNOWN: Final = frozenset((*SYNONYMS.values(), *PICTURE_COLUMNS))


def current_name(name: str) -> str:
    """Return the name that this package knows a column by.

    Parameters
    ----------
    name : `str`
        Any name that it has had.

    Returns
    -------
    name : `str`
        Its name in the current APDB schema; the same name when it is not known.
    """
    if name in SYNONYMS:
        return SYNONYMS[name]
    return name if name in _KNOWN else IGNORING_CASE.get(name.lower(), name)


_PRIORITY: Final = {name: place for place, name in enumerate(SYNONYMS)}


def names_there(names: Sequence[str], wanted: Collection[str]) -> list[str]:
    """Return those names of columns whose current names are wanted."""
    return [name for name, new in zip(names, renamed(names), strict=True) if new in wanted]


def renamed(names: Sequence[str]) -> list[str]:
    """Return the current names of the columns of a table.

    Returns: in the same order. A synonym is replaced only where the current name is not a column already, and
    only one of several synonyms is.
    """
    if "psfDiffFlux" in names:
        names = [FORCED_SYNONYMS.get(name, name) for name in names]
    taken = set(names)
    found = dict(zip(names, names, strict=True))
    last = len(_PRIORITY)
    for name in sorted(dict.fromkeys(names), key=lambda name: _PRIORITY.get(name, last)):
        if (new := current_name(name)) not in taken:
            taken.add(new)
            found[name] = new
    return [found[name] for name in names]
