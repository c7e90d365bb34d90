"""Sends predictions and ground truth to the model health exporter. Standard library only: copy this file.

    monitor = ModelMonitor("http://127.0.0.1:9477", "churn", "1")
    prediction_id = monitor.log_prediction({"tenure_months": 34}, prediction="1", score=0.82, latency_ms=12.5)
    monitor.log_ground_truth(prediction_id, "0")  # whenever it is known
"""
import atexit, json, queue, random, threading, time, urllib.error, urllib.request, uuid


class ModelMonitor:
    """Logging never blocks and never raises. A batch is sent again, with the same ids, until the exporter has it."""

    def __init__(self, url, model, version=None, token=None, batch=500, flush_seconds=1.0, limit=100_000):
        self.url, self.token, self.batch, self.flush_seconds = url.rstrip("/"), token, batch, flush_seconds
        self.model, self.version = model, version
        self.dropped = self.rejected = 0  # rows that found the limit reached or a refusal; rows that were wrong
        self.rows, self.limit = queue.Queue(), limit  # counts those under way, too
        threading.Thread(target=self._send_for_ever, daemon=True).start()
        atexit.register(self.flush, 10)

    def log_prediction(self, features, prediction=None, prediction_id=None, **more):
        """more: score, scores, latency_ms, error, segment, timestamp (epoch ms). Returns the id, for the ground truth."""
        prediction_id = prediction_id or str(uuid.uuid4())
        row = {"version": self.version, "prediction_id": prediction_id, "timestamp": int(time.time() * 1000)}
        self._add("predictions", {**row, "features": features, "prediction": prediction, **more})
        return prediction_id

    def log_ground_truth(self, prediction_id, label):
        row = {"prediction_id": prediction_id, "label": label, "timestamp": int(time.time() * 1000)}
        self._add("ground-truth", row)

    def flush(self, seconds=30):
        """Waits until all is sent; False when that took too long."""
        end = time.monotonic() + seconds
        while self.rows.unfinished_tasks and time.monotonic() < end:
            time.sleep(0.01)
        return self.rows.unfinished_tasks == 0

    def _add(self, path, row):
        if self.rows.unfinished_tasks < self.limit:
            self.rows.put((path, {"model": self.model, **row}))
        else:
            self.dropped += 1

    def _send_for_ever(self):
        while True:
            taken, end = [self.rows.get()], time.monotonic() + self.flush_seconds
            while len(taken) < self.batch and (wait := end - time.monotonic()) > 0:
                try:
                    taken.append(self.rows.get(timeout=wait))
                except queue.Empty:
                    break
            for path in ("predictions", "ground-truth"):  # in this order, so that labels find their predictions
                if rows := [row for to, row in taken if to == path]:
                    self._deliver(path, rows)
            for _ in taken:
                self.rows.task_done()

    def _deliver(self, path, rows, attempt=0):
        headers = {"content-type": "application/json", **({"authorization": f"Bearer {self.token}"} if self.token else {})}
        while True:
            try:
                body = json.dumps(rows, default=str).encode()
                request = urllib.request.Request(f"{self.url}/api/ml/{path}", body, headers)
                with urllib.request.urlopen(request, timeout=30) as answer:
                    self.rejected += json.load(answer)["rejected"]
                    return
            except urllib.error.HTTPError as refusal:
                if refusal.code == 422:
                    self.rejected += len(rows)
                elif refusal.code not in (408, 425, 429, 502, 503, 504):
                    self.dropped += len(rows)
                if refusal.code not in (408, 425, 429, 502, 503, 504):
                    return
            except OSError:
                pass  # away for now
            time.sleep(min(30, 0.1 * 2**attempt) * (0.5 + random.random() / 2))
            attempt += 1
