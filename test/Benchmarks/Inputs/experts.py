"""What benchmarks/experts.py measures, at a small size: experts.py FOLDER-OF-BENCHMARKS TAMIS FOLDER

The layers' and decoders' results must be those of f32 but for rounding, in Tamis and in ONNX Runtime; steps that are
repeated after a cut the same; and the blocks for llama.cpp the numbers of the ONNX file. Prints a line a check.
"""
import dataclasses
import pathlib
import sys

import numpy as np

benchmarks, program, folder = map(pathlib.Path, sys.argv[1:])
sys.path[:0] = [str(benchmarks), str(benchmarks.parent / "utils")]
from decoders import OnnxRuntimeDecoder, TamisDecoder  # noqa: E402 (the path comes first)
from decoders.onnx_runtime import SharedBuffers, quantised_session  # noqa: E402
from suite import decoder_gguf, decoding, expert_layers, layers, random_moe_decoder  # noqa: E402

folder.mkdir(exist_ok=True)
tamis, onnxruntime = TamisDecoder(program.parent.parent), OnnxRuntimeDecoder()
tamis.options = ["--target=native"]


def say(what, error, bound):
    print(f"{what}: {'right' if error <= bound else f'off by {error:.2g}, more than {bound:.2g}'}")


def check_layer(layer):
    expert_layers.make(layer, folder)
    inputs = layer.inputs(9)
    want = expert_layers.reference(layer, inputs)
    for contender in layers.contenders_of(layer, tamis, [onnxruntime], folder):
        for variant in contender.variants:
            run = contender.peer.open(layer, variant, inputs, 2)
            run.call()
            bound = {"f32": 1e-5, "split-f32": 1e-4}.get(contender.precision, 0.05)
            say(f"{layer.key} {contender.key} {variant.label}", layers.error_of(run.outputs()["y"], want), bound)


def check_decoder(shape):
    path = decoding.make(shape, folder)
    ids, steps = decoding.tokens(shape, 2, 5)
    sequences = SharedBuffers(quantised_session(path, 2, accuracy=0), shape, 2, 5 + len(steps))
    want = decoding.Workload(sequences, ids, steps, False).logits()
    contenders, reasons = decoding.contenders_of(tamis, [onnxruntime], path, folder)
    for contender in contenders:
        for variant in contender.variants:
            sequences = contender.peer.open_decoder(variant, shape, 2, 5 + len(steps), 2)
            workload = decoding.Workload(sequences, ids, steps, False)
            say(f"{contender.key} {variant.label}", decoding.unlikeness(workload.logits(), want), 0.02)
            workload.begin()
            workload.call()
            first = sequences.logits()
            for _ in steps:  # the last of these calls is the first step again
                workload.call()
            say(f"{contender.key} {variant.label}, the same after a cut", np.abs(sequences.logits() - first).max(), 0)
    return path


def check_blocks(path):
    """Q4_0 read back as llama.cpp defines it: 2 bytes of scale; a byte has the elements i and i + 16."""
    decoder = decoder_gguf.Decoder(path)
    packed, scales = decoder.matrix("/lm_head")
    blocks = decoder_gguf.q4_0(packed, scales).reshape(len(packed), -1, 18)
    scale = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    got = (np.concatenate([blocks[..., 2:] & 15, blocks[..., 2:] >> 4], -1).astype(np.float32) - 8) * scale
    want = np.stack([packed & 15, packed >> 4], -1).reshape(got.shape).astype(np.float32) - 8
    say("blocks of Q4_0", np.abs(got - want * scales[..., None]).max() / scales.max(), 8 * 2**-11)
    turned = decoder_gguf.neighbours(np.arange(8)[:, None], 2)
    say("rows of heads", np.abs(turned[:, 0] - [0, 2, 1, 3, 4, 6, 5, 7]).max(), 0)


for layer in expert_layers.LAYERS.values():
    check_layer(dataclasses.replace(layer, hidden=64, inner=32, experts=6, chosen=2))
shape = random_moe_decoder.Shape(layers=2, hidden=64, heads=4, groups=2, experts=6, inner=32, chosen=2, vocabulary=96, positions=128)
check_blocks(check_decoder(shape))
