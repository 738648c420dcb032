"""Kill uploads at random moments while the server fails now and then, finish them, and count.

Each round starts the command and kills it. When a directory has had its share
of kills, the command may end, and is started once more; then each DiaSource
must be there exactly once, with its whole picture, nothing may be without a
set, and the second start must have sent nothing.

python tests/stress/upload.py --rounds 100
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.zooniverse.stand_in import PASSWORD, PROJECT, USER, Zooniverse

from lsst.analysis.ap.domain import DetectorVisit
from lsst.analysis.ap.output import Journal, ManifestForm, OutputDirectory, Picture

TIMEOUT = 600
"""Seconds after which an upload hangs."""

COMMAND = [
    sys.executable,
    "-c",
    "import sys; from lsst.analysis.ap.cli.upload import main; sys.exit(main())",
    "--quiet",
]


def fill(path, ids, rng):
    """Make a directory of pictures, as a run leaves it."""
    directory = OutputDirectory(path)
    with Journal(directory) as journal:
        contents = {identifier: rng.randbytes(rng.randint(100, 30_000)) for identifier in ids}
        for identifier, content in contents.items():
            directory.write(f"{identifier}.png", content)
        place = DetectorVisit("Cam", 7, 3)
        journal.record(
            Picture(i, place, f"{i}.png", len(content), {"visit": "7"}) for i, content in contents.items()
        )
        ManifestForm("panoptes", ("#visit",)).write(directory, journal.pictures(), journal.add_manifest)
    return contents


def start(server, path, number, jobs):
    """Start an upload."""
    environment = {
        **os.environ,
        "PANOPTES_ENDPOINT": server.url,
        "PANOPTES_USERNAME": USER,
        "PANOPTES_PASSWORD": PASSWORD,
    }
    command = [*COMMAND, "-j", str(jobs), str(path), str(number)]
    return subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def kill(server, path, number, rng):
    """Start an upload, kill it after some requests, and return how it was."""
    jobs = rng.randint(1, 6)
    before = server.requests.total()
    process = start(server, path, number, jobs)
    wanted = rng.randint(1, 120)
    deadline = time.monotonic() + 60
    while process.poll() is None and server.requests.total() - before < wanted:
        if time.monotonic() > deadline:
            break
        time.sleep(0.001)
    time.sleep(rng.expovariate(100))
    process.send_signal(signal.SIGKILL)
    process.communicate()
    return f"-j {jobs}, killed after {server.requests.total() - before} requests"


def finish(server, path, number, contents):
    """Let an upload end, start it once more, and return what is wrong, or nothing."""
    for _ in range(20):  # a picture that is refused several times in a row waits for the next upload
        process = start(server, path, number, 4)
        said = process.communicate(timeout=TIMEOUT)[0]
        if process.returncode == 0:
            break
    else:
        return f"the upload ended with {process.returncode}: {said}"
    writes = server.writes()
    process = start(server, path, number, 4)
    said = process.communicate(timeout=TIMEOUT)[0]
    if process.returncode or server.writes() != writes:
        return f"the second upload ended with {process.returncode} and sent something: {said}"
    found = {}
    for subject in server.in_set(number):
        if int(subject.external_id) in found:
            return f"{subject.external_id} is there more than once"
        found[int(subject.external_id)] = server.contents(subject)
    if found != {identifier: [content] for identifier, content in contents.items()}:
        wrong = [i for i, content in contents.items() if found.get(i) != [content]]
        return f"{len(wrong)} are absent or without their picture, {len(found.keys() - contents)} are strange"
    return f"{len(server.orphans())} are in no set" if server.orphans() else None


def main():
    """Run the rounds and print one line for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=100, help="how often an upload is killed")
    parser.add_argument("--kills", type=int, default=10, help="how often each directory meets that")
    parser.add_argument("--subjects", type=int, default=300, help="of each directory")
    parser.add_argument("--fault-rate", type=float, default=0.1)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rng = random.Random(arguments.seed)
    server = Zooniverse(fault_rate=arguments.fault_rate, seed=arguments.seed, delay=0.02, subject_limit=10**6)
    server.start()
    root = Path(tempfile.mkdtemp(prefix="upload-"))
    wrong, done, directory = [], 0, 0
    while done < arguments.rounds:
        directory += 1
        number, path = 100 + directory, root / str(directory)
        server.add_set(number, PROJECT, path.name)
        first = directory * 10_000
        contents = fill(path, range(first, first + arguments.subjects), rng)
        for _ in range(min(arguments.kills, arguments.rounds - done)):
            done += 1
            how = kill(server, path, number, rng)
            print(f"round {done}: {how}, {len(server.in_set(number))} of {len(contents)} there", flush=True)
        problem = finish(server, path, number, contents)
        print(
            f"directory {directory}: {problem or 'each exactly once, a second upload sends nothing'}",
            flush=True,
        )
        wrong += [path] if problem else []
    faults = server.faults.count.total()
    server.stop()
    if wrong:
        print(f"{len(wrong)} of {directory} directories went wrong: {', '.join(map(str, wrong))}")
        raise SystemExit(1)
    shutil.rmtree(root)
    print(f"{done} kills and {faults} faults: {directory} directories, each DiaSource exactly once")


if __name__ == "__main__":
    main()
