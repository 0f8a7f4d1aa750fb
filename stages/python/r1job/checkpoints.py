"""Checkpoints on the disk, in the form that r1's own stages have as well.

A checkpoint is a folder `step-N` with a program's own files in `files/` and a manifest of their SHA-256 beside it. It appears
whole by one rename, and `latest` is a link to the files of the newest one. The newest two are kept.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from typing import Any, Callable, Dict, Iterator, List, Optional, Tuple

from .context import JobError, say

KEPT = 2
CHUNK = 1 << 20


def keep(root: str, step: int, write: Callable[[str], Any]) -> None:
    """Has `write` fill a folder and makes it the checkpoint of that step, also over one that is there."""
    os.makedirs(root, exist_ok=True)
    for name in os.listdir(root):
        # Of a process of this job that died over it; two never write at a time.
        if re.match("(writing|replaced|linking)-", name):
            _remove(os.path.join(root, name))
    writing = os.path.join(root, "writing-%d" % os.getpid())
    try:
        os.makedirs(os.path.join(writing, "files"))
        write(os.path.join(writing, "files"))
        _seal(writing, step)
    except BaseException:
        # As long as it is there, r1 waits for it.
        _remove(writing)
        raise
    final = _place(root, step)
    # One of the same step is as good until the new one is in its place.
    replaced = os.path.join(root, "replaced-%d" % os.getpid())
    if os.path.lexists(final):
        os.rename(final, replaced)
    os.rename(writing, final)
    _link_latest(root, step)
    _sync(root)
    _remove(replaced)
    # The one that was just written stays, whatever else has a higher number.
    for old in [other for other in steps(root) if other != step][KEPT - 1 :]:
        _remove(_place(root, old))


def newest(root: str) -> Optional[Tuple[int, str]]:
    """Step and files of the newest checkpoint whose bytes are those that were written; others are passed over."""
    for step in steps(root):
        place = _place(root, step)
        if _is_whole(place, step):
            return step, os.path.join(place, "files")
        say("the checkpoint of step %d is damaged and passed over" % step)
    return None


def steps(root: str) -> List[int]:
    """Steps of which there are checkpoints, whole or not, the newest first."""
    names = os.listdir(root) if os.path.isdir(root) else []
    matches = (re.match(r"step-(0|[1-9][0-9]*)\Z", name) for name in names)
    return sorted((int(match.group(1)) for match in matches if match), reverse=True)


def _place(root: str, step: int) -> str:
    return os.path.join(root, "step-%d" % step)


def _seal(folder: str, step: int) -> None:
    """Flushes the files, writes the manifest over them, and flushes that."""
    inside = os.path.join(folder, "files")
    files: List[Dict[str, Any]] = []
    for path in _files(inside):
        file = os.path.join(inside, path)
        _sync(file)
        files.append({"path": path, "bytes": os.path.getsize(file), "sha256": _sha256(file)})
    with open(os.path.join(folder, "manifest.json"), "w", encoding="utf8") as out:
        json.dump({"version": 1, "step": step, "files": files}, out)
        out.flush()
        os.fsync(out.fileno())
    _sync(folder)


def _files(folder: str, prefix: str = "") -> Iterator[str]:
    """Paths below a folder, with "/"; each folder is flushed behind what is in it."""
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if os.path.islink(path) or not (os.path.isdir(path) or os.path.isfile(path)):
            raise JobError("%s%s is neither a file nor a folder, and a checkpoint has nothing else" % (prefix, name))
        if os.path.isdir(path):
            yield from _files(path, prefix + name + "/")
        else:
            yield prefix + name
    _sync(folder)


def _is_whole(folder: str, step: int) -> bool:
    try:
        with open(os.path.join(folder, "manifest.json"), encoding="utf8") as file:
            manifest = json.load(file)
        if manifest["version"] != 1 or manifest["step"] != step:
            return False
        if not all(_is_inside(file["path"]) for file in manifest["files"]):
            return False
        files = [(os.path.join(folder, "files", file["path"]), file) for file in manifest["files"]]
        # Sizes first: one that was cut short is found without reading gigabytes.
        return all(os.path.isfile(path) and os.path.getsize(path) == file["bytes"] for path, file in files) and all(
            _sha256(path) == file["sha256"] for path, file in files
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return False


def _is_inside(path: str) -> bool:
    return all(name not in ("", ".", "..") and "\0" not in name for name in path.split("/"))


def _sha256(path: str) -> str:
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for chunk in iter(lambda: file.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def _link_latest(root: str, step: int) -> None:
    fresh = os.path.join(root, "linking-%d" % os.getpid())
    latest = os.path.join(root, "latest")
    os.symlink("step-%d/files" % step, fresh)
    if os.path.isdir(latest) and not os.path.islink(latest):
        _remove(latest)
    os.replace(fresh, latest)


def _remove(path: str) -> None:
    """As far as it can be removed: what is left takes disk and harms nobody."""
    if os.path.islink(path):
        os.remove(path)
    else:
        shutil.rmtree(path, ignore_errors=True)


def _sync(path: str) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
