"""llama.cpp as a decoder: the same weights as Q4_0, by the C interface that llama-cpp-python brings.

It runs in a process of its own. It sets up the tiles of a thread once and for all: another runtime that uses them in the same
thread, as Tamis does, leaves it without. And if it ends with a signal, the measurement goes on: GCC 12 compiles
its setting of tiles wrongly, see requirements-llama.txt. A call there and back costs less than 0.1 ms.
"""
import multiprocessing

from peers import Peer, Variant, newer

from .llama_process import serve
from .sequences import Sequences


class LlamaCpp(Peer):
    key, title, package, requirements = "llama.cpp", "llama.cpp", "llama_cpp", "requirements-llama.txt"

    def version(self):
        import llama_cpp
        return f"of llama-cpp-python {llama_cpp.__version__}"

    def prepare_decoder(self, model, folder):
        from suite import decoder_gguf
        file = model.with_suffix(".gguf")
        if not newer(file, model):
            scratch = file.with_suffix(".part")
            decoder_gguf.write(scratch, model)
            scratch.rename(file)
        # Threads that spin are quicker, unless others want the cores.
        return [Variant(f"{layout}, {threads}", file, {"relay": relay, "wait": wait})
                for layout, relay in (("weights laid out anew for the CPU", True), ("weights as stored", False))
                for threads, wait in (("threads spin", "active"), ("threads sleep", "passive"))]

    def open_decoder(self, variant, shape, batch, length, threads):
        return LlamaProcess(variant.settings, variant.file, shape.vocabulary, batch, length, threads)


class LlamaProcess(Sequences):
    def __init__(self, *arguments):
        context = multiprocessing.get_context("spawn")  # a fork would have the threads of other runtimes
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(theirs, *arguments), daemon=True)
        self.process.start()
        theirs.close()
        self.answer()

    def answer(self):
        try:
            error, result = self.pipe.recv()
        except EOFError:
            self.process.join()
            raise RuntimeError(f"llama.cpp ended with status {self.process.exitcode}") from None
        if error:
            raise RuntimeError(error)
        return result

    def ask(self, *request):
        self.pipe.send(request)
        return self.answer()

    def prepare(self, ids, past):
        number = self.ask("prepare", ids, past)
        return lambda: self.ask("run", number)

    def cut(self, length):
        self.ask("cut", length)

    def logits(self):
        return self.ask("logits")

    def __del__(self):
        if hasattr(self, "process"):
            self.pipe.close()
            self.process.join()
