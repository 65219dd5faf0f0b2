#!/usr/bin/env python3
"""Writes the small files in fixtures/ that the tests of weights/ read.

Needs PyTorch (Debian: python3-torch). The files are committed; run this only to change them:

    /usr/bin/python3 tests/weights/make_fixtures.py

`make_fixtures.py --check FILE.safetensors` reads a safetensors file by itself (no PyTorch, none of the
project's code) and prints every tensor's name, shape and sum, to check the writer by hand.
"""
import array
import collections
import io
import json
import math
import pathlib
import pickle
import struct
import sys

FOLDER = pathlib.Path(__file__).parent / "fixtures"


def check(path):
    data = pathlib.Path(path).read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    assert length % 8 == 0, "the data is not aligned"
    header = json.loads(data[8 : 8 + length])
    print("metadata", header.pop("__metadata__", {}))
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        values = array.array("f", data[8 + length + begin : 8 + length + end])
        assert entry["dtype"] == "F32" and len(values) == math.prod(entry["shape"])
        print(name, entry["shape"], math.fsum(values))


def state():
    """What most fixtures hold: values that are exact in every format."""
    import torch

    return collections.OrderedDict(
        [
            ("conv.weight", torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2) / 8 - 1),
            ("conv.bias", torch.tensor([0.5, -0.25])),
        ]
    )


def old_style(tensors, path):
    """The legacy format as PyTorch before 0.4 wrote it, with _rebuild_tensor of four arguments."""
    import torch

    class Tensor:
        def __init__(self, tensor):
            self.tensor = tensor

        def __reduce__(self):
            shape, strides = tuple(self.tensor.shape), self.tensor.stride()
            return torch._utils._rebuild_tensor, (Storage(self.tensor), 0, shape, strides)

    class Storage:
        def __init__(self, tensor):
            self.tensor = tensor

    storages = []

    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            if not isinstance(thing, Storage):
                return None
            storages.append(thing.tensor)
            return ("storage", torch.FloatStorage, str(len(storages)), "cpu", thing.tensor.numel(), None)

    out = io.BytesIO()
    pickle.dump(0x1950A86A20F9469CFC6C, out, 2)
    pickle.dump(1001, out, 2)
    sizes = {"short": 2, "int": 4, "long": 4}
    pickle.dump({"protocol_version": 1001, "little_endian": True, "type_sizes": sizes}, out, 2)
    Pickler(out, 2).dump(collections.OrderedDict((k, Tensor(v)) for k, v in tensors.items()))
    pickle.dump([str(i + 1) for i in range(len(storages))], out, 2)
    for tensor in storages:
        out.write(struct.pack("<q", tensor.numel()) + tensor.numpy().tobytes())
    path.write_bytes(out.getvalue())


def safetensors(tensors, path):
    header, data = {}, b""
    for name, (dtype, shape, values) in tensors.items():
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [len(data), len(data) + len(values)]}
        data += values
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


def main():
    import torch

    def save(name, value, zipped=True):
        torch.save(value, FOLDER / name, _use_new_zipfile_serialization=zipped)

    FOLDER.mkdir(exist_ok=True)
    tensors = state()
    save("zip.pth", tensors)
    save("legacy.pth", tensors, zipped=False)
    old_style(tensors, FOLDER / "legacy_old.pth")
    save("module_prefix.pth", {"module." + name: value for name, value in tensors.items()})
    save("parameter.pth", {name: torch.nn.Parameter(value) for name, value in tensors.items()})
    checkpoint = {"epoch": 3, "lr": 1e-3, "best": None, "args": ["--x", {"y": (1, -2, 2**40)}], "state_dict": tensors}
    save("checkpoint.pth", checkpoint)
    save("checkpoint_legacy.pth", checkpoint, zipped=False)

    types = [torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.int32, torch.int16, torch.int8]
    typed = {str(t).replace("torch.", ""): torch.tensor([-2, 0, 3]).to(t) for t in types}
    typed["half_special"] = torch.tensor([0x0001, 0x03FF, 0x7BFF, 0x7C00, -0x7C00], dtype=torch.int16).view(torch.float16)
    typed["double_special"] = torch.tensor([1e300, -1e300, 1e-300, 0.1], dtype=torch.float64)
    typed["uint8"] = torch.tensor([0, 7, 255], dtype=torch.uint8)
    typed["bool"] = torch.tensor([True, False, True])
    save("types.pth", typed)
    save("types_legacy.pth", typed, zipped=False)

    base = torch.arange(24, dtype=torch.float32)
    grid = base.reshape(4, 6)
    views = {
        "base": base,
        "transposed": grid.t(),
        "window": grid[1:3, 2:5],
        "every_third": base[1::3],
        "expanded": base[5:6].reshape(1, 1).expand(2, 3),
        "one_row": grid[2:3],
        "scalar": base[7],
        "empty": base[24:].reshape(0, 3),
    }
    save("views.pth", views)
    save("views_legacy.pth", views, zipped=False)

    pack = lambda letter, *values: struct.pack("<%d%s" % (len(values), letter), *values)
    safetensors(
        {
            "module.conv.weight": ("F32", [2, 3, 2, 2], tensors["conv.weight"].numpy().tobytes()),
            "module.conv.bias": ("F32", [2], tensors["conv.bias"].numpy().tobytes()),
        },
        FOLDER / "module_prefix.safetensors",
    )
    safetensors(
        {
            "float64": ("F64", [3], pack("d", -2, 0, 3)),
            "float16": ("F16", [3], pack("e", -2, 0, 3)),
            "bfloat16": ("BF16", [3], pack("H", 0xC000, 0, 0x4040)),
            "int64": ("I64", [3], pack("q", -2, 0, 3)),
            "int32": ("I32", [3], pack("i", -2, 0, 3)),
            "int16": ("I16", [3], pack("h", -2, 0, 3)),
            "int8": ("I8", [3], pack("b", -2, 0, 3)),
            "uint64": ("U64", [3], pack("Q", 0, 7, 255)),
            "uint32": ("U32", [3], pack("I", 0, 7, 255)),
            "uint16": ("U16", [3], pack("H", 0, 7, 255)),
            "uint8": ("U8", [3], pack("B", 0, 7, 255)),
            "bool": ("BOOL", [3], pack("B", 1, 0, 1)),
            "scalar": ("F32", [], pack("f", 7)),
            "empty": ("F32", [0, 3], b""),
        },
        FOLDER / "types.safetensors",
    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check"]:
        check(sys.argv[2])
    else:
        main()
