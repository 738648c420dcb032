"""How to upload what a run has made, as words that can be copied."""

__all__ = ("upload_commands",)

from collections.abc import Iterator, Sequence
from posixpath import dirname
from shlex import quote

from ._manifest import ManifestForm

_SET = "SUBJECT_SET"


def upload_commands(form: ManifestForm, directory: str, manifests: Sequence[str]) -> dict[str, list[str]]:
    """Return what uploads the pictures of a directory.

    ``form``: what the manifest looks like. ``directory``: path or URI of the directory. ``manifests``: the
    files of the manifest, relative to it. Returns: what does it under ``upload with``, for ``citsci`` a line
    of Python for each folder; what does the same under ``or with``.
    """
    root = directory.rstrip("/")
    if form.style == "citsci":
        folders = dict.fromkeys(f"{root}/{folder}" for folder in map(dirname, manifests))
        lines = [f"pipeline.send_image_data('NAME', pipeline.zip_image_cutouts({f!r})[0])" for f in folders]
        return {"upload with": lines}
    commands = {"upload with": [f"zooniverseCutoutsUpload {quote(root)} {_SET}"]}
    if form.style == "panoptes" and "://" not in root:
        words = ["panoptes", "subject-set", "upload-subjects", *_remote(form), _SET]
        files = " ".join(quote(f"{root}/{name}") for name in manifests)
        commands["or with"] = [f"{' '.join(words)} {files}"]
    return commands


def _remote(form: ManifestForm) -> Iterator[str]:
    """Yield the words that say which columns are URLs."""
    if form.url_root is not None:
        for number, _ in enumerate(form.frames, start=1):
            yield f"-r {number}"
