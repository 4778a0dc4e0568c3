"""PyTorch: the encoders of utils/bert_onnx.py as a module, as it is and compiled, in f32 and bf16."""
import math

import numpy as np

from .peer import Peer, Run, Variant


class PyTorch(Peer):
    key, title, package, requirements = "pytorch", "PyTorch", "torch", "requirements-pytorch.txt"
    precisions = ("f32", "bf16")

    def prepare(self, model, precision, folder, calibration):
        if not model.named_weights:
            raise RuntimeError("the ONNX file does not keep the names of its weights")
        return [Variant(label, model.path, {"dtype": precision, "compile": label == "compiled"})
                for label in ("compiled", "eager")]

    def open(self, model, variant, inputs, threads):
        import torch
        torch.set_num_threads(threads)
        dtype = {"f32": torch.float32, "bf16": torch.bfloat16}[variant.settings["dtype"]]
        encoder = make_encoder(model).to(dtype).eval()
        if variant.settings["compile"]:
            encoder = torch.compile(encoder, dynamic=False)
        arguments = [torch.from_numpy(np.ascontiguousarray(inputs[name])) for name in ("input_ids", "attention_mask")]
        last = []

        def call():
            if torch.get_num_threads() != threads:
                torch.set_num_threads(threads)
            with torch.inference_mode():
                last[:] = encoder(*arguments)

        def outputs():
            return {name: value.float().numpy() for name, value in zip(("last_hidden_state", "embedding"), last)}

        return Run(call, outputs)


def make_encoder(model):
    """A module with the weights of the ONNX file, which are named as in Hugging Face's BertModel."""
    import onnx
    import torch
    from onnx import numpy_helper
    from torch.nn import functional as F

    constants = {value.name: numpy_helper.to_array(value) for value in onnx.load(model.path).graph.initializer}
    hidden, heads, epsilon = model.hidden, model.heads, 1e-12

    class Encoder(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for name, array in constants.items():
                if array.ndim and "." in name:
                    # Products are with [inputs, outputs] in ONNX, with [outputs, inputs] here.
                    array = array.T if array.ndim == 2 and "embeddings" not in name else array
                    weight = torch.nn.Parameter(torch.from_numpy(np.array(array)), requires_grad=False)
                    self.register_parameter(name.replace(".", "/"), weight)

        def weight(self, name):
            return getattr(self, name.replace(".", "/"))

        def linear(self, name, x):
            return F.linear(x, self.weight(name + ".weight"), self.weight(name + ".bias"))

        def norm(self, name, x):
            return F.layer_norm(x, (hidden,), self.weight(name + ".weight"), self.weight(name + ".bias"), epsilon)

        def forward(self, ids, mask):
            x = F.embedding(ids, self.weight("embeddings.word_embeddings.weight"))
            x = x + self.weight("embeddings.token_type_0")
            x = x + self.weight("embeddings.position_embeddings.weight")[: ids.shape[1]]
            x = self.norm("embeddings.LayerNorm", x)
            bias = (1 - mask[:, None, None, :].to(x.dtype)) * torch.finfo(x.dtype).min
            split = lambda y: y.view(*y.shape[:2], heads, hidden // heads).transpose(1, 2)
            for layer in range(model.layers):
                at = f"encoder.layer.{layer}."
                query, key, value = (split(self.linear(f"{at}attention.self.{part}", x))
                                     for part in ("query", "key", "value"))
                mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=bias,
                                                       scale=1 / math.sqrt(hidden // heads))
                mixed = mixed.transpose(1, 2).reshape(x.shape)
                x = self.norm(at + "attention.output.LayerNorm", x + self.linear(at + "attention.output.dense", mixed))
                inner = F.gelu(self.linear(at + "intermediate.dense", x))
                x = self.norm(at + "output.LayerNorm", x + self.linear(at + "output.dense", inner))
            kept = mask.to(x.dtype).unsqueeze(-1)
            mean = (x * kept).sum(1) / kept.sum(1)
            return x, mean / mean.norm(dim=-1, keepdim=True)

    return Encoder()
