"""Small checkpoints with random weights, and what Python's transformers computes with each of them.

    python checkpoints.py fixtures FOLDER [NAME…]    the checkpoints of test/fixtures/hf; llama-tiny and qwen2-tiny there are older
    python checkpoints.py draw FOLDER SEED COUNT     checkpoints with configs drawn at random
    python checkpoints.py check FOLDER               whether each FOLDER/*/back, which r1 wrote, is the same model

Each checkpoint is a Hugging Face folder with an `expected.json` beside the weights: logits, greedy tokens, loss and the
norm of each gradient, in float32 on a CPU. `test/stages/model/families.test.ts` compares them with what r1 computes. A
config is written as people have them, with fields left out and in old and new spellings, and read by transformers
itself, so that what it means is transformers' word. Needs torch, transformers and safetensors; made with
transformers 5.24.
"""

import json
import pathlib
import random
import sys

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

NAMES = {"llama": "Llama", "mistral": "Mistral", "qwen2": "Qwen2", "qwen3": "Qwen3"}


def rounded(values: torch.Tensor):
    """Nine digits say all that a float32 does."""

    def each(value):
        return [each(one) for one in value] if isinstance(value, list) else float(f"{value:.9g}")

    return each(values.detach().tolist())


def loader(config: dict):
    score = config["architectures"][0].endswith("ForSequenceClassification")
    return AutoModelForSequenceClassification if score else AutoModelForCausalLM


