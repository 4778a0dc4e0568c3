# The configuration of the lit tests. See lit.site.cfg.py.in for what the build fills in.
import os
import pathlib
import subprocess
import tempfile

import lit.formats

config.name = "Tamis"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["Inputs"]
config.test_source_root = os.path.dirname(__file__)
config.test_exec_root = config.tamis_tests

# Tools are found by name: Tamis' own, then LLVM's.
config.environment["PATH"] = os.pathsep.join([config.tamis_bin, config.llvm_tools, os.environ.get("PATH", "")])
# A level forced from outside would change what the tests see.
config.environment.pop("TAMIS_ISA", None)
config.substitutions += [
    ("%tamis", os.path.join(config.tamis_bin, "tamis")),
    ("%python", config.python),
    # The runtime that programs link has the build's sanitizers.
    ("%cc", config.cc + (f" -fsanitize={config.tamis_sanitize}" if config.tamis_sanitize else "")),
    ("%runtime", config.runtime),
    ("%kill_at_sync", os.path.join(config.tamis_bin, "..", "lib", "tamis-kill-at-sync.so")),
    ("%no_tmpfile", os.path.join(config.tamis_bin, "..", "lib", "tamis-no-tmpfile.so")),
    ("%damage_step", "1" if config.tamis_sanitize else "5"),
    # Seconds after which the import of a small model hangs; sanitizers slow it down.
    ("%time_limit", "600" if config.tamis_sanitize else "60"),
    ("%source", str(pathlib.Path(config.test_source_root).parent)),
]


def cpu_flags():
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return set()
    return next((set(line.split(":")[1].split()) for line in lines if line.startswith("flags")), set())


# Features for REQUIRES: ISA levels of this CPU, what was built, and the modules that Python has.
flags = cpu_flags()
LEVELS = {
    "x86-64-v3": {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm"},
    "x86-64-v3-vnni": {"avx2", "fma", "bmi1", "bmi2", "f16c", "movbe", "abm", "avx_vnni"},
    "x86-64-v4": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    "x86-64-v4-vnni": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni"},
    "x86-64-v4-bf16": {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16"},
    "x86-64-v4-amx": {"avx512_fp16", "avx512_bf16", "avx512_vnni", "amx_tile", "amx_bf16", "amx_int8"},
}
config.available_features.update(level for level, needed in LEVELS.items() if needed <= flags)
# Long tests take every N-th of their cases; `lit -D all-cases` takes all.
config.substitutions += [(f"%every{n}", "--every " + ("1" if "all-cases" in lit_config.params else str(n))) for n in (2, 3, 4)]
# Options that name the levels with code of their own for f32 that this CPU runs.
isas = [level for level in ("x86-64-v3", "x86-64-v4") if level in config.available_features]
config.substitutions.append(("%isas", " ".join("--isa " + level for level in isas)))
try: # Can the file system hold a file without a name?
    os.close(os.open(config.test_exec_root, os.O_TMPFILE | os.O_RDWR))
    config.available_features.add("tmpfile")
except OSError:
    pass
if config.tamis_sanitize:
    config.available_features.add("sanitizer")
    # LLVM's allocators poison what they have not given out. LLD, which is linked statically and has no sanitizers,
    # takes memory from the same instances of those templates and does not know that it has to be unpoisoned.
    config.environment["ASAN_OPTIONS"] = ":".join(
        filter(None, [os.environ.get("ASAN_OPTIONS"), "allow_user_poisoning=0"]))
def makes_sparse_files():
    """Whether a file of 5 GiB that is a hole can be made where tests write, and takes no room there."""
    os.makedirs(config.test_exec_root, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=config.test_exec_root) as file:
            file.truncate(5 << 30)
            return os.fstat(file.fileno()).st_blocks * 512 < 1 << 20
    except OSError:
        return False


if makes_sparse_files():
    config.available_features.add("sparse-files")
if os.geteuid() == 0:
    config.available_features.add("root")
for tool in ["tamis", "tamis-opt", "tamis-translate", "tamis-runtime-tests", "tamis-tools-tests",
             "tamis-calibration-tests"]:
    if os.path.exists(os.path.join(config.tamis_bin, tool)):
        config.available_features.add(tool)
for module in ["numpy", "onnx", "onnxruntime"]:
    find = f"import importlib.util, sys; sys.exit(importlib.util.find_spec('{module}') is None)"
    if subprocess.run([config.python, "-c", find], capture_output=True).returncode == 0:
        config.available_features.add(module)
driver = os.path.join(config.tamis_bin, "tamis")
if "tamis" in config.available_features:
    text = subprocess.run([driver, "--help"], capture_output=True, text=True).stdout
    # A build of the driver alone, as the sanitizers have one, lacks what does the work.
    compiles = os.path.exists(os.path.join(config.tamis_bin, "tamis-compile"))
    if compiles and any(line.split()[:1] == ["compile"] for line in text.splitlines()):
        config.available_features.add("compile")
