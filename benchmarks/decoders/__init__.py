"""The runtimes that benchmarks/experts.py measures as decoders, a module each."""
from .llama_cpp import LlamaCpp
from .onnx_runtime import OnnxRuntimeDecoder
from .tamis import TamisDecoder

OTHERS = {peer.key: peer for peer in (OnnxRuntimeDecoder, LlamaCpp)}

__all__ = ["OTHERS", "LlamaCpp", "OnnxRuntimeDecoder", "TamisDecoder"]
