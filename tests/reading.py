"""Reading of what runs leave."""

import csv
import io

import numpy as np
from PIL import Image


def manifest(folder):
    """Return the rows of the manifest of a directory."""
    with open(folder / "manifest.csv", newline="") as stream:
        return list(csv.DictReader(stream))


def listed(folder):
    """Return the ``diaSourceId`` of each row of the manifest."""
    return [int(row["diaSourceId"]) for row in manifest(folder)]


def pixels(png):
    """Return the pixels of a picture: an array (height, width, 3)."""
    return np.array(Image.open(io.BytesIO(png)).convert("RGB"))
