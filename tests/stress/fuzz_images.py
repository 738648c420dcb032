"""Read damaged images for as long as you like.

    python tests/stress/fuzz_images.py --rounds 100000 FILE...

Each round damages a copy of one file, in memory, and reads its WCS and some
stamps of image, mask and variance. The outcome must be `ImageFileError` or
pixels; no other exception, no more than a second or two, and never a gigabyte
of memory. What is found is printed with the number of the round, which
``--first N --rounds 1`` repeats.
"""

import argparse
import faulthandler
import resource
import sys
import time
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from lsst.analysis.ap.domain import Box
from lsst.analysis.ap.images import ImageFileError
from lsst.analysis.ap.images._fits_image import open_fits_image
from lsst.analysis.ap.images.fits._bytes import MemoryBytes

MAX_SECONDS = 20
MAX_BYTES = 2**30
"""Resident memory of this process, at most."""


def damage(data: bytes, rng: np.random.Generator) -> bytes:
    """Return a file that something happened to.

    One to three accidents: a flipped bit, a random byte, a burst of noise, a
    digit of a header changed, a piece moved, a hole of zeros, a cut.
    """
    damaged = bytearray(data)
    for _ in range(rng.integers(1, 4)):
        at = int(rng.integers(len(damaged)))
        length = int(rng.integers(1, 200))
        match rng.integers(7):
            case 0:
                damaged[at] ^= 1 << int(rng.integers(8))
            case 1:
                damaged[at] = int(rng.integers(256))
            case 2:
                damaged[at : at + length] = rng.bytes(min(length, len(damaged) - at))
            case 3:
                card = int(rng.choice(find_cards(damaged)))
                position = card + 10 + int(rng.integers(21))
                damaged[position] = int(rng.choice(np.frombuffer(b"0123456789 -'TF.E", np.uint8)))
            case 4:
                other = int(rng.integers(len(damaged) - length))
                piece = damaged[other : other + length]
                damaged[at : at + length] = piece[: len(damaged) - at]
            case 5:
                damaged[at : at + length] = bytes(min(length, len(damaged) - at))
            case 6 if rng.random() < 0.2:
                del damaged[at:]
                break
    return bytes(damaged)


def find_cards(data: bytes | bytearray) -> list[int]:
    """Return offsets of header cards."""
    cards = [i for i in range(0, len(data) - 79, 80) if data[i + 8 : i + 10] == b"= "]
    return cards or [0]


def read_all(data: bytes) -> list[Any]:
    """Return the positions and the stamps of a file, or raise."""
    image = open_fits_image(MemoryBytes(data, "damaged.fits"))
    box = image.box
    x = np.array([box.x_start + 10.0, (box.x_start + box.x_stop) / 2, box.x_stop - 3.0])
    y = np.array([box.y_start + 12.0, (box.y_start + box.y_stop) / 2, box.y_stop - 2.0])
    boxes = []
    for xi, yi in zip(x, y, strict=True):
        part = Box.from_center(xi, yi, 21).intersection(box)
        if part is not None:
            boxes.append(part)
    sky_map = image.sky_map
    try:
        sky_map.sky_to_pixel(*sky_map.pixel_to_sky(x, y))
    except ValueError as error:
        raise ImageFileError(image.name, f"has a WCS that cannot be applied: {error}") from error
    planes = image.mask_planes
    return [box, image.read(boxes, ("image", "mask", "variance")), planes, image.unit]


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--rounds", type=int, default=10_000)
    parser.add_argument("--first", type=int, default=0)
    arguments = parser.parse_args(argv)
    warnings.simplefilter("ignore")
    # Address space is more than what is resident.
    resource.setrlimit(resource.RLIMIT_AS, (6 * MAX_BYTES, 6 * MAX_BYTES))
    originals = [path.read_bytes() for path in arguments.files]
    for data in originals:
        read_all(data)
    outcomes: Counter[str] = Counter()
    found = 0
    slowest = 0.0
    faulthandler.enable()
    for number in range(arguments.first, arguments.first + arguments.rounds):
        if number % 1000 == 0:
            print(f"round {number}: {dict(outcomes)}", flush=True)
        rng = np.random.default_rng(number)
        which = number % len(originals)
        faulthandler.dump_traceback_later(MAX_SECONDS, exit=True)
        start = time.perf_counter()
        try:
            read_all(damage(originals[which], rng))
            outcomes["pixels"] += 1
        except ImageFileError as error:
            outcomes["ImageFileError"] += 1
            if arguments.rounds == 1:
                print(error)
        except Exception as error:
            found += 1
            outcomes[type(error).__name__] += 1
            name = arguments.files[which].name
            print(f"round {number}, {name}: {type(error).__name__}: {error}", flush=True)
            if arguments.rounds == 1:
                raise
        faulthandler.cancel_dump_traceback_later()
        slowest = max(slowest, time.perf_counter() - start)
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(f"{dict(outcomes)}, slowest round {slowest:.2f} s, {most / 1e6:.0f} MB at most")
    return 1 if found or most > MAX_BYTES else 0


if __name__ == "__main__":
    sys.exit(main())
