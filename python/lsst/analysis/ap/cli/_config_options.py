"""Words of the command line into a configuration, as pipetask spells them."""

__all__ = ("add_config_options", "make_config")

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..domain import CutoutsError

if TYPE_CHECKING:
    from lsst.pex.config import Config
    from lsst.pipe.base.configOverrides import ConfigOverrides


def add_config_options(parser: argparse.ArgumentParser, title: str) -> None:
    """Give a parser the options of the configuration.

    Parameters
    ----------
    parser : `argparse.ArgumentParser`
        The parser; it gets a group of options.
    title : `str`
        What the configuration is about.
    """
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


def make_config[C: "Config"](
    arguments: argparse.Namespace, config: C, given: Mapping[str, Any] | None = None
) -> C:
    """Fill a configuration, files first and then single fields.

    Parameters
    ----------
    arguments : `argparse.Namespace`
        The words, parsed.
    config : `lsst.pex.config.Config`
        The defaults; it is changed.
    given : `~collections.abc.Mapping` [`str`, `object`], optional
        Fields that have options of their own.

    Returns
    -------
    config : `lsst.pex.config.Config`
        The same, valid.

    Raises
    ------
    CutoutsError
        Raised when a word names no field, or the values are impossible.
    """
    from lsst.pex.config import ListField
    from lsst.pipe.base.configOverrides import ConfigOverrides

    for file in arguments.config_file:
        overrides = ConfigOverrides()
        overrides.addFileOverride(file)
        _apply(overrides, config, f"Configuration file {file}")
    overrides = ConfigOverrides()
    for word in arguments.config:
        name, equals, value = word.partition("=")
        if not equals:
            raise CutoutsError(f"-c {word!r} is not NAME=VALUE.")
        if name not in config.toDict():
            raise CutoutsError(
                f"The configuration has no field {name!r}; it has {', '.join(config.toDict())}. "
                "See --show-config."
            )
        field = type(config)._fields[name]
        if isinstance(field, ListField) and not value.startswith(("[", "(")):
            overrides.addValueOverride(name, _items(word, field.itemtype))
        else:
            overrides.addValueOverride(name, value)
    for name, value in (given or {}).items():
        overrides.addValueOverride(name, value)
    _apply(overrides, config, "The configuration")
    return config


def _apply(overrides: "ConfigOverrides", config: "Config", what: str) -> None:
    try:
        overrides.applyTo(config)
        config.validate()
    except Exception as error:  # a configuration file is Python: it can raise anything
        cause, _, _ = str(error).partition("\nFor more information")
        raise CutoutsError(f"{what} cannot be used: {' '.join(cause.split())}") from None


def _items(word: str, kind: type) -> list[Any]:
    """Return the items of a list that is written with commas alone."""
    name, _, value = word.partition("=")
    try:
        return [kind(item) for item in value.split(",") if item]
    except ValueError:
        raise CutoutsError(f"-c {word!r}: {name} is a list of {kind.__name__}, such as 1,2.") from None
