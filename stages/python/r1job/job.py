"""The job that a program works in: its events, its checkpoints, and the wish that it stops."""

from __future__ import annotations

import json
import math
import operator
import os
import re
import shutil
import signal
import threading
import time
from typing import Any, Callable, Dict, Optional, Tuple

from .checkpoints import keep, newest
from .context import Context, JobError, say

#: EX_TEMPFAIL: exit with it to be tried again from the newest checkpoint. It is right after a stop, too: where r1 asked for the
#: stop it takes any code for that, and where somebody else did the job goes on later instead of having failed.
TRY_AGAIN = 75

# Without an interval a checkpoint is due once this many times its cost has passed, and at least so many seconds.
WORK_PER_COST = 20
LEAST_SECONDS = 5

MOST_STEP = 2**53 - 1  # what every reader of JSON reads exactly
MOST_NAME = 200  # of a metric, in the units of JavaScript
MOST_NOTE = 10_000  # characters; r1 shows the first thousand
# What a terminal would obey, what ends a line for some readers, half a character, what changes the direction of writing.
UNFIT = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029]")

SIGNALS = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1")
# Seconds: one Ctrl-C may arrive twice, from the terminal and from whoever started this process.
SECOND_INTERRUPT = 1.0


class Job(Context):
    """Make one, at the start, in the main thread of the main process.

    From then on SIGTERM, SIGINT, SIGHUP and SIGUSR1 are taken as the wish that it stops (`stopping`) and do not end it; only a
    second Ctrl-C does. Of several processes, each makes its own: all of them can read, rank 0 alone writes events and checkpoints.

    Where r1 does not run the program, events go nowhere, and checkpoints into the folder that is named here.
    """

    def __init__(self, checkpoints: Optional[str] = None, *, rank: Optional[int] = None, listen: bool = True) -> None:
        """
        Args:
            checkpoints: where to keep checkpoints outside of r1; inside, r1 says where
            rank: of this process, where RANK does not say it
            listen: False leaves all signals alone; the job folder is looked at all the same
        """
        super().__init__(os.environ)
        self.checkpoints = self.checkpoints or checkpoints
        self.rank = self.rank if rank is None else rank
        self._asked = False
        self._interrupted: Optional[float] = None
        self._pid = os.getpid()
        self._before: Dict[int, Any] = {}
        self._saving = threading.Lock()
        self._last_end = time.monotonic()
        self._last_cost = 0.0
        self._latest: Optional[Tuple[int, str]] = None
        self._has_looked = False
        self._is_torn = False
        self._is_complete = False
        self._file: Optional[int] = None
        if self.events is not None and self.rank == 0:
            # What one call appends stays in one piece, whoever else writes: threads, and processes that were forked.
            self._file = os.open(self.events, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o666)
        if listen:
            self._listen()

    # Events

    def progress(self, step: float, total: float, tokens: Optional[float] = None) -> None:
        """Step 20 of 50. `tokens` counts all that were processed so far and yields tokens per second."""
        more = {} if tokens is None else {"tokens": _amount("tokens", tokens)}
        self._report({"type": "progress", "step": _amount("step", step), "total": _amount("total", total), **more})

    def metric(self, name: str, step: int, value: float) -> None:
        """One point of a curve; it may be NaN or infinite. The same name and step again, after a resume, replace it."""
        if not isinstance(name, str) or not 0 < len(name.encode("utf-16-le", "surrogatepass")) // 2 <= MOST_NAME:
            raise ValueError("the name of a metric is a text of 1 to %d characters, not %r" % (MOST_NAME, name))
        if UNFIT.search(name):
            raise ValueError("the name of a metric holds a control character: %r" % name)
        self._report({"type": "metric", "name": name, "step": _step(step), "value": _number(float(value))})

    def note(self, text: str) -> None:
        """A line for people, shown while the job runs."""
        self._report({"type": "note", "text": str(text)[:MOST_NOTE]})

    def complete(self) -> None:
        """Says that the outputs are written and this is done, whatever it is asked from now on. Nothing is reported after it.

        Call it last. A program that exits with 0 after it was asked to stop has finished for r1 only if it has said so, since
        many exit with 0 in the middle of their work.
        """
        self._report({"type": "complete", "version": 1}, is_needed=True)
        self._is_complete = True

    def _report(self, event: Dict[str, Any], is_needed: bool = False) -> None:
        if self._file is None or self._is_complete:
            return
        line = json.dumps({**event, "at": int(time.time() * 1000)}) + "\n"
        if self._is_torn:
            # What was begun before it and not finished is to spoil no other line.
            line = "\n" + line
        try:
            written = os.write(self._file, line.encode("ascii"))
            self._is_torn = written < len(line)
            problem = "only a part of it fitted on the disk" if self._is_torn else None
        except OSError as error:
            problem = str(error)
        if problem is None:
            return
        if is_needed:
            raise JobError("that the job is complete could not be written to %s: %s" % (self.events, problem))
        # No line is worth days of training. If it is the disk, the next checkpoint says so.
        say("an event is lost: %s" % problem)

    # Stopping

    @property
    def stopping(self) -> bool:
        """Whether this is to stop: after a signal, or by the `stop.json` that r1 writes before it sends one. Costs microseconds."""
        stop = self.inside("stop.json")
        if not self._asked and stop is not None:
            self._asked = os.path.exists(stop)
        return self._asked

    def _listen(self) -> None:
        # Python hears signals in the main thread alone; elsewhere stop.json has to do.
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (getattr(signal, name) for name in SIGNALS):
            # `nohup` has SIGHUP ignored, and a shell SIGINT of what runs in the background; so it is to stay.
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._hear)

    def _hear(self, number: int, _frame: Any) -> None:
        if os.getpid() != self._pid:
            # A data worker that was forked has this handler, too; whoever sends it a signal wants its end.
            signal.signal(number, self._before[number] or signal.SIG_DFL)
            os.kill(os.getpid(), number)
            return
        again = ""
        if number == signal.SIGINT:
            now = time.monotonic()
            if self._interrupted is not None and now - self._interrupted > SECOND_INTERRUPT:
                raise KeyboardInterrupt
            self._interrupted = self._interrupted or now
            again = "; Ctrl-C once more ends it at once"
        if not self._asked and self.rank == 0:
            say("asked to stop by %s%s" % (signal.Signals(number).name, again))
        self._asked = True

    # Checkpoints

    def due(self, step: int) -> bool:
        """Whether a checkpoint is to be written after `step`, counted from 1: the interval is up, or a stop was asked for.

        Processes that train together may get different answers, as each has its own clock: ask in rank 0 and tell the others.
        """
        if self.stopping:
            return True
        if self.every is not None:
            return step % self.every == 0
        return time.monotonic() - self._last_end >= max(LEAST_SECONDS, WORK_PER_COST * self._last_cost)

    def checkpoint(self, step: int, write: Callable[[str], Any]) -> None:
        """Has `write` fill an empty folder and keeps it as the checkpoint after `step`; it is there whole or not at all.

        The state has to be all that is needed to go on as if nothing had happened, random numbers included. In ranks other than 0,
        and where no checkpoints are kept, `write` is not called.
        """
        step = _step(step)
        if self.checkpoints is None or self.rank != 0:
            return
        with self._saving:
            began = time.monotonic()
            keep(self.checkpoints, step, write)
            self._has_looked = False
            self._last_end = time.monotonic()
            self._last_cost = self._last_end - began
            self._report({"type": "checkpoint", "step": step, "ms": round(self._last_cost * 1000)})

    def checkpoint_folder(self, step: int, source: str, move: bool = False) -> None:
        """Keeps what a trainer has written to a folder of its own as the checkpoint after `step`.

        With `move` that folder is gone afterwards; on one disk nothing has to be copied then.
        """
        if self.rank == 0 and not os.path.isdir(source):
            raise JobError("there is no folder %s to make a checkpoint of" % source)

        def write(folder: str) -> None:
            if not move:
                shutil.copytree(source, folder, dirs_exist_ok=True)
                return
            for name in os.listdir(source):
                shutil.move(os.path.join(source, name), os.path.join(folder, name))
            os.rmdir(source)

        self.checkpoint(step, write)

    @property
    def latest(self) -> Optional[str]:
        """The folder of the newest whole checkpoint, to be read only; None on a fresh start.

        The first look reads all of it, to see that it is what was written. It goes once two newer ones have been written.
        """
        found = self._newest()
        return None if found is None else found[1]

    @property
    def latest_step(self) -> Optional[int]:
        """The step after which `latest` was written; None on a fresh start."""
        found = self._newest()
        return None if found is None else found[0]

    def _newest(self) -> Optional[Tuple[int, str]]:
        if not self._has_looked:
            self._latest = None if self.checkpoints is None else newest(self.checkpoints)
            self._has_looked = True
        return self._latest


def _step(step: Any) -> int:
    """Whole numbers of any kind, those of numpy too."""
    try:
        whole = operator.index(step)
    except TypeError:
        raise TypeError("a step is a whole number, not %r" % (step,)) from None
    if not 0 <= whole <= MOST_STEP:
        raise ValueError("a step is a whole number from 0 up, not %r" % (step,))
    return whole


def _amount(what: str, value: Any) -> float:
    try:
        amount: float = operator.index(value)
    except TypeError:
        amount = float(value)
    if not 0 <= amount <= MOST_STEP:
        raise ValueError("%s has to be a number from 0 up, not %r" % (what, value))
    return amount


def _number(value: float) -> Any:
    """JSON has no word for three of them, and r1 reads these."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
