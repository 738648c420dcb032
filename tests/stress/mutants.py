"""Change the package in one place at a time, and list the changes that no test of the room notices.

The changes are those of cosmic-ray, and two of our own: an argument or a statement left out. It does not run
them itself, because it changes the checkout, has one test command for all modules, and takes no sample.
"""

import argparse
import ast
import importlib
import os
import random
import re
import resource
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain, zip_longest
from pathlib import Path

import pytest
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator, operator_names
from coverage import CoverageData

ROOT = Path(__file__).parents[2]
PACKAGE = "python/lsst/analysis/ap"
ROOMS = {
    "tests/render": ["render/*.py"],
    "tests/output": ["output/*.py"],
    "tests/sources": ["sources/conditions/*.py", "sources/*selection.py", "sources/config.py", "criteria.py"],
}
"""The modules that are changed, by the folder of the tests that should notice."""
OPERATORS = r"""ReplaceBinaryOperator_(Add_Sub|Sub_Add|Mul_Div|Div_Mul|FloorDiv_Mul|Mod_Sub|Pow_Mul|
    BitOr_BitAnd|BitAnd_BitOr|BitXor_BitOr|LShift_RShift|RShift_LShift)|ReplaceComparisonOperator_(Eq_NotEq|NotEq_Eq|Lt_LtE|
    Lt_Gt|LtE_Lt|LtE_GtE|Gt_GtE|Gt_Lt|GtE_Gt|GtE_LtE|Is_IsNot|IsNot_Is)|ReplaceUnary.*(USub_UAdd|Delete_\w+)|
    AddNot|Replace(True|False|And|Or|Break|Continue)With\w+|NumberReplacer|ZeroIteration\w+"""
"""Those of cosmic-ray whose result still runs: `a >> b` of floats is found by any test."""

HEAVY = """astropy.io.fits galsim hypothesis lsst.daf.butler lsst.images matplotlib.pyplot pandas photutils
    scipy sqlalchemy"""
"""Imported once, before the tests of each change run in a fork."""
LIMIT = 150
"""Seconds of processor time for the tests of one change; by the clock each test has that of the suite."""

type Place = tuple[tuple[int, int], tuple[int, int]]


def find_changes(code: str) -> Iterator[tuple[Place, str, Callable[[], str]]]:
    """Yield what can be changed in a module: where, how, and a function that returns the changed module."""
    lines, tree = code.splitlines(keepends=True), list(ast_nodes(get_ast(code)))
    for name in operator_names():
        if re.fullmatch(OPERATORS, name.removeprefix("core/"), re.VERBOSE):
            operator = get_operator(name)()
            places = chain.from_iterable(operator.mutation_positions(node) for node in tree)
            for occurrence, place in enumerate(places):
                yield place, name.removeprefix("core/"), partial(mutate_code, code, operator, occurrence)
    for node in ast.walk(ast.parse(code)):
        parts = [(keyword, "**{}") for keyword in getattr(node, "keywords", ()) if keyword.arg]
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            parts.append((node, "pass"))
        for part, without in parts:
            yield where(part), "leave out", partial(replace, lines, where(part), without)


def replace(lines: list[str], place: Place, new: str) -> str:
    (first, start), (last, end) = place
    changed = lines[first - 1][:start] + new + lines[last - 1][end:]
    return "".join([*lines[: first - 1], changed, *lines[last:]])


def where(node: ast.AST) -> Place:
    return (node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset)


def find_unchangeable(code: str) -> list[Place]:
    """Return the places of annotations and decorators, which change nothing that a test could see."""
    parts = [
        [getattr(n, "annotation", None), getattr(n, "returns", None), *getattr(n, "decorator_list", [])]
        + ([n.value] if isinstance(n, ast.TypeAlias) else [])
        for n in ast.walk(ast.parse(code))
    ]
    return [where(part) for part in chain.from_iterable(parts) if part is not None]


def sample(modules: list[Path], number: int, seed: int) -> list[tuple[Path, Place, str, Callable[[], str]]]:
    """Choose changes, about as many in each module."""
    rng, chosen = random.Random(seed), []
    for module in modules:
        code, places = module.read_text(), defaultdict(list)
        untouched = find_unchangeable(code)
        for place, name, make in find_changes(code):
            if not any(start <= place[0] and place[1] <= end for start, end in untouched):
                places[place].append((module, place, name, make))
        chosen.append([rng.choice(places[p]) for p in rng.sample(sorted(places), min(number, len(places)))])
    turns = chain.from_iterable(zip_longest(*chosen))
    return [change for change in turns if change is not None][:number]


def run_tests(tests: list[str], copy: Path, *options: str) -> int:
    """Return what pytest says of the package in ``copy``, in a process of its own."""
    words = ["-qx", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *options, *tests]
    child = os.fork()
    if child == 0:
        os.setsid()
        log = os.open(copy / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, 1)
        os.dup2(log, 2)
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
        status = pytest.main(words)
        sys.stdout.flush()
        os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=200, help="how many changes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only modules whose path has these letters")
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "build" / "mutants", help="for the changed package"
    )
    options = parser.parse_args()
    shutil.rmtree(options.keep, ignore_errors=True)
    shutil.copytree(ROOT / "python", options.keep / "python", ignore=shutil.ignore_patterns("__pycache__"))
    os.chdir(ROOT)
    os.environ |= {"PYTHONPATH": str(options.keep / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(options.keep / "python"))
    for name in HEAVY.split():
        importlib.import_module(name)
    tests_of = {
        path: tests
        for tests, patterns in ROOMS.items()
        for pattern in patterns
        for path in sorted((options.keep / PACKAGE).glob(pattern))
        if options.only in str(path) and path.name != "__init__.py"
    }
    changes = sample(list(tests_of), options.number, options.seed)
    reached = {}
    for tests in {tests_of[change[0]] for change in changes}:
        data = options.keep / tests.replace("/", "-")
        if run_tests([tests], options.keep, "--cov", "--cov-context=test", "--cov-report=") != 0:
            sys.exit(
                f"the tests in {tests} fail before anything is changed:\n{(options.keep / 'log').read_text()}"
            )
        (ROOT / ".coverage").rename(data)
        reached[tests] = CoverageData(data)
        reached[tests].read()
    survivors = []
    for number, (module, place, name, make) in enumerate(changes, 1):
        code = module.read_text()
        by_line = reached[tests_of[module]].contexts_by_lineno(str(module))
        contexts = {c for line in range(place[0][0], place[1][0] + 1) for c in by_line.get(line, ())}
        if "" in contexts:  # it runs when the module is imported, so that any test that uses it may notice
            contexts = set().union(*by_line.values())
        tests = sorted({context.rsplit("|", 1)[0] for context in contexts - {""}})
        tests = tests or [tests_of[module]] * bool(contexts)
        module.write_text(make())
        noticed = bool(tests) and run_tests(tests, options.keep) != 0
        module.write_text(code)
        line = code.splitlines()[place[0][0] - 1].strip()
        said = f"{module.relative_to(options.keep / PACKAGE)}:{place[0][0]}:{place[0][1]} {name}: {line}"
        print(f"{number}/{len(changes)} {'noticed ' if noticed else 'SURVIVED'} {said}", flush=True)
        survivors += [] if noticed else [said]
    print(
        f"{len(changes) - len(survivors)} of {len(changes)} changes were noticed; not these:",
        *survivors,
        sep="\n",
    )


if __name__ == "__main__":
    main()
