"""A hundred typical mistakes, and what the one line says that answers each.

A row has the words of a command and what the line must name: the thing, the
cause and the remedy. ``@A`` stands for the APDB, ``@C`` for the collections,
``@R`` for the repository, ``@O`` for an output directory and ``@T`` for a
folder with small files.
"""

import re
import shlex

import pytest

from lsst.analysis.ap.cli.compare import main as compare
from lsst.analysis.ap.cli.cutouts import main as cutouts
from lsst.analysis.ap.cli.demo import main as make_demo
from lsst.analysis.ap.cli.export import main as export
from lsst.analysis.ap.cli.gallery import main as gallery
from lsst.analysis.ap.cli.labels import main as labels
from lsst.analysis.ap.cli.upload import main as upload

FILES = {
    "no_ra.csv": "diaSourceId,visit,detector,dec\n1,1,1,0.5\n",
    "empty.csv": "diaSourceId,visit,detector,ra,dec\n",
    "nowhere.csv": "diaSourceId,visit,detector,ra,dec\n1,1,1,,\n",
    "no_visit.csv": "diaSourceId,ra,dec,visit,detector\n1,53.1,-27.8,,\n",
    "broken.py": "config.sizes = [\n",
    "old.py": "config.url_root = 'https://a/b'\n",
    "no_gold.csv": "diaSourceId,answer\n1,maybe\n",
    "apdb.sqlite3": "SQLite format 3\0",
    "words.txt": "one\ntwo\n",
    "not_text.csv": "a\rb\r\n" * 3,
    "other.parquet": "this is no Parquet file",
}

