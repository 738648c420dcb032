"""Choices of the stamps that a run leaves for machines."""

__all__ = ("StampsConfig",)

from collections.abc import Sequence

from lsst.pex.config import ChoiceField, Config, Field, FieldValidationError, ListField, RangeField

from ..domain import CutoutsError
from ..messages import one_of
from ._choice import FORMATS, PLANES, SPLITS, StampChoice, parse_order


class StampsConfig(Config):
    """Configuration of the stamps that a run leaves as arrays."""

    writeStamps = ChoiceField[str](
        doc="Also leave the stamps themselves, with catalogue row and WCS, in the order of the manifest: "
        "float32 arrays of shape (3, N, N), in the units of the images.",
        allowed={"none": "No.", **FORMATS},
        default="none",
        optional=False,
    )
    pictures = Field[bool](
        doc="Make the pictures. Without them a run leaves the stamps alone (writeStamps), at the speed of "
        "reading; manifest and journal are as ever, but no column names a file.",
        default=True,
    )
    stampsOrder = Field[str](
        doc="Order of the three images in the arrays: their names with commas between them, or "
        "meas_transiNet, the input of that classifier: difference,science,template, and 0 where there are "
        "no data.",
        default="template,science,difference",
    )
    stampsFill = Field[float](
        doc="Value of pixels without data: off the image, or NaN in it. When not set: NaN, and 0 for "
        "meas_transiNet.",
        optional=True,
        default=None,
    )
    stampsPlanes = ListField[str](
        doc=f"What else to leave of each image, as far as it has it: {', '.join(PLANES)}.",
        default=[],
        itemCheck=one_of("stampsPlanes", PLANES),
    )
    stampsUnit = Field[str](
        doc="Unit (BUNIT) of the stamps that are wanted; others are left out. When not set: stamps of "
        "different units are refused.",
        optional=True,
        default=None,
    )
    stampsSplit = ListField[float](
        doc=f"Shares of the objects in {', '.join(SPLITS)}, a column 'split' of the catalogue: all sources "
        "of an object are in one of them. Empty for no such column.",
        default=[0.8, 0.1, 0.1],
        itemCheck=lambda share: 0 <= share <= 1,
    )
    stampsSeed = Field[int](doc="Which of the possible divisions into shares.", default=0)
    stampsLabels = Field[str](
        doc="Labels to join to the catalogue of the stamps: a table with a column diaSourceId, such as "
        "labels.parquet, in Parquet, CSV, ECSV, FITS or VOTable.",
        optional=True,
        default=None,
    )
    stampsShard = RangeField(
        doc="Divide the stamps into files of at most this many sources, those of each split for themselves "
        "(parquet, webdataset). When not set: one file, and 1000 for webdataset.",
        dtype=int,
        optional=True,
        default=None,
        min=1,
    )

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        owner = type(self)
        try:
            if self.stampsOrder != owner.stampsOrder.default:
                parse_order(self.stampsOrder)
        except CutoutsError as error:
            raise FieldValidationError(owner.stampsOrder, self, str(error)) from error
        if not self.pictures and self.writeStamps == "none":
            raise FieldValidationError(
                owner.pictures, self, "without pictures and without stamps nothing is left: set writeStamps"
            )
        shares = self.stampsSplit
        if len(shares) not in (0, len(SPLITS)) or (shares and abs(sum(shares) - 1.0) > 1e-6):
            raise FieldValidationError(
                owner.stampsSplit, self, f"give {len(SPLITS)} shares whose sum is 1, such as 0.8,0.1,0.1"
            )
        if self.stampsShard is not None and self.writeStamps in ("npy", "zarr"):
            raise FieldValidationError(
                owner.stampsShard, self, f"{self.writeStamps} is one array: choose parquet or webdataset"
            )

    def makeStampChoice(self, sizes: Sequence[int]) -> StampChoice | None:
        """Return what stamps are wanted.

        Parameters
        ----------
        sizes : sequence of `int`
            Sides of the stamps in pixels.

        Returns
        -------
        choice : `StampChoice` or `None`
            `None` when nobody wants any.
        """
        if self.writeStamps == "none":
            return None
        order, fill = parse_order(self.stampsOrder)
        return StampChoice(
            format=self.writeStamps,
            sizes=tuple(sizes),
            order=order,
            fill=fill if self.stampsFill is None else self.stampsFill,
            planes=tuple(plane for plane in PLANES if plane in self.stampsPlanes),
            unit=self.stampsUnit,
            shares=tuple(self.stampsSplit),
            seed=self.stampsSeed,
            labels=self.stampsLabels,
            shard=self.stampsShard,
        )
