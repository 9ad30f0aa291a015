"""A peer's engine behind mosec (HTTP and dynamic batching in Rust, workers in Python). Started by serving.py.

The environment says which: PEER (openvino or onnxruntime), PRECISION, MODELS, WORKERS, THREADS of each, BATCH: the most
texts at once. POST /inference {"inputs": TEXT} answers {"logits": […]}.
"""

import os

from mosec import Server, Worker


class Classifier(Worker):
    def __init__(self):
        from tokenizers import BertWordPieceTokenizer

        import peer

        self.padded = peer.padded
        models = os.environ["MODELS"]
        kind = {"openvino": peer.OpenVINO, "onnxruntime": peer.ONNXRuntime}[os.environ["PEER"]]
        self.engine = kind(models, os.environ["PRECISION"], int(os.environ["THREADS"]))
        self.tokenizer = BertWordPieceTokenizer(f"{models}/distilbert-base/1/vocab.txt", lowercase=True)
        self.tokenizer.enable_truncation(512)

    def forward(self, data):
        # With batches of one, mosec hands over the item instead of a list of it.
        items = [data] if isinstance(data, dict) else data
        batch = [encoding.ids for encoding in self.tokenizer.encode_batch([item["inputs"] for item in items])]
        ids, mask = self.padded(batch)
        answers = [{"logits": row.tolist()} for row in self.engine.forward(self.engine.prepare(ids, mask))]
        return answers[0] if isinstance(data, dict) else answers


if __name__ == "__main__":
    server = Server()
    # Five milliseconds are little beside a pass, and let a batch fill.
    batch = int(os.environ["BATCH"])
    server.append_worker(
        Classifier, num=int(os.environ["WORKERS"]), max_batch_size=batch, max_wait_time=5 if batch > 1 else 0
    )
    server.run()
