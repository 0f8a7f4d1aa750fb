"""Reads GGUF files that r1 wrote with Python's gguf, and their logits with transformers.

    python check_gguf.py FOLDER     FOLDER/NAME/ model folders, FOLDER/NAME.TYPE.gguf, FOLDER/logits.json

Prints one line for each file. Ends with an error at a tensor whose bytes are not those that gguf makes of the folder's, or a
logit that is more than 1e-4 off."""
import json, pathlib, sys
import numpy as np, torch
from gguf import GGUFReader, GGMLQuantizationType as T, quantize
from safetensors.numpy import load_file
from transformers import AutoModelForCausalLM

NAMES = {"attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj", "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm"}
OUTER = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight", "output.weight": "lm_head.weight"}
folder = pathlib.Path(sys.argv[1])
logits = json.loads((folder / "logits.json").read_text())
for file in sorted(folder.glob("*.gguf")):
    name, kind, _ = file.name.rsplit(".", 2)
    reader = GGUFReader(file)
    field = lambda key: reader.fields[key].contents()
    arch = field("general.architecture")
    heads = {"attn_q": field(f"{arch}.attention.head_count"), "attn_k": field(f"{arch}.attention.head_count_kv")}
    source = load_file(folder / name / "model.safetensors")
    for tensor in reader.tensors:
        if tensor.name == "rope_freqs.weight": continue
        if tensor.name in OUTER: wanted, part = source.pop(OUTER[tensor.name]), ""
        else:
            _, layer, part, suffix = tensor.name.split(".")
            wanted = source.pop(f"model.layers.{layer}.{NAMES[part]}.{suffix}")
        if arch == "llama" and part in heads:  # as llama.cpp's converter permutes
            h = heads[part]
            wanted = wanted.reshape(h, 2, wanted.shape[0] // h // 2, *wanted.shape[1:]).swapaxes(1, 2).reshape(wanted.shape)
        wanted = wanted if wanted.ndim == 1 else quantize(wanted, T.F16 if kind == "f16" else T.Q8_0)
        assert np.ascontiguousarray(wanted).tobytes() == tensor.data.tobytes(), tensor.name
    assert not source, list(source)
    gap = 0.0
    if (given := logits.get(file.name)) is not None:
        model = AutoModelForCausalLM.from_pretrained(str(folder), gguf_file=file.name, dtype=torch.float32).eval()
        with torch.no_grad(): theirs = model(torch.tensor([given["ids"]])).logits.flatten()
        gap = (theirs - torch.tensor(given["logits"])).abs().max().item()
        assert gap < 1e-4, f"{file.name}: {gap}"
    print(file.name, f"{len(reader.tensors)} tensors, largest gap {gap:.1e}")
