"""Reads weight files for the PyTorch peers, and writes safetensors for the goldens."""
import json
import pathlib
import struct

import numpy
import torch


def read_weights(path):
    """Tensors by name, fp32, without the "module." of DataParallel. Reads .safetensors and .pth."""
    path = pathlib.Path(path)
    tensors = read_safetensors(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu")
    return {name.removeprefix("module."): tensor.float() for name, tensor in tensors.items()}


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))
        data = file.read()
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] != "F32":
            raise ValueError(f"{path}: {name} is {entry['dtype']}, and only F32 is read here")
        begin, end = entry["data_offsets"]
        values = numpy.frombuffer(data[begin:end], "<f4").reshape(entry["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors


def write_safetensors(path, tensors, metadata=None):
    """tensors: names to fp32 tensors. The header is padded so that the data begins at a multiple of 8."""
    header, blobs, offset = {}, [], 0
    if metadata:
        header["__metadata__"] = metadata
    for name, tensor in tensors.items():
        blob = tensor.detach().contiguous().numpy().astype("<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(tensor.shape), "data_offsets": [offset, offset + len(blob)]}
        blobs.append(blob)
        offset += len(blob)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    pathlib.Path(path).write_bytes(struct.pack("<Q", len(text)) + text + b"".join(blobs))
