"""Adam and AdamW with decay groups in float64, written from the papers' formulas and the order that
PyTorch documents for torch.optim.Adam and torch.optim.AdamW (no PyTorch was at hand):

    python3 reference.py     writes io.json beside it

Two weights: `matrix` [3, 4] and `bias` [4]. Gradients are given, not computed, so that only the update is
compared: g_t = sin(1.7 k + 0.9 t) * (t + 1) / 4 for element k of the concatenated weights, t from 0.
"""
import json, pathlib
import numpy as np

STEPS, RATE, BETA1, BETA2, EPSILON, DECAY, CLIP = 6, 0.02, 0.9, 0.98, 1e-8, 0.3, 1.5


def gradient(t):
    return np.sin(1.7 * np.arange(16) + 0.9 * t) * (t + 1) / 4


def run(decoupled, matrices_only):
    p = np.cos(0.6 * np.arange(16))
    decay = np.full(16, DECAY)
    if matrices_only:
        decay[12:] = 0
    m, v = np.zeros(16), np.zeros(16)
    steps, norms = [], []
    for t in range(1, STEPS + 1):
        g = gradient(t - 1)
        norm = np.sqrt((g * g).sum())
        g = g * min(1, CLIP / (norm + 1e-6))
        if decoupled:
            p = p * (1 - RATE * decay)
        else:
            g = g + decay * p
        m = BETA1 * m + (1 - BETA1) * g
        v = BETA2 * v + (1 - BETA2) * g * g
        denominator = np.sqrt(v) / np.sqrt(1 - BETA2 ** t) + EPSILON
        p = p - RATE / (1 - BETA1 ** t) * m / denominator
        steps.append(p.tolist())
        norms.append(norm)
    return {"steps": steps, "norms": norms, "exp_avg": m.tolist(), "exp_avg_sq": v.tolist()}


io = {
    "steps": STEPS, "learning_rate": RATE, "beta1": BETA1, "beta2": BETA2, "epsilon": EPSILON,
    "weight_decay": DECAY, "clip_norm": CLIP,
    "start": np.cos(0.6 * np.arange(16)).tolist(),
    "gradients": [gradient(t).tolist() for t in range(STEPS)],
    "cases": {
        "adamw-all": run(True, False), "adamw-matrices": run(True, True),
        "adam-all": run(False, False), "adam-matrices": run(False, True),
    },
}
pathlib.Path(__file__).with_name("io.json").write_text(json.dumps(io, indent=1) + "\n")
