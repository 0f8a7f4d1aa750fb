"""Reads the models that r1 writes with Python transformers and compares what both compute.

Not part of `npm test`, because it needs PyTorch. To run it, from the root of a set-up clone:

    python3 -m venv /tmp/check && /tmp/check/bin/pip install torch transformers
    node dist/test/scripts/export-models.js /tmp/models
    /tmp/check/bin/python test/scripts/check_with_transformers.py /tmp/models

Models of a run are checked too, with their tokenizer and chat template, when they are named:

    r1 export all-scenario-rl:model /tmp/r1
    node dist/test/scripts/export-models.js /tmp/models /tmp/r1

A model folder without an `ours.json` is only loaded. Ends with an error when a logit differs by more than 1e-4, or a
token or a rendered conversation at all.
"""

import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedTokenizerFast


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
    if "rows" in expected:
        return check_given(folder, model, expected) and not problems
    with torch.no_grad():
        theirs = model(torch.tensor(expected["input_ids"])).logits
    wanted = torch.tensor(expected["scores" if is_score else "logits"]).reshape(theirs.shape)
    gap = (theirs - wanted).abs().max().item()
    print(f"{folder.name}: largest difference {gap:.2e} {problems or ''}")
    return gap < 1e-4 and not problems


def check_given(folder: pathlib.Path, model: torch.nn.Module, expected: dict) -> bool:
    """A model of a run: tokens, rendered conversations, logits of every row, greedy tokens."""
    # The class that the folder names. AutoTokenizer of transformers 5 overrules it for some model types.
    declared = json.loads((folder / "tokenizer_config.json").read_text()).get("tokenizer_class")
    loader = PreTrainedTokenizerFast if declared == "PreTrainedTokenizerFast" else AutoTokenizer
    tokenizer = loader.from_pretrained(folder)
    gap, tokens, agreed = 0.0, 0, True
    for text, row in zip(expected["texts"], expected["rows"], strict=True):
        agreed &= tokenizer(text, add_special_tokens=False)["input_ids"] == row["input_ids"]
        with torch.no_grad():
            theirs = model(torch.tensor([row["input_ids"]])).logits
        ours = torch.tensor(row["logits"]).reshape(theirs.shape)
        gap = max(gap, (theirs - ours).abs().max().item())
        agreed &= torch.equal(theirs.argmax(-1), ours.argmax(-1))
        tokens += len(row["input_ids"])
    for conversation, chat in zip(expected.get("conversations", []), expected.get("chats", []), strict=True):
        agreed &= tokenizer.apply_chat_template(conversation, tokenize=False, add_generation_prompt=True) == chat
    largest = f"largest difference {gap:.2e} over {tokens} tokens of {len(expected['rows'])} texts"
    automatic = AutoTokenizer.from_pretrained(folder)
    misread = [text for text in expected["texts"] if automatic(text)["input_ids"] != tokenizer(text)["input_ids"]]
    print(f"{folder.name}: {largest}, tokens and chats {'equal' if agreed else 'DIFFER'}")
    if misread:
        print(f"{folder.name}: AutoTokenizer reads {len(misread)} of the texts otherwise, as {type(automatic).__name__}")
    return gap < 1e-4 and agreed and not misread


def main() -> None:
    root = pathlib.Path(sys.argv[1])
    folders = sorted(path.parent for path in root.rglob("config.json"))
    if not folders:
        sys.exit(f"{root} holds no model")
    if not all([check(folder) for folder in folders]):
        sys.exit("some models differ")


if __name__ == "__main__":
    main()
