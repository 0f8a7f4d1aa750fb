"""Reads the models that r1 writes with Python transformers and compares what both compute.

Not part of `npm test`, because it needs PyTorch. To run it, from the root of a set-up clone:

    python3 -m venv /tmp/check && /tmp/check/bin/pip install torch transformers
    node dist/test/scripts/export-models.js /tmp/models
    /tmp/check/bin/python test/scripts/check_with_transformers.py /tmp/models

Also takes any model folder of a run (without an `ours.json` it is only loaded). Ends with an error when a logit differs
by more than 1e-4.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification


def check(folder: pathlib.Path) -> bool:
    config = json.loads((folder / "config.json").read_text())
    is_score = config["architectures"][0].endswith("ForSequenceClassification")
    loader = AutoModelForSequenceClassification if is_score else AutoModelForCausalLM
    model, report = loader.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    model.eval()
    problems = {key: sorted(report[key]) for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]}
    ours = folder / "ours.json"
    if not ours.exists():
        print(f"{folder.name}: loaded {sum(p.numel() for p in model.parameters())} parameters {problems or ''}")
        return not problems
    expected = json.loads(ours.read_text())
    with torch.no_grad():
        theirs = model(torch.tensor(expected["input_ids"])).logits
    wanted = torch.tensor(expected["scores" if is_score else "logits"]).reshape(theirs.shape)
    gap = (theirs - wanted).abs().max().item()
    print(f"{folder.name}: largest difference {gap:.2e} {problems or ''}")
    return gap < 1e-4 and not problems


def main() -> None:
    root = pathlib.Path(sys.argv[1])
    folders = sorted(path.parent for path in root.rglob("config.json"))
    if not folders:
        sys.exit(f"{root} holds no model")
    if not all([check(folder) for folder in folders]):
        sys.exit("some models differ")


if __name__ == "__main__":
    main()
