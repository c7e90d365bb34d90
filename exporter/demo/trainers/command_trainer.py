#!/usr/bin/env python3
"""A complete trainer for `retraining: { trainer: { type: command, command: [python3, command_trainer.py] } }`.

The exporter runs it twice: MLH_PHASE=train, then MLH_PHASE=predict. Put your own model in the place of make_model(). Needs scikit-learn and
pandas; all else is the standard library. The working directory is the attempt's own and stays, so the model may lie in it.
"""
import gzip
import hashlib
import json
import os
import pickle

import pandas
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder

with open(os.environ["MLH_JOB_FILE"]) as file:
    job = json.load(file)


def lines(path):
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def value(row, feature):
    """Numbers as they are, categories as text; what is missing stays missing."""
    found = row["features"].get(feature["name"])
    return float("nan") if found is None and feature["kind"] == "numeric" else found


def table(rows):
    return pandas.DataFrame([{f["name"]: value(row, f) for f in job["schema"]} for row in rows])


def make_model():
    categorical = [f["name"] for f in job["schema"] if f["kind"] == "categorical"]
    encoder = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
    columns = ColumnTransformer([("categories", encoder, categorical)], remainder="passthrough")
    kind = HistGradientBoostingRegressor if job["task"] == "regression" else HistGradientBoostingClassifier
    return make_pipeline(columns, kind(random_state=job["hints"]["seed"]))


def train():
    rows = lines(job["dataset"]["train"])
    test = lines(job["dataset"]["test"])
    model = make_model().fit(table(rows), [row["label"] for row in rows])
    with open("model.pickle", "wb") as file:
        pickle.dump(model, file)
    with open("model.pickle", "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    result = {
        "candidate": {
            "version": job["candidate"]["version"],
            "uri": "file://" + os.path.abspath("model.pickle"),
            "sha256": sha256,
            "framework": "scikit-learn",
        },
        "metrics": {"test_score": float(model.score(table(test), [row["label"] for row in test]))} if test else {},
    }
    with open(os.environ["MLH_RESULT_FILE"], "w") as file:
        json.dump(result, file)


def predict():
    with open("model.pickle", "rb") as file:
        model = pickle.load(file)
    rows = lines(os.environ["MLH_HOLDOUT_FILE"])
    answers = model.predict(table(rows))
    scores = [None] * len(rows)
    if job["task"] == "binary":
        positive = list(model.classes_).index(job["positive_class"])
        scores = [float(p[positive]) for p in model.predict_proba(table(rows))]
    with open(os.environ["MLH_PREDICTIONS_FILE"], "w") as file:
        for row, answer, score in zip(rows, answers, scores):
            answer = float(answer) if job["task"] == "regression" else str(answer)
            file.write(json.dumps({"id": row["id"], "prediction": answer, "score": score}) + "\n")


train() if os.environ["MLH_PHASE"] == "train" else predict()
