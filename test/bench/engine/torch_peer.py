"""The model in PyTorch: `torch_peer.py FOLDER KIND THREADS eager|compiled`, on R1_BENCH_DEVICE (cpu or cuda)."""

import os
import sys

import torch
import torch.nn.functional as F
from contender import Task, serve

folder, kind, threads, mode = sys.argv[1:5]
torch.set_num_threads(int(threads))
torch.set_default_device(os.environ.get("R1_BENCH_DEVICE", "cpu"))
torch.manual_seed(1)
task = Task(folder)
c = task.config
L, H, KV, d, eps = c["layers"], c["heads"], c["keyValueHeads"], c["headDim"], c["rmsNormEps"]
groups = H // KV


def parameters():
    """The weights, with q, k and v as one matrix."""
    given = {name: torch.tensor(value) for name, value in task.weights().items()}
    for layer in range(L):
        at = f"model.layers.{layer}.self_attn."
        given[at + "qkv"] = torch.cat([given.pop(f"{at}{part}_proj.weight") for part in "qkv"])
    return {name: torch.nn.Parameter(value) for name, value in given.items()}


P = parameters()
E = P["model.embed_tokens.weight"]
cos, sin = (torch.tensor(table) for table in task.rotation(c["maxPositions"]))


def turned(x, cos, sin):
    """Rotary positions, the halves of a head being the pairs."""
    a, b = x.chunk(2, -1)
    return torch.cat([a * cos - b * sin, b * cos + a * sin], -1)


def heads_of(x, layer, cos, sin):
    """(B, T, D) → q (B, H, T, d), k and v (B, KV, T, d)"""
    B, T, _ = x.shape
    qkv = F.linear(x, P[f"model.layers.{layer}.self_attn.qkv"]).view(B, T, H + 2 * KV, d).transpose(1, 2)
    q, k, v = qkv.split([H, KV, KV], 1)
    return turned(q, cos, sin), turned(k, cos, sin), v


def layers(tokens, cos, sin, attend):
    """The hidden states around any way to attend."""
    x = F.embedding(tokens, E)
    B, T, D = x.shape
    for layer in range(L):
        at = f"model.layers.{layer}."
        q, k, v = heads_of(F.rms_norm(x, (D,), P[at + "input_layernorm.weight"], eps), layer, cos, sin)
        context = attend(q, k, v, layer).transpose(1, 2).reshape(B, T, H * d)
        x = x + F.linear(context, P[at + "self_attn.o_proj.weight"])
        y = F.rms_norm(x, (D,), P[at + "post_attention_layernorm.weight"], eps)
        inner = F.silu(F.linear(y, P[at + "mlp.gate_proj.weight"])) * F.linear(y, P[at + "mlp.up_proj.weight"])
        x = x + F.linear(inner, P[at + "mlp.down_proj.weight"])
    return F.rms_norm(x, (D,), P["model.norm.weight"], eps)


def causal(q, k, v, _layer):
    return F.scaled_dot_product_attention(q, k, v, is_causal=True, enable_gqa=groups > 1)


def logits_of(tokens):
    T = tokens.shape[1]
    return F.linear(layers(tokens, cos[:T], sin[:T], causal), E)


def loss_of(tokens, targets):
    logits = logits_of(tokens)
    return F.cross_entropy(logits.view(-1, logits.shape[-1]), targets.reshape(-1))


def training():
    rows = torch.tensor(task.tokens)
    tokens, targets = rows[:, :-1].contiguous(), rows[:, 1:].contiguous()
    o = task.optimizer
    weights = list(P.values())
    adamw = torch.optim.AdamW(
        weights, o["learningRate"], (o["beta1"], o["beta2"]), o["epsilon"], o["weightDecay"], fused=True
    )
    run = torch.compile(loss_of) if mode == "compiled" else loss_of

    def step():
        adamw.zero_grad()
        loss = run(tokens, targets)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, o["maxNorm"])
        adamw.step()
        return loss.item()

    return step, 1


def picked(hidden):
    """A token of each row, sampled from all, and its log-probability."""
    logits = F.linear(hidden, E)
    probabilities = torch.softmax(logits, -1)
    token = torch.multinomial(probabilities, 1)
    return token, probabilities.gather(1, token).log()


def generating():
    prompts = torch.tensor(task.prompts)
    count, length = prompts.shape
    rows, new = count * task.group, task.new_tokens
    room = length + new

    def prefill():
        """Each prompt is read once; its keys and values are copied for every member of its group."""
        keys = [torch.zeros(rows, KV, room, d) for _ in range(L)]
        values = [torch.zeros(rows, KV, room, d) for _ in range(L)]

        def attend(q, k, v, layer):
            keys[layer][:, :, :length] = k.repeat_interleave(task.group, 0)
            values[layer][:, :, :length] = v.repeat_interleave(task.group, 0)
            return causal(q, k, v, layer)

        hidden = layers(prompts, cos[:length], sin[:length], attend)
        return hidden[:, -1].repeat_interleave(task.group, 0), keys, values

    def grow(token, at, keys, values):
        def attend(q, k, v, layer):
            keys[layer][:, :, at : at + 1] = k
            values[layer][:, :, at : at + 1] = v
            seen = keys[layer][:, :, : at + 1], values[layer][:, :, : at + 1]
            return F.scaled_dot_product_attention(q, *seen, enable_gqa=groups > 1)

        return picked(layers(token, cos[at : at + 1], sin[at : at + 1], attend)[:, -1])

    places = torch.arange(room)

    def fixed(token, at, keys, values):
        """The same with shapes that never change, so that it is compiled once."""
        mask = (places <= at)[None, None, None, :]

        def attend(q, k, v, layer):
            keys[layer].index_copy_(2, at, k)
            values[layer].index_copy_(2, at, v)
            return F.scaled_dot_product_attention(q, keys[layer], values[layer], mask, enable_gqa=groups > 1)

        return picked(layers(token, cos[at], sin[at], attend)[:, -1])

    one = torch.compile(fixed, dynamic=False) if mode == "compiled" else grow

    @torch.no_grad()
    def generate():
        hidden, keys, values = prefill()
        token, log_prob = picked(hidden)
        tokens, log_probs = [token], [log_prob]
        for at in range(length, room - 1):
            token, log_prob = one(token, torch.tensor([at]) if mode == "compiled" else at, keys, values)
            tokens.append(token)
            log_probs.append(log_prob)
        return torch.cat(tokens, 1), torch.cat(log_probs, 1)

    @torch.no_grad()
    def check(tokens, log_probs):
        """The cache gives what a pass over the whole sequence gives."""
        whole = torch.cat([prompts.repeat_interleave(task.group, 0), tokens], 1)
        expected = torch.log_softmax(logits_of(whole[:, :-1])[:, length - 1 :], -1).gather(2, tokens[..., None])[..., 0]
        worst = (expected - log_probs).abs().max().item()
        if worst > 1e-3:
            raise RuntimeError(f"generation is wrong by {worst}")

    checked = False

    def step():
        nonlocal checked
        tokens, log_probs = generate()
        if not checked:
            check(tokens, log_probs)
            checked = True
        return log_probs.mean().item()

    return step, new


def multiplying():
    size = 1024
    a, b = torch.randn(size, size), torch.randn(size, size)
    return (lambda: torch.mm(a, b)[0, 0].item()), 1


step, per_call = {"train": training, "generate": generating, "matmul": multiplying}[kind]()
serve(torch.__version__, step, per_call)
