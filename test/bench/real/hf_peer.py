"""Python's transformers and TRL: `hf_peer.py FOLDER generate|update transformers|trl`, on two threads, in float32."""

import json
import os
import sys

import torch
import transformers
from contender import serve

folder, kind, library = sys.argv[1:4]
torch.set_num_threads(2)
torch.manual_seed(1)
transformers.logging.set_verbosity_error()
with open(os.path.join(folder, "task.json"), encoding="utf-8") as file:
    task = json.load(file)
model = transformers.AutoModelForCausalLM.from_pretrained(os.path.join(folder, "model"), dtype=torch.float32)
model.train(kind == "update")  # it has no dropout; TRL looks at it to know what it is asked for
prompts = torch.tensor(task["prompts"]).repeat_interleave(task["group"], 0)
new = task["newTokens"]


def generating():
    """Tokens that were drawn, sampled from all of the vocabulary."""
    config = transformers.GenerationConfig(
        do_sample=True, temperature=1.0, top_k=0, top_p=1.0, max_new_tokens=new, min_new_tokens=new, pad_token_id=0
    )
    model.generation_config = config

    @torch.inference_mode()
    def step():
        rows = model.generate(prompts, attention_mask=torch.ones_like(prompts), generation_config=config)
        if rows.shape[1] != prompts.shape[1] + new:
            raise RuntimeError(f"rows of {rows.shape[1]} tokens were drawn")
        return float(rows.numel() - prompts.numel())

    return step


completions = torch.tensor(task["completions"])
advantages = torch.tensor(task["advantages"])
settings = task["update"]


def log_probs(rows, tokens):
    """Of each token of the completions. The hidden states of prompts meet no vocabulary."""
    logits = model(rows, logits_to_keep=new + 1).logits[:, :-1]
    return torch.log_softmax(logits, -1).gather(2, tokens[..., None])[..., 0]


def now_of(part):
    tokens = completions[part]
    return log_probs(torch.cat([prompts[part], tokens], 1), tokens)


rows = settings["rows"]
parts = [slice(at, at + rows) for at in range(0, len(completions), rows)] if kind == "update" else []
with torch.no_grad():
    old = [now_of(part) for part in parts]


def plain_loss(at):
    """GRPO's, as DeepSeekMath has it: each response's mean, then over responses."""
    part = parts[at]
    ratio = torch.exp(now_of(part) - old[at])
    gain = advantages[part, None]
    clipped = torch.clamp(ratio, 1 - settings["clip"], 1 + settings["clip"])
    return -torch.minimum(ratio * gain, clipped * gain).mean(1).sum() / len(completions)


def trl_loss():
    """The loss of TRL's trainer, which is made for this model and never asked to train by itself."""
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from trl import GRPOConfig, GRPOTrainer

    arguments = GRPOConfig(
        output_dir=os.path.join(folder, "trl"),
        use_cpu=True,
        bf16=False,
        gradient_checkpointing=False,
        per_device_train_batch_size=settings["rows"],
        num_generations=task["group"],
        max_completion_length=new,
        beta=0.0,
        epsilon=settings["clip"],
        loss_type="grpo",
        temperature=1.0,
        report_to=[],
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = GRPOTrainer(
        model=model,
        args=arguments,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        # Never read. With a fingerprint of its own, as hashing one takes packages that fit each other.
        train_dataset=Dataset(InMemoryTable.from_pydict({"prompt": ["x"] * 8}), fingerprint="bench"),
        processing_class=transformers.AutoTokenizer.from_pretrained(os.path.join(folder, "model")),
    )
    # What it would do at the beginning of a training, as far as the loss looks at it.
    trainer.current_gradient_accumulation_steps = len(completions) // settings["rows"]
    ones = torch.ones_like

    def loss(at):
        part = parts[at]
        inputs = {
            "prompt_ids": prompts[part],
            "prompt_mask": ones(prompts[part]),
            "completion_ids": completions[part],
            "completion_mask": ones(completions[part]),
            "advantages": advantages[part],
            "old_per_token_logps": old[at],
            "num_items_in_batch": torch.tensor(completions.numel()),
        }
        return trainer.compute_loss(model, inputs)

    return loss


def updating():
    """The norm of the gradient of an update of all rows, in micro-batches."""
    loss_of = trl_loss() if library == "trl" else plain_loss
    weights = list(model.parameters())
    adamw = torch.optim.AdamW(
        weights,
        settings["learningRate"],
        (settings["beta1"], settings["beta2"]),
        settings["epsilon"],
        weight_decay=0.0,
        fused=True,
    )

    def step():
        adamw.zero_grad()
        for at in range(len(parts)):
            loss_of(at).backward()
        norm = torch.nn.utils.clip_grad_norm_(weights, settings["maxNorm"])
        adamw.step()
        return norm.item()

    return step


version = transformers.__version__
if library == "trl":
    import trl

    version = f"{trl.__version__}, transformers {version}"
serve(version, generating() if kind == "generate" else updating(), 1)
