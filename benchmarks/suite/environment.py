"""The Python environment of the suite, in the build folder."""
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys


def compilers():
    """Variables for packages that are built from source: clang where it is there, for the reason that
    requirements-llama.txt gives; and no parts for images, which take longest."""
    variables = {"CMAKE_ARGS": "-DLLAVA_BUILD=OFF"}
    for name, programs in (("CC", ("clang-22", "clang")), ("CXX", ("clang++-22", "clang++"))):
        found = next(filter(None, map(shutil.which, programs)), None)
        if found:
            variables[name] = found
    return variables


def install(folder, python, requirements):
    """Installs a list of packages unless it is there. The lists are complete, so nothing is resolved."""
    stamp = folder / f"{requirements.stem}.sha256"
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == digest:
        return
    print(f"Installing benchmarks/{requirements.name} in {folder}", file=sys.stderr)
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r",
                    requirements], check=True, env={**compilers(), **os.environ})
    stamp.write_text(digest)


def enter(folder, required, optional):
    """Makes the environment if need be, and goes on in it. An optional list that cannot be installed is left out:
    its runtime is then listed as not measured."""
    python = folder / "bin" / "python"
    if not python.exists():
        base = "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable
        subprocess.run([base, "-m", "venv", folder], check=True)
    install(folder, python, required)
    for requirements in optional:
        try:
            install(folder, python, requirements)
        except subprocess.CalledProcessError as error:
            print(f"benchmarks/{requirements.name} cannot be installed: {error}", file=sys.stderr)
    if pathlib.Path(sys.prefix).resolve() != folder.resolve():
        os.execv(python, [str(python), *sys.argv])
