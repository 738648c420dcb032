import pytest
from tests.zooniverse.volunteers import Project, Subject, Volunteer

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Journal, ManifestForm, OutputDirectory, Picture
from lsst.analysis.ap.zooniverse import read_labels

ANNE = Volunteer("anne", 1, 0.9, 0.8)
BERT = Volunteer("bert", 2, 0.7, 0.6)
CLEO = Volunteer("cleo", 3, 0.9, 0.9)
ANON = Volunteer("not-logged-in-0123456789abcdef0123", None, 0.6, 0.6)


@pytest.fixture
def people():
    return ANNE, BERT, CLEO, ANON


@pytest.fixture
def make_directory(tmp_path):
    """A function that returns a directory of pictures, as a run leaves it."""

    def make(ids=range(1, 6), *, metadata=None, form=None, name=str, folder="pictures", place=None):
        directory = OutputDirectory(tmp_path / folder)
        with Journal(directory) as journal:
            journal.record(
                Picture(
                    i,
                    place or DetectorVisit("Cam", 7, 3),
                    f"{name(i)}.png",
                    100,
                    {"ra": "53.1", "dec": "-27.5", "snr": f"{5 + i}", "reliability": f"{i % 10 / 10}"}
                    if metadata is None
                    else metadata(i),
                )
                for i in ids
            )
            form = form or ManifestForm("panoptes", ("#ra", "#dec", "#snr", "#reliability"))
            form.write(directory, journal.pictures(), journal.add_manifest)
        return directory.path

    return make


@pytest.fixture
def subjects():
    """Subjects 101 to 105, of the sources 1 to 5."""
    return [Subject(100 + i, {"diaSourceId": str(i), "#snr": f"{5 + i}"}) for i in range(1, 6)]


@pytest.fixture
def project():
    return Project()


@pytest.fixture
def label(make_directory, project, tmp_path):
    """A function that returns what volunteers said, and its rows by diaSourceId."""

    def read(directory=None, exports=None, **options):
        path = project.write_classifications(tmp_path / "classifications.csv")
        labels = read_labels(directory or make_directory(), exports or [path], progress=False, **options)
        return labels, {row["diaSourceId"]: row for row in labels.table.to_pylist()}

    return read
