"""Reads samples as JSON from standard input, and answers with what SciPy and scikit-learn make of them.

{"numeric": [{"baseline": [...], "window": [...], "ks_lower": d}], "categorical": [...], "binary": [{"label": [...], "score": [...]}]}
"""

import json
import sys

import numpy as np
import scipy
import sklearn
from scipy import stats
from scipy.spatial.distance import jensenshannon
from sklearn import metrics


def divergences(baseline, window):
    """Of counts a cell, with half a count more in each (Jeffreys)."""
    q = (baseline + 0.5) / (baseline + 0.5).sum()
    p = (window + 0.5) / (window + 0.5).sum()
    return {
        "kl": stats.entropy(p, q),
        "psi": float(((p - q) * np.log(p / q)).sum()),
        "js": float(jensenshannon(p, q, base=2)),
    }


def coarse_edges(baseline):
    """The distinct deciles, and room for values of a tenth or more: such a value does not share its cell with smaller ones."""
    edges = set(np.quantile(baseline, np.arange(1, 10) / 10, method="inverted_cdf"))
    values, counts = np.unique(baseline, return_counts=True)
    for i in sorted(range(1, len(values)), key=lambda i: -counts[i]):
        if counts[i] * 10 >= len(baseline) and len(edges) < 9 and values[i - 1] not in edges:
            edges.add(np.nextafter(values[i], -np.inf))
    return np.array(sorted(edges))


def numeric(sample):
    baseline, window = np.array(sample["baseline"]), np.array(sample["window"])
    n, m = len(baseline), len(window)
    edges = coarse_edges(baseline)
    cells = [np.bincount(np.searchsorted(edges, x, side="left"), minlength=len(edges) + 1) for x in (baseline, window)]
    return {
        "d": stats.ks_2samp(baseline, window, method="asymp").statistic,
        "p_of_lower": float(stats.kstwo.sf(sample["ks_lower"], round(n * m / (n + m)))),
        "wasserstein": stats.wasserstein_distance(baseline, window) / (baseline.std() or 1),
        **divergences(*cells),
    }


def categorical(sample):
    names = sorted(set(sample["baseline"]))
    count = lambda values: np.array([values.count(name) for name in names] + [sum(v not in names for v in values)])
    baseline, window = count(sample["baseline"]), count(sample["window"])
    table = np.array([baseline, window])
    table = table[:, table.sum(axis=0) > 0]
    result = stats.chi2_contingency(table, correction=False)
    return {
        "tv": float(np.abs(baseline / baseline.sum() - window / window.sum()).sum() / 2),
        "p": result[1],
        "expected_below_5": float((result[3] < 5).mean()),
        **divergences(baseline, window),
    }


def binary(sample):
    label, score = np.array(sample["label"]), np.array(sample["score"])
    return {
        "roc_auc": metrics.roc_auc_score(label, score),
        "average_precision": metrics.average_precision_score(label, score),
        "brier": metrics.brier_score_loss(label, score),
        "log_loss": metrics.log_loss(label, score),
        "f1": metrics.f1_score(label, score > 0.5),
        "accuracy": metrics.accuracy_score(label, score > 0.5),
    }


given = json.load(sys.stdin)
json.dump(
    {
        "versions": f"SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}",
        "numeric": [numeric(sample) for sample in given["numeric"]],
        "categorical": [categorical(sample) for sample in given["categorical"]],
        "binary": [binary(sample) for sample in given["binary"]],
    },
    sys.stdout,
)
