"""Every choice of what pictures show, and of what they look like, that is left to the user."""

__all__ = ("PicturesConfig",)

import dataclasses
import types
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, get_args

from lsst.pex.config import ChoiceField, Config, Field, FieldValidationError, ListField, RangeField

from ..domain import Triplet
from ._style import PictureStyle, StyleError, look_of


class RenamedChoiceField(ChoiceField[str]):
    """A choice that knows its values' earlier names."""

    def __init__(self, renamed: Mapping[str, str], **settings: Any) -> None:
        super().__init__(**settings)
        self.renamed = renamed

    def _validateValue(self, value: Any) -> None:
        if new := self.renamed.get(value):
            raise ValueError(f"{self.name} {value!r} is called {new!r} now")
        super()._validateValue(value)


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.title() for word in others)


def _config_field(spec: dataclasses.Field[Any]) -> Any:
    """Return a choice of the style as a configuration field."""
    look = look_of(spec)
    optional = isinstance(spec.type, types.UnionType)
    kind: Any = get_args(spec.type)[0] if optional else spec.type
    default: Any = spec.default
    settings: dict[str, Any] = {"doc": look.doc, "default": default, "optional": optional}
    if look.choices:
        settings |= {"dtype": str, "allowed": dict(look.choices)}
        return RenamedChoiceField(look.renamed, **settings) if look.renamed else ChoiceField(**settings)
    if items := get_args(kind):  # of any number, or one of each type
        length = None if Ellipsis in items else len(items)
        settings["default"] = None if default is None else list(default)
        return ListField(dtype=items[0], length=length, **settings)
    if look.low is not None:
        return RangeField(
            dtype=kind,
            min=kind(look.low),
            max=None if look.high is None else kind(look.high),
            inclusiveMin=not look.above,
            inclusiveMax=look.high is not None,
            **settings,
        )
    return Field(dtype=kind, **settings)


class PicturesConfig(Config):
    """Configuration of what a picture shows, and of what it looks like.

    The fields of `~lsst.analysis.ap.render.PictureStyle` are among its own, in camel case.
    """

    if TYPE_CHECKING:
        sizes: list[int]
        addMetadata: bool
        maskPlanes: list[str]
    else:
        for _spec in dataclasses.fields(PictureStyle):
            locals()[_camel_case(_spec.name)] = _config_field(_spec)
        del _spec

    useFootprint = Field[bool](
        doc="Cut each stamp as large as the source's footprint, in place of 'sizes': from the catalogue of "
        "footprints in the repository, or else from the sources' bboxSize.",
        default=False,
    )
    footprintMinSize = RangeField(
        doc="Least side of a stamp in pixels when useFootprint is set.",
        dtype=int,
        default=21,
        min=1,
    )
    requireDifference = Field[bool](
        doc="Whether a source without a difference image has no picture. Later data releases do not store "
        "difference images; without this the third panel then says so.",
        default=True,
    )
    separatePanels = Field[bool](
        doc="Write each panel as a picture of its own as well. What subjects consist of says subjectFrames.",
        default=False,
    )

    def validate(self) -> None:
        """Check every field, and the fields together."""
        super().validate()
        try:
            self.makeStyle()
        except StyleError as error:
            raise FieldValidationError(
                type(self)._fields[_camel_case(error.field)], self, error.cause
            ) from error

    def makeStyle(self, triplets: Sequence[Triplet] | None = None) -> PictureStyle:
        """Return the part of this configuration that decides the looks.

        Parameters
        ----------
        triplets : `~collections.abc.Sequence` [`Triplet`], optional
            Stamps whose sizes count in place of ``sizes``.

        Returns
        -------
        style : `~lsst.analysis.ap.render.PictureStyle`
            What the pictures look like. Each of its fields is a field of this configuration, in camel case.
        """
        names = [field.name for field in dataclasses.fields(PictureStyle)]
        values = {name: getattr(self, _camel_case(name)) for name in names}
        for name in ("image_limits", "difference_limits"):
            values[name] = tuple(values[name]) if values[name] is not None else None
        sizes = self.sizes if triplets is None else [triplet.science.box.width for triplet in triplets]
        return PictureStyle(**values | {"sizes": tuple(sizes), "mask_planes": tuple(self.maskPlanes)})
