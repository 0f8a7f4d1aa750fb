"""Scores choices with EleutherAI's lm-evaluation-harness, for test/stages/evaluation/choices.test.ts.

    python lm_eval_choices.py MODEL ROWS.jsonl none|chat

MODEL is a Hugging Face folder, a row has `stem`, `choices` and `gold` (the place of the right one). Prints a JSON list: for each row its
log-likelihoods, acc, acc_norm and acc_bytes. Needs torch, transformers and lm-eval (0.4.13); nothing is downloaded.
"""

import contextlib
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = os.environ["HF_DATASETS_OFFLINE"] = "1"

import torch  # noqa: E402
from lm_eval import simple_evaluate  # noqa: E402
from lm_eval.api.task import ConfigurableTask  # noqa: E402
from lm_eval.models.huggingface import HFLM  # noqa: E402
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast  # noqa: E402

folder, rows, template = sys.argv[1:]
with open(os.path.join(folder, "tokenizer_config.json")) as file:
    config = json.load(file)
text = lambda token: token["content"] if isinstance(token, dict) else token  # noqa: E731
tokenizer = PreTrainedTokenizerFast(
    tokenizer_file=os.path.join(folder, "tokenizer.json"),
    bos_token=text(config.get("bos_token")),
    eos_token=text(config.get("eos_token")),
    pad_token=text(config.get("eos_token")),
)
tokenizer.chat_template = config.get("chat_template")
model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
task = ConfigurableTask(
    config={
        "task": "choices",
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": rows}},
        "test_split": "test",
        "output_type": "multiple_choice",
        "doc_to_text": "stem",
        "doc_to_choice": "choices",
        "doc_to_target": "gold",
        "metric_list": [{"metric": name} for name in ("acc", "acc_norm", "acc_bytes")],
    }
)
with contextlib.redirect_stdout(sys.stderr):
    scored = simple_evaluate(
        model=HFLM(pretrained=model, tokenizer=tokenizer, device="cpu", batch_size=1),
        tasks=[task],
        num_fewshot=0,
        log_samples=True,
        apply_chat_template=template == "chat",
        bootstrap_iters=0,
    )
samples = sorted(scored["samples"]["choices"], key=lambda sample: sample["doc_id"])
print(
    json.dumps(
        [
            {
                "logLikelihoods": [round(float(response[0]), 6) for response in sample["filtered_resps"]],
                **{name: int(sample[name]) for name in ("acc", "acc_norm", "acc_bytes")},
            }
            for sample in samples
        ]
    )
)
