"""r1's job from a shell, or from any language that can start a program."""

from __future__ import annotations

import argparse
import os
import sys
from typing import List, Optional

if not __package__:
    # Started by its path. Then this folder is where modules are looked for, and one of them has the name of another package.
    sys.path[0] = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

from r1job import Job, JobError  # noqa: E402

NO = 1
WRONG = 2

CODES = """
exits with 0 when that is done, or the answer is yes; 1 when the answer is no; 2 when something is wrong, which stderr says.
Outside of a job of r1 (no R1_JOB) events go nowhere; R1_CHECKPOINTS=FOLDER names a place for checkpoints there.
Words that begin with “-” go after “--”:  r1job note -- "-- 5 --"
"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="r1job", description=__doc__, epilog=CODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, help: str) -> argparse.ArgumentParser:
        return commands.add_parser(name, help=help, description=help)

    progress = command("progress", "say how far the job is: step 5 of 10")
    progress.add_argument("step", type=float, metavar="STEP")
    progress.add_argument("total", type=float, metavar="TOTAL")
    progress.add_argument("--tokens", type=float, metavar="COUNT", help="that were processed so far")
    metric = command("metric", "add a point to a curve")
    metric.add_argument("name", metavar="NAME")
    metric.add_argument("step", type=int, metavar="STEP")
    metric.add_argument("value", type=float, metavar="VALUE", help="a number, nan or inf")
    note = command("note", "show people a line")
    note.add_argument("text", metavar="TEXT")
    checkpoint = command("checkpoint", "keep what is in a folder as the checkpoint after a step")
    checkpoint.add_argument("step", type=int, metavar="STEP")
    checkpoint.add_argument("folder", metavar="FOLDER")
    checkpoint.add_argument("--move", action="store_true", help="take the folder itself instead of a copy")
    latest = command("latest", "print the folder of the newest whole checkpoint, if there is one")
    latest.add_argument("--step", action="store_true", help="print its step instead")
    command("stopping", "ask whether r1 wants the job to stop")
    command("complete", "say that the outputs are written; nothing is to be said after it")
    return top


def run(words: argparse.Namespace) -> int:
    # A signal is for whoever called this; how that is told is the caller's affair.
    job = Job(listen=False)
    if words.command == "progress":
        job.progress(words.step, words.total, words.tokens)
    elif words.command == "metric":
        job.metric(words.name, words.step, words.value)
    elif words.command == "note":
        job.note(words.text)
    elif words.command == "checkpoint":
        if job.checkpoints is None:
            raise JobError("there is no place for checkpoints: name one by R1_CHECKPOINTS=FOLDER")
        job.checkpoint_folder(words.step, words.folder, move=words.move)
    elif words.command == "latest":
        if job.latest is None:
            return NO
        print(job.latest_step if words.step else job.latest)
    elif words.command == "stopping":
        return 0 if job.stopping else NO
    else:
        job.complete()
    return 0


def main(words: Optional[List[str]] = None) -> int:
    try:
        return run(parser().parse_args(words))
    except (JobError, ValueError, OSError) as error:
        print("r1job: %s" % error, file=sys.stderr)
        return WRONG


if __name__ == "__main__":
    sys.exit(main())