MISTAKES = [
    # misspelt, misplaced and forgotten words
    ("@A --colections @C @R @O", "--colections Did you mean --collections?"),
    ("@A --reliabilty-min 0.5 @W @O", "--reliabilty-min --reliability-min"),
    ("@A --smaple=10 @W @O", "--smaple --sample"),
    ("@A -limit 5 @W @O", "-limit two dashes --limit"),
    ("@A -collections @C @R @O", "-collections two dashes --collections"),
    ("@A --outdir @O @W", "--outdir --help"),
    ("@A @R @O elsewhere --collections @C", "unexpected elsewhere between quotes"),
    ("@A", "butler repository output directory: REPO OUTDIR"),
    ("@A @W", "output directory: REPO OUTDIR"),
    ("@W @O", "where the DiaSources are --sqlitefile, --postgres-url"),
    ("@A --catalog @T/empty.csv @W @O", "--catalog: not allowed with --sqlitefile"),
    ("@A --limit @W @O --limit", "--limit expected one argument"),
    ("@A --collections '' @R @O", "collections given and empty leave it out --collections"),
    ("@A --where '' @W @O", "where given and empty leave it out --where"),
    ("@A --data-query 'visit=1' @W @O", "--data-query --catalog-dataset give that too"),
    ("@A --tap-url https://x @W @O", "--tap-url --tap give that too"),
    ("@A --namespace x @W @O", "--namespace --postgres-url leave it out"),
    ("--alerts a.avro @W @O", "--alerts output directory only no repository"),
    ("--catalog-dataset dia_source_detector --dry-run", "--catalog-dataset give REPO"),
    # values of options
    ("@A -j two @W @O", "-j/--jobs 'two' whole number"),
    ("@A -j -1 @W @O", "-j/--jobs -1 from 1 to 1000"),
    ("@A --log-level LOUD @W @O", "--log-level 'LOUD' choose from DEBUG"),
    ("@A --limit ten @W @O", "limit 'ten' whole number from 1 --limit"),
    ("@A --limit 0 @W @O", "limit 0 at least 1 --limit"),
    ("@A --reliability-min high @W @O", "reliability_min 'high' a number --reliability-min"),
    ("@A --reliability-min 0.9 --reliability-max 0.1 @W @O", "reliability 0.9 to 0.1 empty exchange"),
    ("@A --time-min yesterday @W @O", "time_min 'yesterday' MJD date --time-min"),
    ("@A --circle 53.1,-27.8 @W @O", "circle '53.1,-27.8' radius in degrees --circle"),
    ("@A --visit 1-5 @W @O", "visit '1-5', whole numbers --visit"),
    ("@A --no-pictures @W @O", "Without pictures set writeStamps -c writeStamps=VALUE"),
    ("@A --retry-failed --overwrite @W @O", "one of them --overwrite, --retry-failed"),
    ("@A --retry-failed @W @O", "out no directory of pictures OUTDIR of a run"),
    ("@A --epochs 3 @W @O", "--epochs --history give that too"),
    ("@A --stratify band @W @O", "stratify without a sample --sample"),
    ("@A --sample 5 --stratify relability:10 @W @O", "relability reliability, band --stratify"),
    ("@A --ids @T/words.txt @W @O", "words.txt 'one' diaSourceId"),
    ("@A --ids @T/absent.txt @W @O", "no file absent.txt no diaSourceId --ids"),
    ("@A --one-per-object --latest 2 @W @O", "one of them --one-per-object --latest"),
    ("@A --mix pixelFlags_injected @W @O", "--mix 'pixelFlags_injected' CONDITION:SHARE"),
    ("@A --gold @T/no_gold.csv @W @O", "--gold no_gold.csv row 1 'maybe' number"),
    # columns and conditions
    ("@A --where 'sn > 5' @W @O", "no column 'sn' Did you mean snr leave it out"),
    ("@A --where 'snr = 5' @W @O", "'snr = 5' cannot be parsed column names == --where"),
    ("@A --where 'snr > 5 & isDipole' @W @O", "'snr > 5 & isDipole' and, or, not --where"),
    ("@A --exclude-flags pixelFlags_cd @W @O", "no column 'pixelFlags_cd' Did you mean pixelFlags_cr"),
    ("@A -c manifestColumns=+relability @W @O", "relability Did you mean reliability manifestColumns"),
    (
        "@A --snr-min 0 --band z @W @O",
        "No DiaSource snr_min=0.0 leaves bands=('z',) leaves none --band",
    ),
    ("@A --visit 1 @W @O", "No DiaSource visits=(1,) leaves none Loosen --visit"),
    ("@A --where 'band == r' @W @O", "no column 'r' text stands between quotes"),
    # configuration
    ("@A -c addmetadata=True @W @O", "no field 'addmetadata' Did you mean addMetadata --show-config"),
    ("@A -c add_metadata=True @W @O", "'add_metadata' it is now addMetadata"),
    ("@A -c addMetadata=maybe @W @O", "'addMetadata=maybe' True or False"),
    ("@A -c sizes @W @O", "'sizes' not NAME=VALUE"),
    ("@A -c sizes=big @W @O", "'sizes=big' list of int 1,2"),
    ("@A -c sizes=5000 @W @O", "sizes 1 to 2000 5000 --show-config"),
    ("@A -c 'percentile = 200' @W @O", "percentile 200.0 (0.0,100.0] --show-config"),
    ("@A -c urlRoot=host @W @O", "urlRoot 'host' https://host/path"),
    ("@A -c manifestColumns=anonymous -c addMetadata=on @W @O", "manifestColumns 'anonymous' addMetadata"),
    ("@A -c stampsOrder=science,template @W @O", "stampsOrder template, science, difference"),
    ("@A -c showNeighbours=stars @W @O", "showNeighbours one of sources, trails 'stars'"),
    ("@A -c showNeighbours=True @W @O", "showNeighbours one of sources, trails 'True'"),
    ("@A -c colormap=bone @W @O", "no field 'colormap' colorMap? See --show-config"),
    ("@A -c imageStretch=asin @W @O", "imageStretch asin asinh, linear, log, sqrt"),
    ("@A -c colorMap=bonee @W @O", "colorMap 'bonee' matplotlib colour map"),
    ("@A -c orientation=north-up @W @O", "orientation 'north-up' 'nearest-north'"),
    ("@A -C @T/absent.py @W @O", "absent.py cannot be used No such file"),
    ("@A -C @T/broken.py @W @O", "broken.py cannot be used line 1"),
    ("@A -C @T/words.txt @W @O", "words.txt 'one' as --show-config prints"),
    ("@A -C @T/old.py @W @O", "old.py url_root urlRoot"),
    # files, databases and repositories
    ("--sqlitefile @T/absent.db @W @O", "no SQLite file absent.db"),
    ("--sqlitefile @T/apdb.sqlite @W @O", "no SQLite file apdb.sqlite Did you mean apdb.sqlite3?"),
    ("--sqlitefile @T @W @O", "a directory and no SQLite file"),
    ("--sqlitefile @T/words.txt @W @O", "words.txt not a database"),
    ("--catalog @T/absent.csv @W @O", "no catalogue absent.csv"),
    ("--catalog @T/no_rah.csv @W @O", "no catalogue no_rah.csv Did you mean no_ra.csv"),
    ("--catalog @T/apdb.sqlite3 @W @O", "apdb.sqlite3 database --sqlite-file"),
    ("--apdb @T/apdb.sqlite3 @W @O", "apdb.sqlite3 database --sqlite-file"),
    ("@A --collections @C @R @R", "repo butler repository another directory"),
    ("--catalog @T/no_ra.csv @W @O", "no column 'ra' it has diaSourceId Rename"),
    ("--catalog @T/empty.csv @W @O", "No DiaSource the catalogue has none"),
    ("--catalog @T/nowhere.csv @W @O", "None of the 1 sources position columns ra and dec"),
    ("--catalog @T/other.parquet @W @O", "other.parquet Parquet whole suffix"),
    ("--catalog @T/not_text.csv @W @O", "not_text.csv csv whole suffix"),
    ("--alerts @T @O", "a directory and no alert file"),
    ("--catalog-dataset dia_source_detectr @W @O", "'dia_source_detectr' Did you mean dia_source_detector"),
    ("--catalog-dataset difference_image @W @O", "difference_image is no table such as dia_source_detector"),
    ("@A --write-catalog @T/some.xlsx @W @O", "some.xlsx Parquet .parquet"),
    ("@A --collections @C @T/absent @O", "absent cannot be opened butler.yaml"),
    ("@A --collections @C @O @R", "repo is a butler repository first REPO OUTDIR"),
    ("@A --collections @C @R/.. @O", "cannot be opened Did you mean repo? butler.yaml"),
    (
        "@A --collections DemoCam/runs/dmo @R @O",
        "runs/dmo Did you mean DemoCam/runs/demo --collections",
    ),
    ("@A --collections 'Other*' @R @O", "No collection is named Other* --collections"),
    ("@A @R @O --quiet", "which collections has DemoCam/runs/demo --collections"),
    ("@A --instrument DemoCan @W @O", "DemoCan DemoCam --instrument"),
    ("@A -c scienceImageType=vist_image @W @O", "vist_image scienceImageType"),
    ("@A @W /proc/nowhere", "/proc/nowhere cannot be made another"),
]

