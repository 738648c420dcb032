import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from importlib.util import resolve_name
from pathlib import Path


def test_modules_of_the_published_package_stay_importable_beside_this_one(tmp_path):
    other = tmp_path / "lsst" / "analysis" / "ap"
    other.mkdir(parents=True)
    extend = "import pkgutil\n__path__ = pkgutil.extend_path(__path__, __name__)\n"
    for folder in (other, other.parent, other.parent.parent):
        (folder / "__init__.py").write_text(extend)
    (other / "nb_utils.py").write_text("HERE = 'theirs'\n")
    (other / "domain.py").write_text("HERE = 'theirs'\n")
    code = (
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "from lsst.analysis.ap import ZooniverseCutoutsTask, domain, nb_utils\n"
        "print(nb_utils.HERE, hasattr(domain, 'HERE'), ZooniverseCutoutsTask.__module__)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.split() == ["theirs", "False", "lsst.analysis.ap.zooniverseCutouts"]


def test_imports_run_one_way_also_those_for_types_and_within_functions():
    root = Path(__file__).parents[1] / "python"
    paths = [path for path in root.rglob("*.py") if path.name != "__main__.py"]  # which nothing imports
    modules = {module_of(path.relative_to(root)): path for path in paths}
    imports = {module: set(imports_of(module, path, modules)) for module, path in modules.items()}
    rooms = {room_of(module): set() for module in modules}
    for module, others in imports.items():
        rooms[room_of(module)] |= set(map(room_of, others)) - {room_of(module)}
    assert {"views", "runs"} <= rooms["zooniverseCutouts"]  # so that the search below has what it needs
    for known in (imports, rooms):
        list(TopologicalSorter(known).static_order())  # its error names the modules of a circle
    users = {room for room, others in rooms.items() if "runs" in others}
    assert users == {"cli", "views", *(room for room in rooms if room.startswith("zooniverseCutouts"))}
    assert [room for room, others in rooms.items() if "cli" in others] == []


def module_of(path):
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def room_of(module):
    return module.removeprefix("lsst.analysis.ap.").split(".")[0]


def imports_of(module, path, modules):
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from modules.keys() & {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            origin = resolve_name("." * node.level + (node.module or ""), package)
            names = {f"{origin}.{alias.name}" for alias in node.names}
            yield from modules.keys() & names or modules.keys() & {origin}
