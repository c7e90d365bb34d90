"""The rows of evaluation.bench.ts through other tools: python drift.py {scipy,evidently,nannyml} FOLDER

FOLDER holds what `BENCH_WRITE=FOLDER node exporter/dist/bench/evaluation.bench.js` wrote. Prints the seconds of the drift computation
(reading the files is not counted) and the peak memory of the process. Each tool is installed by pip in an environment of its own; none
of this is part of the tests.
"""

import os
import resource
import sys
import time
import warnings

import numpy as np
import pandas as pd

warnings.filterwarnings("ignore")
# Neither tool is to tell its makers that it ran.
os.environ.update(DO_NOT_TRACK="1", NML_DISABLE_USAGE_LOGGING="1")


def scipy_drift(baseline, current):
    """Kolmogorov-Smirnov, KL on the baseline's deciles and Wasserstein of numbers; chi-square and KL of categories."""
    from scipy import stats

    for name in baseline.columns:
        then, now = baseline[name], current[name]
        if name.startswith("num"):
            edges = np.unique(np.quantile(then, np.arange(1, 10) / 10, method="inverted_cdf"))
            cells = [np.bincount(np.searchsorted(edges, of), minlength=len(edges) + 1) for of in (then, now)]
            stats.ks_2samp(then, now, method="asymp")
            stats.wasserstein_distance(then, now)
        else:
            counts = [then.value_counts(), now.value_counts()]
            index = counts[0].index.union(counts[1].index)
            cells = [count.reindex(index, fill_value=0) for count in counts]
            stats.chi2_contingency(np.array(cells))
        p, q = [(np.asarray(of) + 0.5) / (np.sum(of) + 0.5 * len(of)) for of in (cells[1], cells[0])]
        stats.entropy(p, q)


def evidently_drift(baseline, current):
    from evidently import Dataset, Report
    from evidently.presets import DataDriftPreset

    Report([DataDriftPreset()]).run(Dataset.from_pandas(current), Dataset.from_pandas(baseline)).dict()


def nannyml_drift(baseline, current):
    import nannyml

    calculator = nannyml.UnivariateDriftCalculator(
        column_names=list(baseline.columns),
        continuous_methods=["kolmogorov_smirnov", "jensen_shannon", "wasserstein"],
        categorical_methods=["chi2", "jensen_shannon"],
        chunk_number=1,
    )
    calculator.fit(baseline)
    calculator.calculate(current)


tool, folder = sys.argv[1:]
frames = [pd.read_csv(f"{folder}/{name}.csv") for name in ("baseline", "current")]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
began = time.perf_counter()
{"scipy": scipy_drift, "evidently": evidently_drift, "nannyml": nannyml_drift}[tool](*frames)
seconds = time.perf_counter() - began
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(f"{tool}: {seconds:.1f} s, peak {peak / 1024:.0f} MB (of which {before / 1024:.0f} MB for the rows)")
