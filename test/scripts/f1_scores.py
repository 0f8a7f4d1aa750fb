"""F1 of short answers by others' code, for test/stages/tasks/drop.test.ts: SQuAD's by torchmetrics, DROP's by lm-eval.

    python f1_scores.py < PAIRS.json

PAIRS is a list of {"given": [span, …], "references": [[span, …], …]}. Prints a JSON list of {"squad": …, "drop": …}: the first spans under
SQuAD's F1, best over references, and the mean over aligned bags that lm-eval rounds to two decimals. Needs torchmetrics, lm-eval, scipy.
"""

import json
import sys

import numpy as np
from lm_eval.tasks.drop import utils
from torchmetrics.functional.text import squad

scores = []
for pair in json.load(sys.stdin):
    given, references = pair["given"], pair["references"]
    by_squad = squad(
        [{"prediction_text": given[0], "id": "0"}],
        [{"answers": {"answer_start": [0] * len(references), "text": [spans[0] for spans in references]}, "id": "0"}],
    )
    aligned = [
        float(np.mean(utils._align_bags(utils._answer_to_bags(given)[1], utils._answer_to_bags(spans)[1])))
        for spans in references
    ]
    rounded = utils.process_results({"answers": [tuple(spans) for spans in references]}, given)["f1"]
    assert abs(max(aligned) - rounded) <= 0.005 + 1e-9
    scores.append({"squad": float(by_squad["f1"]) / 100, "drop": max(aligned)})
print(json.dumps(scores))
