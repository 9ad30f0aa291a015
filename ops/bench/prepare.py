"""Makes what the peers need from one checkpoint: an ONNX file, fused and int8 ones, OpenVINO's and its int8 form.

    prepare.py MODELS TEXTS

MODELS/distilbert-base/1 is the checkpoint; MODELS/../onnx is filled, once. TEXTS are real texts, a JSON string a line, on
which the int8 activations of OpenVINO's model are calibrated.
"""

import json
import pathlib
import sys
import warnings

import numpy as np

warnings.filterwarnings("ignore")


def export(checkpoint, path):
    import torch
    from transformers import DistilBertForSequenceClassification

    model = DistilBertForSequenceClassification.from_pretrained(checkpoint, attn_implementation="eager").eval()
    ids = torch.randint(1000, 30000, (2, 32))
    names = {"input_ids": {0: "batch", 1: "length"}, "attention_mask": {0: "batch", 1: "length"}, "logits": {0: "batch"}}
    torch.onnx.export(
        model,
        (ids, torch.ones_like(ids)),
        path,
        input_names=["input_ids", "attention_mask"],
        output_names=["logits"],
        dynamic_axes=names,
        opset_version=17,
        dynamo=False,
    )


def fuse(path, out):
    """ONNX Runtime's own transformer fusions: of LayerNorm with its residual, and GELU with its bias."""
    from onnxruntime.transformers import optimizer

    model = optimizer.optimize_model(str(path), model_type="bert", num_heads=12, hidden_size=768, opt_level=0)
    print("fused:", model.get_fused_operator_statistics())
    model.save_model_to_file(str(out))


def quantize_onnx(path, out):
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    quantize_dynamic(
        str(path),
        str(out),
        weight_type=QuantType.QInt8,
        per_channel=True,
        # 7 bits of weight: without VNNI the sums of pairs saturate at 16 bits, as ONNX Runtime's documentation warns.
        reduce_range=True,
        # What shape inference cannot tell of the fused operators' results.
        extra_options={"DefaultTensorType": onnx.TensorProto.FLOAT},
    )


def quantize_openvino(path, out, tokenizer, texts):
    import nncf
    import openvino
    from tokenizers import BertWordPieceTokenizer

    encode = BertWordPieceTokenizer(str(tokenizer), lowercase=True)
    encode.enable_truncation(384)
    samples = []
    for line in texts:
        ids = np.array([encode.encode(json.loads(line)).ids], dtype=np.int64)
        samples.append({"input_ids": ids, "attention_mask": np.ones_like(ids)})
    model = openvino.Core().read_model(path)
    data = nncf.Dataset(samples)
    quantized = nncf.quantize(model, data, model_type=nncf.ModelType.TRANSFORMER, subset_size=len(samples))
    openvino.save_model(quantized, str(out), compress_to_fp16=False)


def main(models, texts):
    import openvino

    models = pathlib.Path(models)
    checkpoint, onnx = models / "distilbert-base/1", models.parent / "onnx"
    onnx.mkdir(exist_ok=True)
    if not (onnx / "distilbert.onnx").exists():
        export(checkpoint, onnx / "partial.onnx")
        (onnx / "partial.onnx").rename(onnx / "distilbert.onnx")
    if not (onnx / "distilbert-fused.onnx").exists():
        fuse(onnx / "distilbert.onnx", onnx / "distilbert-fused.onnx")
    if not (onnx / "distilbert-int8.onnx").exists():
        quantize_onnx(onnx / "distilbert-fused.onnx", onnx / "distilbert-int8.onnx")
    if not (onnx / "distilbert.xml").exists():
        model = openvino.convert_model(str(onnx / "distilbert.onnx"))
        openvino.save_model(model, str(onnx / "distilbert.xml"), compress_to_fp16=False)
    if not (onnx / "distilbert-int8.xml").exists():
        with open(texts) as file:
            lines = file.readlines()[::125]
        quantize_openvino(onnx / "distilbert.xml", onnx / "distilbert-int8.xml", checkpoint / "vocab.txt", lines)


if len(sys.argv) != 3:
    sys.exit(__doc__)
main(*sys.argv[1:])