def write(folder: pathlib.Path, config: dict, rows: int, length: int, prompt: int, new: int, seed: int) -> None:
    """Draws the weights of a config, and saves them with what is computed."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config, indent=2) + "\n")
    torch.manual_seed(seed)
    parsed = AutoConfig.from_pretrained(folder)
    model = loader(config).from_config(parsed).float()
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn_like(parameter)
            if name.endswith("norm.weight"):
                parameter.copy_(1 + 0.3 * noise)
            elif name.endswith(".bias"):
                parameter.copy_(0.3 * noise)
            elif "embed_tokens" in name:
                parameter.copy_(noise * (parameter.shape[1] ** -0.5 if config.get("tie_word_embeddings") else 0.7))
            else:
                # Rows of about unit length: attention looks at some tokens more than at others, and every term shows.
                parameter.copy_(noise * parameter.shape[1] ** -0.5)
    tied = bool(parsed.tie_word_embeddings)
    tensors = {k: v.contiguous() for k, v in model.state_dict().items() if not (tied and k == "lm_head.weight")}
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})

    model = loader(config).from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    generator = torch.Generator().manual_seed(seed)
    ids = torch.randint(3, config["vocab_size"], (rows, length), generator=generator)
    expected = {"input_ids": ids.tolist()}
    if loader(config) is AutoModelForCausalLM:
        with torch.no_grad():
            expected["logits"] = rounded(model(ids).logits)
            given = torch.randint(3, config["vocab_size"], (2, prompt), generator=generator)
            made = given
            for _ in range(new):
                made = torch.cat([made, model(made).logits[:, -1:].argmax(-1)], 1)
            expected |= {"greedy_prompt": given.tolist(), "greedy_tokens": made[:, prompt:].tolist()}
        loss = model(ids, labels=ids).loss
    else:
        scores = model(ids).logits.reshape(-1)
        expected["scores"] = rounded(scores)
        loss = torch.nn.functional.softplus(scores[1::2] - scores[0::2]).mean()
    loss.backward()
    expected["loss"] = float(f"{float(loss):.9g}")
    expected["grad_norms"] = {n: float(f"{float(p.grad.norm()):.9g}") for n, p in model.named_parameters()}
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


def base(family: str, **fields) -> dict:
    config = {
        "architectures": [NAMES[family] + "ForCausalLM"],
        "model_type": family,
        "vocab_size": 31,
        "hidden_size": 20,
        "intermediate_size": 28,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 8,
        "max_position_embeddings": 64,
        "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0,
        "tie_word_embeddings": False,
        "hidden_act": "silu",
        "initializer_range": 0.02,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "torch_dtype": "float32",
    } | fields
    return {key: value for key, value in config.items() if value != "absent"}


YARN = {"type": "yarn", "factor": 4.0, "original_max_position_embeddings": 12}
FIXTURES = {
    "qwen3-untied": base("qwen3", rope_theta=1000000.0, use_sliding_window=False, sliding_window=None),
    "qwen3-yarn-tied": base("qwen3", tie_word_embeddings=True, attention_bias=True, rope_scaling=YARN),
    "mistral": base("mistral", num_attention_heads=6, num_key_value_heads=1, sliding_window=None),
    "llama-linear-biased": base(
        "llama", attention_bias=True, mlp_bias=True, rope_scaling={"type": "linear", "factor": 4.0}
    ),
    "llama-llama3": base(
        "llama",
        head_dim="absent",
        tie_word_embeddings=True,
        hidden_size=32,
        rope_theta="absent",
        rope_parameters={
            "rope_type": "llama3",
            "rope_theta": 50.0,
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 16,
        },
    ),
    "qwen2-yarn": base(
        "qwen2",
        hidden_size=32,
        head_dim="absent",
        rope_scaling={
            "rope_type": "yarn",
            "factor": 6.0,
            "original_max_position_embeddings": 10,
            "beta_fast": 4,
            "beta_slow": 0.5,
            "mscale": 1.2,
            "mscale_all_dim": 0.7,
            "truncate": False,
        },
    ),
}


def rope(draw: random.Random, positions: int, theta: float | None) -> dict:
    """The fields that describe the rotation, in one of the spellings there are."""
    kind = draw.choice(["default", "default", "linear", "llama3", "yarn", "yarn"])
    original = draw.choice([8, 16, 32, max(8, positions // 8)])
    factor = draw.choice([1.0, 1.5, 2.0, 4, 8.0, 40.0])
    given = {"linear": {"factor": factor}, "default": {}}.get(kind, {"factor": factor})
    if kind in ("llama3", "yarn") and draw.random() < 0.8:
        given["original_max_position_embeddings"] = original
    if kind == "llama3":
        low = draw.choice([1.0, 0.5, 2])
        given |= {"low_freq_factor": low, "high_freq_factor": low * draw.choice([2, 4.0, 8])}
    if kind == "yarn":
        for key, values in {
            "attention_factor": [0.7, 1.0, 1.3],
            "beta_fast": [32, 8, 4.0],
            "beta_slow": [1, 0.25],
            "mscale": [0.707, 1.0],
            "mscale_all_dim": [0.5, 1.0],
            "truncate": [True, False],
        }.items():
            if draw.random() < 0.4:
                given[key] = draw.choice(values)
    name = draw.choice(["type", "rope_type"])
    if draw.random() < 0.3:
        return {"rope_parameters": {"rope_type": kind, **given} | ({} if theta is None else {"rope_theta": theta})}
    fields = {} if theta is None else {"rope_theta": theta}
    if kind == "default":
        return fields | draw.choice([{}, {"rope_scaling": None}])
    if draw.random() < 0.1:
        return fields | {"rope_scaling": {name: kind, **given}, "rope_parameters": {name: kind, **given}}
    return fields | {"rope_scaling": {name: kind, **given}}


def draw_config(draw: random.Random) -> tuple[dict, dict]:
    """A config, and the sizes of what is computed with it."""
    family = draw.choice(list(NAMES))
    shares, group = draw.choice([1, 2, 3]), draw.choice([1, 2, 3, 4])
    kv: int | str | None = shares
    heads, head_dim = shares * group, draw.choice([4, 6, 8, 10, 16, 20, 32])
    hidden = heads * draw.choice([2, 4, 6, 10])
    absent = draw.random() < 0.2
    if absent and family in ("mistral", "qwen2", "qwen3"):
        kv, heads, head_dim = "absent", {"mistral": 8}.get(family, 32), 4
        hidden = heads * 4
    elif group == 1:
        kv = draw.choice([shares, None, "absent" if family == "llama" else shares])
    written: int | str | None = head_dim
    if family == "qwen3" and draw.random() < 0.15 and heads < 8:
        head_dim, written = 128, "absent"
    elif draw.random() < 0.4 and not (family == "qwen3"):
        hidden, written = heads * head_dim, draw.choice(["absent", None]) if family != "qwen2" else "absent"
    positions = draw.choice([48, 64, 100, 256, 2048, 4096])
    long = positions >= 2048 and draw.random() < 0.5
    length = draw.randrange(400, 1500) if long else draw.randrange(12, min(positions, 90))
    config = base(
        family,
        vocab_size=draw.randrange(24, 120),
        hidden_size=hidden,
        intermediate_size=draw.choice([24, 40, 77, 130, 1100]),
        num_hidden_layers=draw.randrange(1, 4),
        num_attention_heads=heads,
        num_key_value_heads=kv,
        head_dim=written,
        max_position_embeddings=positions,
        rms_norm_eps=draw.choice([1e-5, 1e-6, 1e-3, "absent"]),
        rope_theta="absent",
        tie_word_embeddings=draw.choice([True, False, "absent"]),
        hidden_act=draw.choice(["silu", "silu", "absent"]),
        attention_dropout=draw.choice([0.0, 0.1, "absent"]),
    ) | rope(draw, positions, draw.choice([None, 50.0, 10000.0, 500000.0, 1000000]))
    if family == "llama":
        config |= draw.choice([{}, {"attention_bias": True}, {"mlp_bias": True}, {"pretraining_tp": 1}])
    if family == "qwen3":
        config |= draw.choice([{}, {"attention_bias": True}, {"attention_bias": False}])
    if family == "mistral":
        config |= draw.choice([{"sliding_window": None}, {"sliding_window": positions}, {}])
    if family in ("qwen2", "qwen3"):
        layers = config["num_hidden_layers"]
        config |= draw.choice(
            [
                {},
                {"use_sliding_window": False, "sliding_window": 16, "max_window_layers": 1},
                {"use_sliding_window": True, "sliding_window": positions, "max_window_layers": 0},
                {"layer_types": ["full_attention"] * layers},
            ]
        )
    rows = 1 if long else 2
    if draw.random() < 0.2:
        config |= {"architectures": [NAMES[family] + "ForSequenceClassification"], "pad_token_id": 0}
        config |= {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
        rows = 4
        length = min(length, 90)
    new = 20
    prompt = max(3, length - new - draw.randrange(0, 5)) if length > new + 8 else 3
    return config, {"rows": rows, "length": length, "prompt": prompt, "new": new}


def check(root: pathlib.Path) -> None:
    """Whether what r1 wrote is the same model to transformers, tensor by tensor and in its logits or scores."""
    folders = sorted(path.parent for path in root.glob("*/back"))
    for folder in folders:
        config = json.loads((folder / "back" / "config.json").read_text())
        model, report = loader(config).from_pretrained(
            folder / "back", dtype=torch.float32, attn_implementation="eager", output_loading_info=True
        )
        problems = {key: report[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys") if report[key]}
        given, back = load_file(folder / "model.safetensors"), load_file(folder / "back" / "model.safetensors")
        if problems or given.keys() != back.keys() or not all(torch.equal(given[key], back[key]) for key in given):
            sys.exit(f"{folder.name}: the weights differ {problems}")
        expected = json.loads((folder / "expected.json").read_text())
        with torch.no_grad():
            logits = model.eval()(torch.tensor(expected["input_ids"])).logits
        wanted = torch.tensor(expected.get("logits", expected.get("scores"))).reshape(logits.shape)
        if (logits - wanted).abs().max() > 1e-6:
            sys.exit(f"{folder.name}: the config that r1 wrote means something else")
    print(len(folders))


def main() -> None:
    command, folder, *rest = sys.argv[1:]
    root = pathlib.Path(folder)
    torch.set_num_threads(1)
    if command == "fixtures":
        for i, name in enumerate(FIXTURES):
            if not rest or name in rest:
                write(root / name, FIXTURES[name], rows=2, length=40, prompt=24, new=16, seed=100 + i)
    elif command == "draw":
        seed, count = int(rest[0]), int(rest[1])
        for i in range(count):
            config, sizes = draw_config(random.Random(f"{seed}/{i}"))
            write(root / f"{i:03}-{config['model_type']}", config, **sizes, seed=1000 * seed + i)
    else:
        check(root)


if __name__ == "__main__":
    main()
