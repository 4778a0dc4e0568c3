"""The runtimes that benchmarks/run.py measures beside Tamis, a module each."""
from .iree import Iree
from .onnx_runtime import OnnxRuntime
from .openvino_runtime import OpenVino
from .peer import GRADES, Peer, Run, Variant, choose_peers, first_line, newer
from .pytorch import PyTorch
from .tamis import Tamis

OTHERS = {peer.key: peer for peer in (OnnxRuntime, OpenVino, Iree, PyTorch)}

__all__ = ["GRADES", "OTHERS", "OnnxRuntime", "Peer", "Run", "Tamis", "Variant", "choose_peers", "first_line", "newer"]
