"""Writes the npz files of the run tests: make_npz.py FOLDER"""
import pathlib
import sys

import numpy as np

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
ids = np.array([[5, 6, 7], [8, 9, 0]], np.int64)
mask = np.array([[1, 1, 1], [1, 1, 0]], np.int64)
x = np.arange(12, dtype=np.float32).reshape(2, 3, 2)
inputs = {"input_ids": ids, "attention_mask": mask, "x": x}
np.savez(folder / "inputs.npz", **inputs)
np.savez_compressed(folder / "compressed.npz", **inputs)
np.savez(folder / "fortran.npz", **inputs | {"x": np.asfortranarray(x)})
np.save(folder / "x.npy", x)
x.tofile(folder / "x.bin")

# The model's padded rows are zero; what stands there in the expected file does not count.
expected = {"y": 2 * x, "ids": ids}
np.savez(folder / "expected.npz", **expected)
np.savez(folder / "wrong.npz", **expected | {"y": 2 * x + np.float32(0.5)})
np.savez(folder / "shape.npz", y=(2 * x)[:, :2])
np.savez(folder / "type.npz", y=2.0 * x.astype(np.float64))
np.savez(folder / "name.npz", z=x)

np.savez(folder / "missing.npz", input_ids=ids, x=x)
np.savez(folder / "extra.npz", **inputs | {"token_type_ids": ids})
np.savez(folder / "mistyped.npz", **inputs | {"x": x.astype(np.float64)})
np.savez(folder / "rank.npz", **inputs | {"x": x[0]})
np.savez(folder / "size.npz", **inputs | {"x": x[:, :2]})
np.savez(folder / "big_endian.npz", **inputs | {"x": x.astype(">f4")})
np.savez(folder / "strings.npz", **inputs | {"x": np.array(["a", "b"])})
(folder / "text.npz").write_text("this is no zip file, though long enough to be one")
