"""What r1 says to a program: the variables of its environment, and `job.json` in the job folder."""

from __future__ import annotations

import json
import os
from typing import Any, Dict, Mapping, Optional


class JobError(Exception):
    """Something that a person can put right; the text says how."""


class Context:
    """Read once, at the start. Outside of r1 there is no folder; the variables may be set by hand there.

    Attributes:
        folder: the job folder, or None outside of r1
        events: the file that events are appended to, or None
        checkpoints: the folder of checkpoints, or None where none are kept
        every: steps between checkpoints, or None where their cost decides
        params, inputs, outputs: what the node was given, by name; paths are absolute
        seed, threads, gpus: 0, 1 and 0 where nobody says otherwise
        rank: of this process among those that torchrun has started; 0 where there is one
    """

    def __init__(self, env: Mapping[str, str]) -> None:
        self.folder: Optional[str] = _job_folder(env)
        record = _record(self.folder)
        self.events: Optional[str] = env.get("R1_EVENTS") or self.inside("events.jsonl")
        self.checkpoints: Optional[str] = env.get("R1_CHECKPOINTS") or self.inside("checkpoints")
        self.every: Optional[int] = _whole(env, "R1_CHECKPOINT_EVERY", record.get("checkpointEvery"), least=1)
        self.params: Mapping[str, Any] = record.get("params", {})
        self.inputs: Mapping[str, Any] = self._absolute(record.get("inputs", {}))
        self.outputs: Mapping[str, str] = self._absolute(record.get("outputs", {}))
        self.seed: int = _whole(env, "R1_SEED", record.get("seed", 0)) or 0
        self.threads: int = _whole(env, "R1_THREADS", record.get("threads", 1), least=1) or 1
        self.gpus: int = _whole(env, "R1_GPUS", 0) or 0
        self.rank: int = _whole(env, "RANK", 0) or 0

    def inside(self, name: str) -> Optional[str]:
        """The path of something in the job folder."""
        return None if self.folder is None else os.path.join(self.folder, name)

    def _absolute(self, paths: Mapping[str, Any]) -> Dict[str, Any]:
        """With the job folder in front. An input that takes many has a record of paths."""
        return {
            name: self._absolute(path) if isinstance(path, dict) else os.path.join(self.folder or "", path)
            for name, path in paths.items()
        }


def say(text: str) -> None:
    """A line for whoever reads the log; in one piece, and from the handler of a signal as well."""
    try:
        os.write(2, ("r1job: %s\n" % text).encode("utf8", "backslashreplace"))
    except OSError:
        pass  # Nobody reads it.


def _job_folder(env: Mapping[str, str]) -> Optional[str]:
    folder = env.get("R1_JOB")
    if not folder:
        return None
    if not os.path.isdir(folder):
        raise JobError("R1_JOB names %s, which is no folder; r1 sets it for each job, so unset it here" % folder)
    return os.path.abspath(folder)


def _record(folder: Optional[str]) -> Dict[str, Any]:
    if folder is None:
        return {}
    file = os.path.join(folder, "job.json")
    try:
        with open(file, encoding="utf8") as opened:
            record = json.load(opened)
    except (OSError, ValueError) as error:
        raise JobError("%s cannot be read (%s); is R1_JOB the job folder that r1 has made?" % (file, error)) from error
    if not isinstance(record, dict) or record.get("version") != 1:
        raise JobError("%s is not of version 1; take the r1job that came with this r1" % file)
    return record


def _whole(env: Mapping[str, str], name: str, default: Optional[int], least: int = 0) -> Optional[int]:
    text = env.get(name)
    if not text:
        return default
    if not text.isascii() or not text.isdigit() or int(text) < least:
        raise JobError("%s is %r, not a whole number from %d up" % (name, text, least))
    return int(text)
