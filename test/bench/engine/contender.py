"""What the Python contenders share: the task that they are given, and one repeat whenever they are told to go.

A contender is started with the folder of a task, its kind (train, generate or matmul) and its threads. It answers each
line of its input with one line of JSON, and ends where the input ends.
"""

import json
import os
import sys
import time


class Task:
    """The model, its weights and the batch, as `task.ts` wrote them."""

    def __init__(self, folder):
        with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
            task = json.load(file)
        self.config = task["config"]
        self.shapes = task["shapes"]
        self.tokens = task["tokens"]
        self.prompts = task["prompts"]
        self.group = task["group"]
        self.new_tokens = task["newTokens"]
        self.optimizer = task["optimizer"]
        self._file = os.path.join(folder, "weights.f32")

    def weights(self):
        """Name → array. Mapped from the file, so that reading them counts as nobody's memory."""
        import numpy

        values = numpy.memmap(self._file, dtype="<f4", mode="r")
        at = 0
        weights = {}
        for name, shape in self.shapes:
            size = int(numpy.prod(shape))
            weights[name] = values[at : at + size].reshape(shape)
            at += size
        return weights

    def rotation(self, positions):
        """Cosines and sines of every position for half a head: (positions, headDim / 2) each."""
        import numpy

        half = self.config["headDim"] // 2
        frequencies = self.config["ropeTheta"] ** (-numpy.arange(half) / half)
        angles = numpy.outer(numpy.arange(positions), frequencies).astype(numpy.float32)
        return numpy.cos(angles), numpy.sin(angles)


def resident(field):
    """A figure of this process from the kernel, in MiB."""
    with open("/proc/self/status", encoding="ascii") as status:
        for line in status:
            if line.startswith(field + ":"):
                return int(line.split()[1]) / 1024
    raise RuntimeError(f"/proc/self/status has no {field}")


def forget_peak():
    """The peak of resident memory counts from here on."""
    with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
        file.write("5")


def serve(version, step, steps_per_call):
    """Answers what the benchmark asks.

    `step` makes `steps_per_call` steps and returns a number that shows what it computed, such as the loss.
    """

    def timed():
        begun = time.perf_counter()
        value = step()
        return value, (time.perf_counter() - begun) * 1e3

    for line in sys.stdin:
        asked = line.split()
        if asked[0] == "start":
            value, first = timed()
            second, later = timed()
            answer = {"version": version, "values": [value, second], "firstMs": first, "laterMs": later}
        elif asked[0] == "go":
            calls = int(asked[1])
            answer = {"ms": sum(timed()[1] for _ in range(calls)) / calls / steps_per_call}
        elif asked[0] == "memory":
            before = resident("VmRSS")
            forget_peak()
            for _ in range(2):
                step()
            answer = {"beforeMiB": before, "peakMiB": resident("VmHWM")}
        else:
            raise RuntimeError(f"nobody told me what “{line.strip()}” means")
        print(json.dumps(answer), flush=True)
