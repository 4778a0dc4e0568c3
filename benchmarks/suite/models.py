"""The models that are measured, and how much work a batch is."""
import dataclasses
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent


@dataclasses.dataclass
class Model:
    key: str
    title: str
    layers: int
    hidden: int
    heads: int
    named_weights: bool = True  # as in Hugging Face's BertModel
    random: bool = False
    path: pathlib.Path | None = None

    def operations(self, lengths):
        """Additions and multiplications of the products of a batch, whose sequences have these many real tokens."""
        linear = 12 * self.hidden * self.hidden  # four square products, and two with the inner layer, 4 x hidden
        return 2 * self.layers * sum(n * linear + 2 * n * n * self.hidden for n in map(int, lengths))


MODELS = {model.key: model for model in (
    Model("l3", "MiniLM-L3", 3, 384, 12, named_weights=False),
    Model("l6", "MiniLM-L6", 6, 384, 12),
    Model("base", "BERT-base-sized", 12, 768, 12, random=True),
    Model("large", "4 layers of BERT-large's size", 4, 1024, 16, random=True),
)}


def make(model, folder):
    """Finds or writes the ONNX file of a model."""
    if model.key == "l3":
        model.path = next(pathlib.Path(sys.prefix).rglob("paraphrase-MiniLM-L3-v2.onnx"))
        return
    model.path = folder / f"{model.key}.onnx"
    scratch = model.path.with_suffix(".onnx.part")
    if model.path.exists():
        return
    if model.random:
        from . import random_encoder
        random_encoder.write(scratch, model.layers, model.hidden, model.heads)
    else:
        subprocess.run([sys.executable, ROOT / "utils" / "export_minilm.py", scratch], check=True)
    scratch.rename(model.path)
