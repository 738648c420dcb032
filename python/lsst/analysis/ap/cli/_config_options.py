"""Words of the command line into a configuration, as pipetask spells them."""

__all__ = ("OLD_FIELDS", "add_config_options", "configured", "validated")

import argparse
import ast
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..domain import CutoutsError
from ..messages import did_you_mean

if TYPE_CHECKING:
    from lsst.pex.config import Config
    from lsst.pipe.base.configOverrides import ConfigOverrides


OLD_FIELDS: Final[Mapping[str, str]] = {
    "use_footprint": "useFootprint",
    "url_root": "urlRoot",
    "diff_image_type": "templateImageType and differenceImageType, the whole names of both dataset types",
    "science_image_type": "scienceImageType",
    "add_metadata": "addMetadata, which is off by default",
    "chunk_size": "chunkSize, which is off by default",
    "save_as_numpy": "writeStamps='npy'",
}
"""Fields of PlotImageSubtractionCutoutsConfig, and what has their place."""

_TRUTHS: Final = {
    **dict.fromkeys(("true", "yes", "on", "1"), True),
    **dict.fromkeys(("false", "no", "off", "0"), False),
}


def add_config_options(parser: argparse.ArgumentParser, title: str) -> None:
    """Give a parser the options of the configuration."""
    looks = parser.add_argument_group(title)
    looks.add_argument(
        "-C",
        "--config-file",
        "--configFile",
        metavar="FILE",
        action="append",
        default=[],
        help="configuration file",
    )
    looks.add_argument(
        "-c", "--config", metavar="NAME=VALUE", action="append", default=[], help="one configuration field"
    )
    looks.add_argument(
        "--show-config", action="store_true", help="print the configuration, documented, and stop"
    )


def configured[C: "Config", T](
    make: Callable[[C], T],
    arguments: argparse.Namespace,
    config: C,
    given: Mapping[str, str | None] | None = None,
) -> T:
    """Fill a configuration, files first and then single fields, and return what is made of it.

    ``make``: makes something of the configuration, and validates it first, as a task does. ``given``: fields
    that options of their own have set, where they have.
    """
    from lsst.pipe.base.configOverrides import ConfigOverrides

    for file in arguments.config_file:
        overrides = ConfigOverrides()
        overrides.addFileOverride(file)
        hints = [f" {name}{_hint(name, config)}" for name in _unknown_fields(file, config)]
        hint = "".join((".", *hints) if hints else ())
        _apply(validated, overrides, config, f"Configuration file {file}", hint)
    overrides = ConfigOverrides()
    for word in arguments.config:
        overrides.addValueOverride(*_field_and_value(word, config))
    for name, value in (given or {}).items():
        if value is not None:
            overrides.addValueOverride(name, value)
    return _apply(make, overrides, config, "The configuration", ". See --show-config.")


def validated[C: "Config"](config: C) -> C:
    """Return a configuration that is valid."""
    config.validate()
    return config


def _field_and_value(word: str, config: "Config") -> tuple[str, Any]:
    """Return what NAME=VALUE says, in a form that the field takes."""
    from lsst.pex.config import ListField

    name, equals, value = (part.strip() for part in word.partition("="))
    if not equals:
        raise CutoutsError(f"-c {word!r} is not NAME=VALUE, such as addMetadata=True.")
    if name not in config.toDict():
        raise CutoutsError(f"The configuration has no field {name!r}{_hint(name, config)}")
    field = type(config)._fields[name]
    if field.dtype is bool:
        if (found := _TRUTHS.get(value.lower())) is None:
            raise CutoutsError(f"-c {word!r}: {name} is True or False.")
        return name, found
    if isinstance(field, ListField) and not value.startswith(("[", "(")):
        try:
            return name, [field.itemtype(item) for item in value.split(",") if item]
        except ValueError as error:
            kind = field.itemtype.__name__
            raise CutoutsError(f"-c {word!r}: {name} is a list of {kind}, such as 1,2.") from error
    return name, value


def _hint(name: str, config: "Config") -> str:
    """Return what to write in place of a field that does not exist, as the end of a sentence."""
    if name in OLD_FIELDS:
        return f": it is now {OLD_FIELDS[name]}."
    near = did_you_mean(name, config.toDict())
    return f".{near} See --show-config." if near else f"; it has {', '.join(config.toDict())}."


def _unknown_fields(path: str, config: "Config") -> list[str]:
    """Return the fields that a configuration file sets and that do not exist."""
    try:
        tree = ast.parse(Path(path).read_bytes())
    except Exception:  # what is wrong with the file itself has been told already
        return []
    return [
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and isinstance(node.ctx, ast.Store)
        and isinstance(node.value, ast.Name)
        and node.value.id == "config"
        and node.attr not in type(config)._fields
    ]


def _apply[C: "Config", T](
    make: Callable[[C], T], overrides: "ConfigOverrides", config: C, what: str, hint: str
) -> T:
    try:
        overrides.applyTo(config)
        return make(config)
    except Exception as error:  # a configuration file is Python: it can raise anything
        cause, _, _ = str(error).partition("\nFor more information")
        raise CutoutsError(f"{what} cannot be used: {' '.join(cause.split())}{hint}") from error