OTHERS = [
    (export, "@A --collections @C @R @O", "unknown option --sqlitefile"),
    (export, "--collections @C @R @O --dataset-type dia_source_cutout", "dia_source_cutout"),
    (export, "--collections @C @R @O --dataset-type difference_image", "no table of pictures name"),
    (compare, "@R @O --before a", "--after required"),
    (compare, "@R @O --before a --after b", "No collection is named a --collections"),
    (upload, "@T", "subject set number lab"),
    (upload, "@T set", "SUBJECT_SET 'set' whole number"),
    (labels, "@T", "EXPORT required"),
    (labels, "@T @T/word.txt", "no file word.txt Did you mean words.txt?"),
    (labels, "@T @T/not_text.csv", "not_text.csv neither Data Exports"),
    (labels, "@T @T/words.txt --method best", "--method 'best' fractions"),
    (gallery, "@T --labels real", "--labels 'real' WORD:KEY"),
    (gallery, "@T", "no pictures"),
    (gallery, "@T/absent", "no directory absent"),
    (make_demo, "@T/sky --seed -1", "seed -1 at least 0"),
    (make_demo, "@T/sky --detectors 500000", "detectors 500000 100 at most"),
]


@pytest.fixture(scope="module")
def spelled(demo, tmp_path_factory):
    folder = tmp_path_factory.mktemp("mistakes")
    for name, text in FILES.items():
        (folder / name).write_text(text)
    meant = {
        "@A": f"--sqlitefile {demo.apdb}",
        "@W": f"--quiet --collections {demo.collection} {demo.repo}",
        "@C": demo.collection,
        "@R": str(demo.repo),
        "@O": str(folder / "out"),
        "@T": str(folder),
    }
    return lambda words: shlex.split(re.sub("@[A-Z]", lambda match: meant[match[0]], words))


@pytest.mark.parametrize(("command", "words", "said"), [(cutouts, *row) for row in MISTAKES] + OTHERS)
def test_a_mistake_is_answered_in_one_line(spelled, refused, command, words, said):
    line = refused(spelled(words), command)
    missing = [word for word in said.split() if word not in line]
    assert not missing, line
    assert len(line) < 900
