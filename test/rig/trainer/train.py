"""A trainer without a framework: a linear model, gradients by hand, and a second process that makes the batches.

It behaves as real ones do. It is slow, its state depends on every step before, it cannot go on when its data worker dies, and that
worker does not end by itself when nobody listens to it any more. R1_TEST_TRACE names a file that each step is noted in.
"""
import json
import os
import random
import subprocess
import sys
import time

WIDTH = 4
ROWS = 8
RATE = 0.05
MOMENTUM = 0.9


def serve_batches(seed):
    """The data worker: for each number of a step that it reads, the rows of that step."""
    for line in sys.stdin:
        draw = random.Random("%s/%s" % (seed, line.strip()))
        rows = [[draw.gauss(0, 1) for _ in range(WIDTH)] for _ in range(ROWS)]
        print(json.dumps([[row, sum(row) + draw.gauss(0, 0.1)] for row in rows]), flush=True)
    time.sleep(600)


def train_step(state, batch):
    errors = [sum(w * x for w, x in zip(state["weights"], row)) - target for row, target in batch]
    for i in range(WIDTH):
        gradient = sum(2 * error * row[i] for error, (row, _) in zip(errors, batch)) / ROWS
        state["moments"][i] = MOMENTUM * state["moments"][i] + gradient
        state["weights"][i] -= RATE * state["moments"][i]
    return sum(error * error for error in errors) / ROWS


def main(helper):
    # The helper is a package; what is named is a file of it.
    sys.path.insert(0, os.path.dirname(os.path.dirname(helper)))
    import r1job

    job = r1job.Job()
    steps = job.params["steps"]
    state = {"step": 0, "weights": [0.0] * WIDTH, "moments": [0.0] * WIDTH, "losses": []}
    if "base" in job.inputs:
        with open(os.path.join(job.inputs["base"], "weights.json")) as file:
            state["weights"] = json.load(file)
    if job.latest:
        with open(os.path.join(job.latest, "trainer", "state.json")) as file:
            state = json.load(file)
        job.note("goes on behind step %d" % job.latest_step)

    def save(folder):
        os.mkdir(os.path.join(folder, "trainer"))
        with open(os.path.join(folder, "trainer", "state.json"), "w") as file:
            json.dump(state, file)

    worker = subprocess.Popen([sys.executable, __file__, "worker", str(job.seed)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        while state["step"] < steps:
            step = state["step"] + 1
            try:
                print(step, file=worker.stdin, flush=True)
                batch = json.loads(worker.stdout.readline())
            except (OSError, ValueError):
                sys.exit(r1job.TRY_AGAIN)  # its worker has died
            trace = os.environ.get("R1_TEST_TRACE")
            if trace:
                with open(trace, "a") as file:
                    file.write("%d %s %d\n" % (os.getpid(), job.params["name"], step))
            state["losses"].append(train_step(state, batch))
            state["step"] = step
            job.progress(step, steps, tokens=step * ROWS)
            job.metric("loss", step, state["losses"][-1])
            if job.due(step):
                job.checkpoint(step, save)
                if job.stopping:
                    sys.exit(r1job.TRY_AGAIN)
            time.sleep(job.params["ms"] / 1000)
    finally:
        worker.kill()
        worker.wait()
    for port, name, lines in (
        ("model", "weights.json", [state["weights"]]),
        ("history", "rows.jsonl", [{"id": "step-%d" % (i + 1), "loss": loss} for i, loss in enumerate(state["losses"])]),
    ):
        os.makedirs(job.outputs[port])
        with open(os.path.join(job.outputs[port], name), "w") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    job.complete()


if sys.argv[1] == "worker":
    serve_batches(sys.argv[2])
else:
    main(sys.argv[1])
