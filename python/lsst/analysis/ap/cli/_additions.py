"""The options for what goes with the sources that are selected."""

__all__ = ("add_addition_options", "additions_in_words", "with_additions")

import argparse
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..sources import Catalog


def add_addition_options(parser: argparse.ArgumentParser) -> None:
    """Add the options."""
    group = parser.add_argument_group("what goes with them")
    group.add_argument(
        "--mix",
        metavar="CONDITION:SHARE",
        action="append",
        default=[],
        help="mix in sources that meet another condition, at random: 'pixelFlags_injected:5%%' of all, or "
        "':50' of them; of --visit, --detector, --band, --time-... and the sky, but of no other condition",
    )
    group.add_argument(
        "--gold",
        metavar="FILE",
        help="training subjects: CSV or Parquet with diaSourceId, answer (its number, from 0) and perhaps "
        "successMessage, failureMessage, id",
    )
    group.add_argument(
        "--write-catalog", metavar="FILE", help="also write the selected sources as Parquet, all columns"
    )


def with_additions(arguments: argparse.Namespace, catalog: "Catalog") -> "Catalog":
    """Return a catalogue with what is added to its sources."""
    from ._gold import GoldCatalog, read_gold
    from ._mixing import MixedCatalog, parse_mix

    if arguments.mix:
        catalog = MixedCatalog(catalog, [parse_mix(word) for word in arguments.mix])
    if arguments.gold:
        catalog = GoldCatalog(catalog, read_gold(arguments.gold))
    return catalog


def additions_in_words(arguments: argparse.Namespace) -> dict[str, str]:
    """Return what is added, for the report of a run."""
    words = {"mix": ", ".join(arguments.mix), "gold": arguments.gold or ""}
    return {name: text for name, text in words.items() if text}
