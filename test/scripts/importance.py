"""Truncated importance weights by other hands.

python importance.py fixture > test/fixtures/stages/importance.json
    weights of random rows, worked by numpy in float64
python importance.py check < INPUT.json
    loss of the policy and its gradient to the log-probabilities, by torch in float64, for what importance.test.ts sends
"""
import json
import sys


def weights(np, mask, trainer, sampler, cap, ratio):
    logs = np.where(np.array(mask) == 1, np.array(trainer) - np.array(sampler), 0.0)
    if ratio == "sequence":
        logs = np.full_like(logs, logs.sum())
    return np.where(np.array(mask) == 1, np.minimum(np.exp(logs), cap), 1.0)


def fixture():
    import numpy as np

    source = np.random.default_rng(20)
    cases = []
    for ratio, cap, spread in [("token", 2.0, 0.6), ("token", 1.2, 0.1), ("token", 2.0, 3.0), ("sequence", 2.0, 0.4)]:
        rows = []
        for prompt, response in [(2, 5), (1, 1), (3, 7)]:
            mask = [0] * prompt + [1] * response
            trainer = (-3 * source.random(prompt + response)).tolist()
            sampler = (np.array(trainer) + spread * source.standard_normal(prompt + response)).tolist()
            expected = weights(np, mask, trainer, sampler, cap, ratio).tolist()
            rows.append({"mask": mask, "trainer": trainer, "sampler": sampler, "weights": expected})
        all_weights = np.concatenate([np.array(r["weights"])[np.array(r["mask"]) == 1] for r in rows])
        cases.append({"ratio": ratio, "cap": cap, "rows": rows, "mean": all_weights.mean(), "capped": float((all_weights >= cap).mean())})
    json.dump(cases, sys.stdout, indent=1)


def check():
    import torch

    given = json.load(sys.stdin)
    cap, ratio, low, high, beta = (given[key] for key in ["cap", "ratio", "clipLow", "clipHigh", "klCoefficient"])
    tensor = lambda key: torch.tensor(given[key], dtype=torch.float64)
    log_probs = tensor("logProbs").requires_grad_()
    mask, old, sampler, reference = tensor("mask"), tensor("old"), tensor("sampler"), tensor("reference")
    weight, advantage = tensor("weights"), tensor("advantages")[:, None]

    def over(x):
        return x if ratio == "token" else x.sum(1, keepdim=True)

    rho = torch.exp(over((log_probs - old) * mask))
    importance = torch.exp(over((old - sampler) * mask)).clamp(max=cap).detach()
    gain = importance * torch.minimum(rho * advantage, rho.clamp(1 - low, 1 + high) * advantage)
    log_reference = over((reference - log_probs) * mask)
    k3 = torch.exp(log_reference) - log_reference - 1
    loss = -((gain - beta * k3) * over(weight)).sum()
    loss.backward()
    json.dump({"loss": loss.item(), "gradient": log_probs.grad.tolist()}, sys.stdout)


{"fixture": fixture, "check": check}[sys.argv[1]]()
