"""Compares answers, each in a process of its own, under limits of time and memory.

Reads JSON lines and writes JSON lines: {"id", "reference", "given", "percent"} → {"id", "outcome", "why"}, in the order in which they
are done. Without "given" the reference alone is read: `right` where that is possible. With "whole", "given" is a whole reply, of which
Math-Verify finds the answer; it is told as "read". This process has loaded Math-Verify and
answers nothing itself: a fork of it makes one comparison and ends, so that no comparison sees what another has left behind, and one
that is killed costs nothing but a fork.

    python serve.py PROCESSES CPU_SECONDS WALL_SECONDS MEMORY_MIB
"""

import ctypes
import gc
import json
import logging
import os
import random
import resource
import select
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


def end_with(parent):
    """This process ends when its parent does, however that ends; at once where it has ended already."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


PR_SET_PDEATHSIG = 1
end_with(os.getppid())  # Loading takes seconds, in which nobody reads from the pipe that is closed then.

import judge
import sympy.core.random

PROCESSES, CPU, WALL, MEMORY = int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]) * 2**20
PAGE = resource.getpagesize()
OWN = os.getpid()
LOOK_EVERY = 0.02  # seconds between looks at memory and clock, while something runs

logging.disable(logging.CRITICAL)


def outcome_of(request):
    try:
        golds = judge.read(request["reference"])
    except judge.Unparsable as error:
        if "given" in request and judge.plain(request["reference"]) == judge.plain(request["given"]):
            return "right", None
        return "reference", str(error)
    if "given" not in request:
        return "right", None
    return judge.compare(request["reference"], request["given"], golds, request.get("percent", False))


def answer_of(request):
    """(outcome, why, what was read of a whole reply)"""
    if not request.get("whole"):
        return *outcome_of(request), None
    try:
        read = judge.extracted(request["given"])
    except judge.Unparsable as error:
        return "unparsable", str(error), None
    return *outcome_of({**request, "given": read}), read


def compare(request, out):
    """In the fork: makes one comparison and ends."""
    end_with(OWN)
    # SymPy tries expressions at points that it draws; other points may take another way, and longer.
    random.seed(0)
    sympy.core.random.seed(0)
    # The default action ends the process, in the middle of a long multiplication as well.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_PROF, CPU)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        said = answer_of(request)
    except RecursionError:
        said = "unparsable", "nested too deeply", None
    except MemoryError:
        said = "timed-out", "memory", None
    except Exception as error:
        # What Math-Verify cannot compare is not equal to anything.
        said = "unparsable", f"Math-Verify failed: {type(error).__name__}", None
    os.write(out, json.dumps(said).encode())
    os._exit(0)


def verdict_of(text, status, killed):
    if killed is not None:
        return ["timed-out", killed, None]
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) == signal.SIGPROF:
            return ["timed-out", f"{CPU:g} s of processor time", None]
        return ["unparsable", f"Math-Verify ended by signal {os.WTERMSIG(status)}", None]
    return json.loads(text)


def ticks_of(pid):
    """Processor time so far, in the kernel's ticks."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
            return int(fields[11]) + int(fields[12])
    except (OSError, ValueError, IndexError):
        return 0


def memory_of(pid):
    try:
        with open(f"/proc/{pid}/statm") as file:
            return int(file.read().split()[1]) * PAGE
    except (OSError, ValueError, IndexError):
        return 0  # It has ended, or there is no such file: time is limited all the same.


def warm_up():
    """What SymPy loads on first use, so that no fork has to."""
    for reference, given in [("\\frac{1}{3}", "$0.5$"), ("$x^2+1$", "$(x+1)^2$"), ("$(0,1)$", "$[0,1]$"), ("$\\{1,2\\}$", "$\\{1,3\\}$"),
                             ("$x>1$", "$x<1$"), ("$y=2x$", "$y=3x$"), ("\\sqrt{2}+\\sqrt{3}", "\\sqrt{5}"), ("$\\begin{pmatrix}1\\\\2\\end{pmatrix}$", "$\\begin{pmatrix}2\\\\1\\end{pmatrix}$")]:
        outcome_of({"reference": reference, "given": given})


def main():
    warm_up()
    gc.collect()
    gc.freeze()
    print(json.dumps({"ready": True}), flush=True)
    waiting, running, buffer = [], {}, b""
    while True:
        while waiting and len(running) < PROCESSES:
            request = waiting.pop(0)
            inside, outside = os.pipe()
            pid = os.fork()
            if pid == 0:
                os.close(inside)
                compare(request, outside)
            os.close(outside)
            running[inside] = {"id": request["id"], "pid": pid, "since": time.monotonic(), "text": b"", "killed": None, "ticks": 0}
        ready, _, _ = select.select([0, *running], [], [], LOOK_EVERY if running else None)
        for source in ready:
            if source == 0:
                chunk = os.read(0, 1 << 16)
                if chunk == b"":
                    os._exit(0)  # Whoever asked is gone; what runs here ends with this process.
                *lines, buffer = (buffer + chunk).split(b"\n")
                waiting += [json.loads(line) for line in lines if line]
                continue
            one = running[source]
            chunk = os.read(source, 1 << 16)
            one["text"] += chunk
            if chunk == b"":
                os.close(source)
                del running[source]
                _, status = os.waitpid(one["pid"], 0)
                outcome, why, read = verdict_of(one["text"], status, one["killed"])
                print(json.dumps({"id": one["id"], "outcome": outcome, "why": why, "read": read}), flush=True)
        for one in running.values():
            # One that computes is ended by its processor time, however long it has to wait for a busy machine.
            ticks = ticks_of(one["pid"])
            if ticks > one["ticks"]:
                one["ticks"], one["since"] = ticks, time.monotonic()
            late = time.monotonic() - one["since"] > WALL
            if one["killed"] is None and (late or memory_of(one["pid"]) > MEMORY):
                one["killed"] = f"{WALL:g} s without computing" if late else f"{MEMORY // 2**20} MiB of memory"
                os.kill(one["pid"], signal.SIGKILL)


main()
