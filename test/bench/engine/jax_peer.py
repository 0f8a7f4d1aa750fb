"""The model in JAX under jit: `jax_peer.py FOLDER KIND THREADS`."""

import os
import sys

folder, kind, threads = sys.argv[1:4]
# XLA makes as many threads as the process may use processors; on a card these only compile.
if os.environ.get("JAX_PLATFORMS") == "cpu":
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: int(threads)])

# These read the number of processors when they are loaded.
import jax  # noqa: E402
import jax.numpy as jnp  # noqa: E402
from contender import Task, serve  # noqa: E402

task = Task(folder)
c = task.config
L, H, KV, d, eps = c["layers"], c["heads"], c["keyValueHeads"], c["headDim"], c["rmsNormEps"]
groups = H // KV


def parameters():
    """The weights, with q, k and v as one matrix."""
    given = {name: jnp.asarray(value) for name, value in task.weights().items()}
    for layer in range(L):
        at = f"model.layers.{layer}.self_attn."
        given[at + "qkv"] = jnp.concatenate([given.pop(f"{at}{part}_proj.weight") for part in "qkv"])
    return given


cos, sin = (jnp.asarray(table) for table in task.rotation(c["maxPositions"]))


def norm(x, gain):
    return x * jax.lax.rsqrt(jnp.mean(x * x, -1, keepdims=True) + eps) * gain


def turned(x, cos, sin):
    a, b = jnp.split(x, 2, -1)
    return jnp.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def layers(P, tokens, cos, sin, attend):
    """The hidden states around any way to attend."""
    x = P["model.embed_tokens.weight"][tokens]
    B, T, _ = x.shape
    for layer in range(L):
        at = f"model.layers.{layer}."
        y = norm(x, P[at + "input_layernorm.weight"])
        qkv = (y @ P[at + "self_attn.qkv"].T).reshape(B, T, H + 2 * KV, d).transpose(0, 2, 1, 3)
        q, k, v = jnp.split(qkv, [H, H + KV], 1)
        context = attend(turned(q, cos, sin), turned(k, cos, sin), v, layer)
        x = x + context.transpose(0, 2, 1, 3).reshape(B, T, H * d) @ P[at + "self_attn.o_proj.weight"].T
        y = norm(x, P[at + "post_attention_layernorm.weight"])
        inner = jax.nn.silu(y @ P[at + "mlp.gate_proj.weight"].T) * (y @ P[at + "mlp.up_proj.weight"].T)
        x = x + inner @ P[at + "mlp.down_proj.weight"].T
    return norm(x, P["model.norm.weight"])


def weighted(q, k, v, mask):
    """softmax(q kᵀ/√d) v where the mask holds."""
    B, _, T, _ = q.shape
    grouped = q.reshape(B, KV, groups * T, d)
    scores = (grouped @ k.transpose(0, 1, 3, 2)).reshape(B, KV, groups, T, -1) / d**0.5
    weights = jax.nn.softmax(jnp.where(mask, scores, -1e9), -1)
    return (weights.reshape(B, KV, groups * T, -1) @ v).reshape(B, H, T, d)


def causal(q, k, v, _layer):
    T = q.shape[2]
    return weighted(q, k, v, jnp.tril(jnp.ones((T, T), bool)))


def logits_of(P, tokens):
    T = tokens.shape[1]
    return layers(P, tokens, cos[:T], sin[:T], causal) @ P["model.embed_tokens.weight"].T


def loss_of(P, tokens, targets):
    logs = jax.nn.log_softmax(logits_of(P, tokens))
    return -jnp.take_along_axis(logs, targets[..., None], -1).mean()


