# SPDX-License-Identifier: BSD-3-Clause
"""A writer of safetensors files for the golden scripts: save(path, {name: torch tensor, numpy array or number})."""
import json
import struct

import numpy as np

NAMES = {"float64": "F64", "float32": "F32", "int64": "I64", "int32": "I32", "uint8": "U8", "bool": "BOOL"}


def to_array(value):
    if hasattr(value, "detach"):
        value = value.detach().numpy()
    value = np.asarray(value)
    return value.copy(order="C").astype(value.dtype.newbyteorder("<"))


def save(path, tensors):
    """Largest element type first, then by name, as the reference writer does, so every tensor is aligned; the header is
    padded to a multiple of 8. The same tensors give the same bytes."""
    arrays = {name: to_array(value) for name, value in tensors.items()}
    for name, a in arrays.items():
        if not np.isfinite(a).all():
            raise ValueError(f"{name} is not finite")
    order = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header, offset = {"__metadata__": {"format": "pt"}}, 0
    for name in order:
        a = arrays[name]
        header[name] = {"dtype": NAMES[a.dtype.name], "shape": list(a.shape), "data_offsets": [offset, offset + a.nbytes]}
        offset += a.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text)
        for name in order:
            f.write(arrays[name].tobytes())
    print(f"{path}: {len(order)} tensors, {offset + len(text) + 8} bytes")
