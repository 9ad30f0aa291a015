"""Makes a Hugging Face checkpoint of a BERT whose weights an ONNX file holds in 4 and 8 bits. Needs Python alone.

    python3 ops/dequantise.py MODEL.onnx MODEL.safetensors

ONNX Runtime's quantiser leaves each tensor in one of three forms, and all become F32 here, rounded once:

    a float tensor                                  as it is
    DequantizeLinear of a uint8 table               (q - zero point) * scale, both of the whole table: the embeddings
    MatMulNBits, 4 bits, [N, K / block, block / 2]  (q - 8) * scale of the block; the low half of a byte comes first

The product of a float and so small an integer is exact in double, so these are the weights that ONNX Runtime computes with.
A linear layer's matrix has lost its name on the way; it is that of the node which multiplies with it.
Source: onnx.proto (the numbers of the fields) and the contrib operator MatMulNBits of ONNX Runtime.
"""

import array
import json
import sys

# The fields that are read, by their numbers in onnx.proto.
MODEL_GRAPH = 7
GRAPH_NODE, GRAPH_INITIALIZER = 1, 5
NODE_INPUT, NODE_NAME, NODE_OPERATOR, NODE_ATTRIBUTE = 1, 3, 4, 5
ATTRIBUTE_NAME, ATTRIBUTE_INTEGER = 1, 3
TENSOR_DIMENSION, TENSOR_TYPE, TENSOR_FLOATS, TENSOR_INTEGERS, TENSOR_NAME, TENSOR_BYTES = 1, 2, 4, 5, 8, 9
FLOAT, UINT8 = 1, 2
ZERO_POINT = 8  # of MatMulNBits without one of its own


class Message:
    """A protobuf message, its fields by number: lists of integers, or of the bytes of strings and messages."""

    def __init__(self, data):
        self.fields, at = {}, 0
        while at < len(data):
            key, at = self.varint(data, at)
            kind = key & 7
            if kind == 0:
                value, at = self.varint(data, at)
            else:
                length, at = {1: (8, at), 5: (4, at)}.get(kind) or self.varint(data, at)
                value, at = data[at:at + length], at + length
            self.fields.setdefault(key >> 3, []).append(value)

    @staticmethod
    def varint(data, at):
        value = shift = 0
        while True:
            byte = data[at]
            value, shift, at = value | (byte & 127) << shift, shift + 7, at + 1
            if byte < 128:
                return value, at

    def messages(self, number):
        return [Message(value) for value in self.fields.get(number, [])]

    def text(self, number):
        return bytes(self.fields[number][0]).decode()

    def texts(self, number):
        return [bytes(value).decode() for value in self.fields.get(number, [])]


class Tensor:
    def __init__(self, message):
        self.name, self.shape = message.text(TENSOR_NAME), message.fields.get(TENSOR_DIMENSION, [])
        self.type = message.fields[TENSOR_TYPE][0]
        self.bytes = message.fields.get(TENSOR_BYTES, [b""])[0]
        if not self.shape:  # a number by itself stands in another field, in packed form
            packed = message.fields[TENSOR_FLOATS if self.type == FLOAT else TENSOR_INTEGERS][0]
            self.bytes = packed if self.type == FLOAT else bytes([Message.varint(packed, 0)[0]])

    def values(self):
        return array.array("f" if self.type == FLOAT else "B", bytes(self.bytes))


def table(quantised, scale, zero):
    """A tensor with one scale."""
    floats = [(q - zero) * scale for q in range(256)]
    return array.array("f", [floats[q] for q in quantised])


def matrix(quantised, scales, block):
    """A tensor with a scale for each block."""
    result, half = array.array("f"), block // 2
    for index, scale in enumerate(scales):
        floats = [(q - ZERO_POINT) * scale for q in range(16)]
        for byte in quantised[index * half:(index + 1) * half]:
            result.append(floats[byte & 15])
            result.append(floats[byte >> 4])
    return result


def checkpoint(graph):
    """(shape, values) by the name that the checkpoint has for them."""
    tensors = {tensor.name: tensor for tensor in map(Tensor, graph.messages(GRAPH_INITIALIZER))}
    # Tensors of a name that PyTorch has given; the others are constants of the graph and quantised matrices.
    result = {name: (tensor.shape, tensor.values()) for name, tensor in tensors.items()
              if tensor.type == FLOAT and name.endswith((".weight", ".bias"))}
    for node in graph.messages(GRAPH_NODE):
        inputs = node.texts(NODE_INPUT)
        if node.text(NODE_OPERATOR) == "Gather" and inputs[0].endswith("_quantized"):
            name = inputs[0].removesuffix("_quantized")
            scale, zero = (tensors[f"{name}_{part}"].values()[0] for part in ("scale", "zero_point"))
            result[name] = (tensors[inputs[0]].shape, table(tensors[inputs[0]].values(), scale, zero))
        elif node.text(NODE_OPERATOR) == "MatMulNBits":
            attributes = {attribute.text(ATTRIBUTE_NAME): attribute.fields[ATTRIBUTE_INTEGER][0]
                          for attribute in node.messages(NODE_ATTRIBUTE)}
            rows, columns, block = attributes["N"], attributes["K"], attributes["block_size"]
            if attributes["bits"] != 4 or len(inputs) != 3 or columns % block:
                sys.exit(f"{node.text(NODE_NAME)}: only 4 bits, whole blocks and the usual zero point are known")
            values = matrix(tensors[inputs[1]].values(), tensors[inputs[2]].values(), block)
            # "/bert/encoder/layer.0/attention/self/query/MatMul_Q4"
            result[".".join(node.text(NODE_NAME).split("/")[1:-1]) + ".weight"] = ([rows, columns], values)
    return result


def write(path, tensors):
    """Writes a safetensors file."""
    header, end = {"__metadata__": {"format": "pt"}}, 0
    for name, (shape, values) in sorted(tensors.items()):
        begin, end = end, end + 4 * len(values)
        header[name] = dict(dtype="F32", shape=shape, data_offsets=[begin, end])
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for _, (_, values) in sorted(tensors.items()):
            if sys.byteorder == "big":
                values.byteswap()
            file.write(values.tobytes())


def main(source, target):
    with open(source, "rb") as file:
        model = Message(memoryview(file.read()))
    write(target, checkpoint(model.messages(MODEL_GRAPH)[0]))


if __name__ == "__main__":
    main(*sys.argv[1:])