def training():
    rows = jnp.asarray(task.tokens)
    tokens, targets = rows[:, :-1], rows[:, 1:]
    o = task.optimizer
    rate, b1, b2 = o["learningRate"], o["beta1"], o["beta2"]

    def update(P, m, v, count, tokens, targets):
        """One step of AdamW, clipped to a norm."""
        loss, g = jax.value_and_grad(loss_of)(P, tokens, targets)
        total = jnp.sqrt(sum(jnp.vdot(each, each) for each in jax.tree.leaves(g)))
        scale = jnp.minimum(1.0, o["maxNorm"] / (total + 1e-6))
        m = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * scale * g, m, g)
        v = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * (scale * g) ** 2, v, g)

        def moved(p, m, v):
            corrected = jnp.sqrt(v / (1 - b2**count)) + o["epsilon"]
            return p * (1 - rate * o["weightDecay"]) - rate * (m / (1 - b1**count)) / corrected

        return jax.tree.map(moved, P, m, v), m, v, loss

    run = jax.jit(update, donate_argnums=(0, 1, 2))
    P = parameters()
    state = [P, jax.tree.map(jnp.zeros_like, P), jax.tree.map(jnp.zeros_like, P)]
    del P
    count = 0

    def step():
        nonlocal count
        count += 1
        *state[:], loss = run(*state, float(count), tokens, targets)
        return float(loss)

    return step, 1


def generating():
    P = parameters()
    prompts = jnp.asarray(task.prompts)
    count, length = prompts.shape
    group, new = task.group, task.new_tokens
    rows, room = count * group, length + new

    def picked(P, hidden, key):
        """A token of each row, sampled from all, and its log-probability."""
        logs = jax.nn.log_softmax(hidden @ P["model.embed_tokens.weight"].T)
        token = jax.random.categorical(key, logs)
        return token, jnp.take_along_axis(logs, token[:, None], 1)[:, 0]

    @jax.jit
    def generate(P, prompts, key):
        caches = []

        def fill(q, k, v, layer):
            wide = lambda x: jnp.pad(jnp.repeat(x, group, 0), ((0, 0), (0, 0), (0, new), (0, 0)))
            caches.append((wide(k), wide(v)))
            return causal(q, k, v, layer)

        hidden = layers(P, prompts, cos[:length], sin[:length], fill)[:, -1]
        key, now = jax.random.split(key)
        token, log_prob = picked(P, jnp.repeat(hidden, group, 0), now)

        def one(carry, at):
            caches, token, key = carry
            caches = list(caches)
            mask = jnp.arange(room) <= at

            def attend(q, k, v, layer):
                keys, values = caches[layer]
                keys = jax.lax.dynamic_update_slice(keys, k, (0, 0, at, 0))
                values = jax.lax.dynamic_update_slice(values, v, (0, 0, at, 0))
                caches[layer] = keys, values
                return weighted(q, keys, values, mask)

            turn = [jax.lax.dynamic_slice_in_dim(table, at, 1) for table in (cos, sin)]
            hidden = layers(P, token[:, None], *turn, attend)[:, -1]
            key, now = jax.random.split(key)
            token, log_prob = picked(P, hidden, now)
            return (tuple(caches), token, key), (token, log_prob)

        _, (tokens, log_probs) = jax.lax.scan(one, (tuple(caches), token, key), jnp.arange(length, room - 1))
        return jnp.concatenate([token[None], tokens]).T, jnp.concatenate([log_prob[None], log_probs]).T

    def check(tokens, log_probs):
        """The cache gives what a pass over the whole sequence gives."""
        whole = jnp.concatenate([jnp.repeat(prompts, group, 0), tokens], 1)
        logs = jax.nn.log_softmax(logits_of(P, whole[:, :-1])[:, length - 1 :])
        worst = float(jnp.abs(jnp.take_along_axis(logs, tokens[..., None], -1)[..., 0] - log_probs).max())
        if worst > 1e-3:
            raise RuntimeError(f"generation is wrong by {worst}")

    checked = False
    key = jax.random.PRNGKey(1)

    def step():
        nonlocal checked, key
        key, now = jax.random.split(key)
        tokens, log_probs = generate(P, prompts, now)
        if not checked:
            check(tokens, log_probs)
            checked = True
        return float(log_probs.mean())

    return step, new


def multiplying():
    a, b = jax.random.normal(jax.random.PRNGKey(1), (2, 1024, 1024))
    product = jax.jit(jnp.matmul)
    return (lambda: float(product(a, b)[0, 0])), 1


step, per_call = {"train": training, "generate": generating, "matmul": multiplying}[kind]()
serve(jax.__version__, step, per_call)
