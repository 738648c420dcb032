"""What the commands on a repository share: options, the butler and the configuration they mean, the report.

Nothing heavy is imported until it is needed.
"""

__all__ = (
    "add_collections_option",
    "add_config_options",
    "add_place_words",
    "add_work_options",
    "configured",
    "open_butler",
    "print_report",
    "report_result",
    "require_places",
    "validated",
)

import argparse
import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ..domain import CutoutsError
from ..messages import cause_of, did_you_mean, public_uri, waiting_for
from ._command import number_of_jobs

if TYPE_CHECKING:
    from lsst.daf.butler import Butler
    from lsst.pex.config import Config
    from lsst.pipe.base import Struct
    from lsst.pipe.base.configOverrides import ConfigOverrides

_SHOWN: Final = 5
"""How many files of a kind are named when there are many."""

_OLD_FIELDS: Final[Mapping[str, str]] = {
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


def add_place_words(parser: argparse.ArgumentParser) -> None:
    """Add the words for the repository and the directory; neither is required yet."""
    parser.add_argument("repo", metavar="REPO", nargs="?", help="butler repository: path, URI or label")
    parser.add_argument("outdir", metavar="OUTDIR", nargs="?", help="directory for pictures; made if needed")


def require_places(arguments: argparse.Namespace) -> None:
    """Refuse a command that lacks one of these."""
    if arguments.repo is None or arguments.outdir is None:
        raise CutoutsError("Give the butler repository and the output directory: REPO OUTDIR.")
    if _is_repository(arguments.outdir) and not _is_repository(arguments.repo):
        raise CutoutsError(f"{arguments.outdir} is a butler repository: give it first, REPO OUTDIR.")


def _is_repository(place: str) -> bool:
    return Path(place, "butler.yaml").exists()


def add_collections_option(group: argparse._ArgumentGroup) -> None:
    """Add the option that names the collections."""
    group.add_argument(
        "--collections",
        metavar="NAME",
        nargs="+",
        action="append",
        help="collections to search, first match first, with commas or blanks between them; * stands for any "
        "letters",
    )


def open_butler(repo: str, groups: Sequence[Sequence[str]] | None) -> "Butler":
    """Open a repository read-only, and check that the collections exist."""
    from lsst.daf.butler import Butler, MissingCollectionError

    words = [name.strip() for group in groups or () for word in group for name in word.split(",")]
    try:
        with waiting_for(f"butler repository {public_uri(repo)}"):
            butler = Butler.from_config(repo, writeable=False)
    except Exception as error:  # what comes depends on the kind of repository
        cause = public_uri(cause_of(error)).partition(" (given ")[0].rstrip(".")
        near = next((f" Did you mean {path.parent}?" for path in Path(repo).glob("*/butler.yaml")), "")
        remedy = (
            "Check the address, and that you may read there."
            if "://" in repo
            else "Give the directory that holds butler.yaml, its URI, or its label."
        )
        raise CutoutsError(
            f"Butler repository {public_uri(repo)} cannot be opened: {cause}.{near} {remedy}"
        ) from error
    collections: list[str] = []
    for word in filter(None, words):
        try:
            found = butler.collections.query(word)
        except MissingCollectionError as error:
            _refuse(word, butler, repo, error)
        if not found:
            _refuse(word, butler, repo)
        # Of names with a wildcard, the newest first, as their time stamps sort.
        collections += [word] if word in found else sorted(found, reverse=True)
    if collections:
        butler = butler.clone(collections=tuple(dict.fromkeys(collections)))
    if not butler.collections.defaults:
        _refuse("", butler, repo)
    return butler


def _refuse(word: str, butler: "Butler", repo: str, error: Exception | None = None) -> NoReturn:
    known = sorted(butler.collections.query("*"))
    cause = f"No collection is named {word}." if word else "It is not said which collections to search."
    shown = ", ".join(known[:10]) + (f" and {len(known) - 10} more" if len(known) > 10 else "")
    raise CutoutsError(
        f"{cause}{did_you_mean(word, known)} {public_uri(repo)} has {shown or 'none'}: name them with "
        "--collections."
    ) from error


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
        hint = "".join((".", *(hints or (" It is to be as --show-config prints one.",))))
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
    if field.dtype is str and value != "None":
        return name, repr(value.strip("'\""))  # else words with commas between them would be several
    if isinstance(field, ListField) and not value.startswith(("[", "(")):
        try:
            items = [field.itemtype(item) for item in value.split(",") if item]
        except ValueError as error:
            kind = field.itemtype.__name__
            raise CutoutsError(f"-c {word!r}: {name} is a list of {kind}, such as 1,2.") from error
        return name, list(map(repr, items)) if field.itemtype is str else items  # text would be evaluated
    return name, value


def _hint(name: str, config: "Config") -> str:
    """Return what to write in place of a field that does not exist, as the end of a sentence."""
    if name in _OLD_FIELDS:
        return f": it is now {_OLD_FIELDS[name]}."
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


def add_work_options(group: argparse._ArgumentGroup) -> None:
    """Add the options that say how the work is done."""
    group.add_argument(
        "-j", "--jobs", type=number_of_jobs, default=1, metavar="N", help="number of processes (default: 1)"
    )
    earlier = group.add_mutually_exclusive_group()
    earlier.add_argument("--overwrite", action="store_true", help="make the pictures in OUTDIR again")
    earlier.add_argument("--append", action="store_true", help="add to pictures made with other settings")


def print_report(outdir: str, rows: Mapping[str, Sequence[object]]) -> None:
    """Print what is in a directory now: values by what they are."""
    print(public_uri(outdir))
    for name, values in rows.items():
        for number, value in enumerate(values):
            print(f"  {'' if number else name:15}{value}")


def report_result(prog: str, outdir: str, result: "Struct") -> int:
    """Say what came of a run."""
    failed = len(result.failed)
    rows: dict[str, Sequence[object]] = {
        "written": [len(result.written)],
        "already there": [len(result.skipped)],
        "failed": [failed],
        "manifest": _few(result.manifests),
        "stamps": _few(result.stamps),
        **{name: _few(commands) for name, commands in result.uploads.items()},
    }
    print_report(outdir, rows)
    if not failed:
        return 0
    first = result.failed[0]
    print(
        f"{prog}: {public_uri(outdir)}/failures.csv names what failed; the first is\n"
        f"  {first.diaSourceId}: {first.reason}",
        file=sys.stderr,
    )
    return 1


def _few(paths: Sequence[str]) -> list[str]:
    """Return the first of many paths, and how many there are more."""
    more = len(paths) - _SHOWN
    return [*paths[:_SHOWN], f"and {more} more"] if more > 0 else list(paths)
