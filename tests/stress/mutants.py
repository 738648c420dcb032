"""Change the package in one place at a time, and list the changes that no test of the room notices.

The changes are those of cosmic-ray, and two of our own: an argument or a statement left out. It does not run
them itself, because it changes the checkout, has one test command for all modules, and takes no sample.

What was found of a change is kept as long as neither the package nor its tests are others: killed and started
again, it goes on where it was, and a larger sample adds to a smaller one.
"""

import argparse
import ast
import hashlib
import importlib
import os
import random
import re
import resource
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
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
    "tests/sources": [
        "sources/conditions/*.py",
        "sources/_sql.py",
        "sources/*selection.py",
        "sources/config.py",
        "criteria.py",
    ],
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
PATIENCE = 3600
"""Seconds by the clock: a fork may wait for ever for a lock of a thread that it does not have."""
MEMORY = 6 << 30
"""Bytes for them: some changes ask for all there is, and the machine would end any process for it."""

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
    """Return what pytest says of the package in ``copy``, in a process that leaves no other."""
    words = ["-qx", "-p", "no:cacheprovider", f"--rootdir={ROOT}", *options, *tests]
    child = os.fork()
    if child == 0:
        status = pytest.ExitCode.INTERNAL_ERROR
        try:  # else what goes wrong would go on as a second one of us
            os.setsid()
            for number in (signal.SIGHUP, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            log = os.open(copy / "log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(log, 1)
            os.dup2(log, 2)
            resource.setrlimit(resource.RLIMIT_CPU, (LIMIT, LIMIT))
            resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
            status = pytest.main(words)
            sys.stdout.flush()
        finally:
            os._exit(status)
    end, ended = time.monotonic() + PATIENCE, (0, 0)
    try:
        while ended == (0, 0) and time.monotonic() < end:
            time.sleep(0.05)
            ended = os.waitpid(child, os.WNOHANG)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode((ended if ended[0] else os.waitpid(child, 0))[1])


def digest(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def begin(keep: Path) -> dict[str, str]:
    """Make a new copy of the package; return what was found of changes to the same one before."""
    tests = sorted({*(ROOT / "tests").rglob("*.py")} - {Path(__file__).resolve()})
    state = digest(*(path.read_text() for path in (*sorted((ROOT / "python").rglob("*.py")), *tests)))
    asked, results = keep / "state", keep / "results"
    if not asked.exists() or asked.read_text() != state:
        shutil.rmtree(keep, ignore_errors=True)
    shutil.rmtree(keep / "python", ignore_errors=True)
    shutil.copytree(ROOT / "python", keep / "python", ignore=shutil.ignore_patterns("__pycache__"))
    asked.write_text(state)
    lines = results.read_text().splitlines() if results.exists() else []
    return {change: outcome for outcome, change, *_ in (line.split(" ", 2) for line in lines)}


def reach(tests: str, keep: Path) -> CoverageData:
    """Return which lines each test of a folder reaches."""
    data = keep / tests.replace("/", "-")
    if not data.exists():
        if run_tests([tests], keep, "--cov", "--cov-context=test", "--cov-report=") != 0:
            sys.exit(f"the tests in {tests} fail before anything is changed:\n{(keep / 'log').read_text()}")
        (ROOT / ".coverage").rename(data)
    reached = CoverageData(data)
    reached.read()
    return reached


def lines_around(code: str, place: Place) -> range:
    """Return the lines of the statement that a place is in: only on some of them is it seen to run."""
    nodes = (node for node in ast.walk(ast.parse(code)) if isinstance(node, ast.stmt))
    around = [node for node in nodes if node.lineno <= place[0][0] <= node.end_lineno]
    statement = min(around, key=lambda node: node.end_lineno - node.lineno)
    body = getattr(statement, "body", None)
    return range(statement.lineno, body[0].lineno if body else statement.end_lineno + 1)


def tests_that_reach(lines: range, module: Path, room: str, reached: dict[str, CoverageData]) -> list[str]:
    """Return the tests of a room that may notice what is changed on some lines of a module."""
    by_line = reached[room].contexts_by_lineno(str(module))
    contexts = {c for line in lines for c in by_line.get(line, ())}
    if "" in contexts:  # it runs when the module is imported, so that any test that uses it may notice
        contexts = set().union(*by_line.values())
    return sorted({c.rsplit("|", 1)[0] for c in contexts - {""}}) or [room] * bool(contexts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--number", type=int, default=200, help="how many changes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", default="", help="only modules whose path has these letters")
    parser.add_argument(
        "--keep", type=Path, default=ROOT / "build" / "mutants", help="for the changed package"
    )
    options = parser.parse_args()
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # when the terminal goes away
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended; the same command goes on"))
    found = begin(options.keep)
    os.chdir(ROOT)
    os.environ |= {"PYTHONPATH": str(options.keep / "python"), "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ |= {
        "OPENBLAS_NUM_THREADS": "1",
        "COVERAGE_CORE": "ctrace",
    }  # the quicker one knows of no tests
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
    reached = {tests: reach(tests, options.keep) for tests in {tests_of[change[0]] for change in changes}}
    tried, survivors = 0, []
    try:
        for module, place, name, make in changes:
            code, changed = module.read_text(), make()
            line = code.splitlines()[place[0][0] - 1].strip()
            said = f"{module.relative_to(options.keep / PACKAGE)}:{place[0][0]}:{place[0][1]} {name}: {line}"
            change = digest(changed)
            if change not in found:
                tests = tests_that_reach(lines_around(code, place), module, tests_of[module], reached)
                module.write_text(changed)
                noticed = bool(tests) and run_tests(tests, options.keep) != 0
                module.write_text(code)
                found[change] = "noticed" if noticed else "SURVIVED"
                with (options.keep / "results").open("a") as results:
                    results.write(f"{found[change]} {change} {said}\n")
            tried += 1
            survivors += [] if found[change] == "noticed" else [said]
            print(f"{tried}/{len(changes)} {found[change]:8} {said}", flush=True)
    finally:
        score = f"{tried - len(survivors)} of {tried} changes were noticed; not these:"
        print(score, *survivors, sep="\n", flush=True)


if __name__ == "__main__":
    main()
