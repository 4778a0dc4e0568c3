"""IREE: compiled for this CPU at its highest level of optimisation; runs in this process."""
import pathlib
import subprocess
import sys

import numpy as np

from .peer import Peer, Run, Variant, newer


class Iree(Peer):
    key, title, package, requirements = "iree", "IREE", "iree.runtime", "requirements-iree.txt"
    precisions = ("f32",)
    workers = None  # threads of the one pool that the process can have

    def version(self):
        from iree.runtime import version
        return version.VERSION

    def prepare(self, model, precision, folder, calibration):
        program, imported = folder / f"{model.key}-iree.vmfb", folder / f"{model.key}-iree.mlir"
        if not newer(program, model.path):
            tools = pathlib.Path(sys.prefix) / "bin"
            subprocess.run([tools / "iree-import-onnx", model.path, "-o", imported, "--opset-version", "17"], check=True)
            # Without the last option it refuses what it vectorises for dynamic shapes.
            subprocess.run([tools / "iree-compile", imported, "-o", program, "--iree-hal-target-device=local",
                            "--iree-hal-local-target-device-backends=llvm-cpu", "--iree-llvmcpu-target-cpu=host",
                            "--iree-opt-level=O3", "--iree-llvmcpu-fail-on-out-of-bounds-stack-allocation=false"],
                           check=True)
            imported.unlink()
        return [Variant("", program)]

    def device(self, threads):
        import iree.runtime as runtime
        if threads == 1:
            return runtime.get_device("local-sync")
        # The pool's size is a flag of the process, read when the pool is made.
        if Iree.workers not in (None, threads):
            raise RuntimeError(f"one process measures one number of threads above 1, and {Iree.workers} came first")
        if Iree.workers is None:
            runtime.flags.parse_flags(f"--task_topology_group_count={threads}")
            Iree.workers = threads
        return runtime.get_device("local-task")

    def open(self, model, variant, inputs, threads):
        import iree.runtime as runtime
        import onnx
        graph = onnx.load(model.path, load_external_data=False).graph
        device = self.device(threads)
        context = runtime.SystemContext(config=runtime.Config(device=device))
        module = runtime.VmModule.mmap(context.instance, str(variant.file))
        context.add_vm_module(module)
        name, = (name for name in module.function_names if not name.startswith("__") and "$" not in name)
        function = context.modules[module.name][name]
        arguments = [runtime.asdevicearray(device, np.ascontiguousarray(inputs[value.name])) for value in graph.input]
        last = []

        def call():
            last[:] = function(*arguments)

        return Run(call, lambda: {value.name: np.asarray(array) for value, array in zip(graph.output, last)})
