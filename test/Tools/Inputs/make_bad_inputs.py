"""make_bad_inputs.py INPUTS.npz FOLDER: makes inputs of an encoder that it cannot use, from good ones.
make_bad_inputs.py --compare A.npz B.npz: the rows of A but for the last are those of B; the last is zeros."""
import pathlib
import sys

import numpy as np

if sys.argv[1] == "--compare":
    ((_, a),), ((_, b),) = (np.load(path).items() for path in sys.argv[2:])
    assert np.array_equal(a[:-1], b) and not a[-1].any(), (a, b)
    sys.exit(print(f"{len(b)} rows agree, the last is zeros"))

good = dict(np.load(sys.argv[1]))
folder = pathlib.Path(sys.argv[2])
folder.mkdir(parents=True)
assert good["input_ids"].shape == (3, 5)


def write(name, change):
    arrays = {key: value.copy() for key, value in good.items()}
    np.savez(folder / f"{name}.npz", **(change(arrays) or arrays))


def set_id(value):
    def change(arrays):
        arrays["input_ids"][1, 1] = value
        arrays["attention_mask"][1, 1] = 1
    return change


def mask_last(arrays):
    arrays["attention_mask"][:] = 1
    arrays["attention_mask"][-1] = 0


write("id_high", set_id(10**6))
write("id_low", set_id(-10**6))
write("batch_0", lambda arrays: {key: value[:0] for key, value in arrays.items()})
write("length_0", lambda arrays: {key: value[:, :0] for key, value in arrays.items()})
write("padding", mask_last)
write("without", lambda arrays: mask_last(arrays) or {key: value[:-1] for key, value in arrays.items()})
