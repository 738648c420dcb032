import subprocess
import sys


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
