"""A trainer without a library: its model is a number, and each step adds to it what the step before has left."""

import json
import os
import sys

sys.path.insert(0, os.environ["R1_TEST_TRL_CODE"])
from client import Stage

stage = Stage()
with open(sys.argv[1], encoding="utf8") as file:
    spec = json.load(file)
if spec.get("fails") == "before":
    stage.ask("failure", message="RuntimeError: nothing works")
    sys.exit(1)
state = {"step": 0, "weight": 1.0}
if spec["resume"] is not None:
    with open(os.path.join(spec["resume"], "state.json")) as file:
        state = json.load(file)
is_stopped = is_end = False
while state["step"] < spec["steps"] and not is_stopped and not is_end:
    step = state["step"] = state["step"] + 1
    state["weight"] += state["weight"] / (step + spec["seed"])
    if spec.get("killedAt") == step:
        os.kill(os.getpid(), 9)
    if spec.get("exitsAt") == step:
        sys.exit(3)
    answer = stage.ask("step", step=step)
    is_end = answer["end"]
    if spec.get("silentAt") != step:
        stage.ask("logged", step=step, logs={"loss": float("nan") if spec.get("nanAt") == step else 1 / step, "own": state["weight"]})
    if answer["checkpoint"]:
        folder = os.path.join(spec["work"], f"checkpoint-{step}")
        os.makedirs(folder)
        with open(os.path.join(folder, "state.json"), "w") as file:
            json.dump(state, file)
        is_stopped = stage.ask("checkpoint", step=step, folder=folder)["stop"]
if not is_stopped and spec.get("fails") != "model":
    os.makedirs(spec["model"])
    with open(os.path.join(spec["model"], "weight"), "w") as file:
        file.write(repr(state["weight"]))
