#!/usr/bin/env python3
"""A complete trainer that the exporter runs as a program: copy it, and put your own training in the place of `train` and `predict`.

    retraining:
      trainer: { type: command, command: [python3, /srv/trainers/command_trainer.py] }

It is run twice for each attempt, without a shell: with MLH_PHASE=train it writes MLH_RESULT_FILE, with MLH_PHASE=predict it answers the
holdout. Needs scikit-learn; all else is the standard library. The working directory is the attempt's own and stays, so the model may
lie in it.
"""
import gzip
import hashlib
import json
import os
import pickle

from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

with open(os.environ["MLH_JOB_FILE"]) as file:
    job = json.load(file)


def lines(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def codes_of(rows):
    """Categories as numbers, by their mean label (of classes: how often it is the last one), which trees split better than names."""
    last = job["positive_class"] or (job["classes"] or [None])[-1]
    target = [row["label"] if job["task"] == "regression" else float(row["label"] == last) for row in rows]
    overall = sum(target) / len(target)
    codes = {}
    for feature in job["schema"]:
        if feature["kind"] == "categorical":
            seen = {}
            for row, y in zip(rows, target):
                seen.setdefault(row["features"].get(feature["name"]), []).append(y)
            # Drawn to the overall mean where rows are few.
            codes[feature["name"]] = {value: (sum(ys) + 50 * overall) / (len(ys) + 50) for value, ys in seen.items()}
    return codes


def table(rows, codes):
    """Numbers by row and feature; what is missing, or was never seen, is NaN."""

    def number(name, value):
        found = codes[name].get(value) if name in codes else value
        return float("nan") if found is None else float(found)

    return [[number(f["name"], row["features"].get(f["name"])) for f in job["schema"]] for row in rows]


def train():
    rows = lines(job["dataset"]["train"])
    test = lines(job["dataset"]["test"])
    kind = HistGradientBoostingRegressor if job["task"] == "regression" else HistGradientBoostingClassifier
    codes = codes_of(rows)
    model = kind(random_state=job["hints"]["seed"], max_iter=60, learning_rate=0.1)
    model.fit(table(rows, codes), [row["label"] for row in rows])
    pickled = pickle.dumps((codes, model))
    with open("model.pickle", "wb") as file:
        file.write(pickled)
    result = {
        "candidate": {
            "version": job["candidate"]["version"],
            "uri": "file://" + os.path.abspath("model.pickle"),
            "sha256": hashlib.sha256(pickled).hexdigest(),
            "framework": "scikit-learn",
        },
        "metrics": {"test_score": model.score(table(test, codes), [row["label"] for row in test])} if test else {},
    }
    with open(os.environ["MLH_RESULT_FILE"], "w") as file:
        json.dump(result, file)


def predict():
    with open("model.pickle", "rb") as file:
        codes, model = pickle.load(file)
    rows = lines(os.environ["MLH_HOLDOUT_FILE"])
    features = table(rows, codes)
    answers = model.predict(features)
    scores = None if job["task"] == "regression" else model.predict_proba(features).tolist()
    with open(os.environ["MLH_PREDICTIONS_FILE"], "w") as file:
        for i, row in enumerate(rows):
            line = {"id": row["id"], "prediction": float(answers[i]) if scores is None else str(answers[i])}
            if scores is not None:
                of_class = dict(zip(map(str, model.classes_), scores[i]))
                line.update({"score": of_class[job["positive_class"]]} if job["positive_class"] else {"scores": of_class})
            file.write(json.dumps(line) + "\n")


train() if os.environ["MLH_PHASE"] == "train" else predict()
