"""A data frame of predictions to the model health exporter, and what it makes of them.

    python with_pandas.py http://127.0.0.1:9477
"""
import sys
import urllib.request, json
import numpy as np
import pandas as pd

url = sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:9477"


def post(path, body, content_type="application/json", method="POST"):
    request = urllib.request.Request(url + path, body.encode(), {"content-type": content_type}, method=method)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def frame(rows, shift, rng):
    tenure = rng.normal(40 + shift, 12, rows).clip(0)
    score = 1 / (1 + np.exp(-(tenure - 40) / 10))
    region = rng.choice(["north", "south", "east"], rows)
    return pd.DataFrame({"tenure_months": tenure.round(1), "region": region, "score": score.round(4),
                         "prediction": np.where(score > 0.5, "1", "0"), "label": np.where(rng.random(rows) < score, "1", "0")})


def rows_under_header(model, version, df, features):
    """The fast path: names once, then one short row a prediction. NaN becomes null."""
    values = df[features].astype(object).where(df[features].notna(), None).values.tolist()
    rows = [{"id": str(i), "p": p, "s": s, "x": x} for i, p, s, x in zip(df.index, df["prediction"], df["score"], values)]
    return json.dumps({"model": model, "version": version, "columns": features, "rows": rows})


rng = np.random.default_rng(7)
# What the model was trained on is what it is compared with.
print(post("/api/ml/models/pandas_churn/baseline?version=1", frame(5_000, 0, rng).to_csv(index=False), "text/csv", "PUT")["rows"])

today = frame(3_000, 12, rng)
sent = rows_under_header("pandas_churn", "1", today, ["tenure_months", "region"])
print(post("/api/ml/predictions", sent, "application/vnd.modelhealth.rows+json"))

labels = [{"model": "pandas_churn", "prediction_id": str(i), "label": label} for i, label in today["label"].items()]
print(post("/api/ml/ground-truth", json.dumps(labels)))
