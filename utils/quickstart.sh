#!/usr/bin/env bash
#===- quickstart.sh - From a fresh machine to a compiled model -----------------------------------------------===#
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
  cat << 'END'
usage: utils/quickstart.sh [--build DIR] [--threads N] [--model NAME]

Installs what is missing (Debian packages, as root or with sudo; a Python environment in the build folder),
builds Tamis, compiles a real model, runs it, and compares answers and time with ONNX Runtime. A second run
only does what changed.

  --build DIR    the build folder (default: build/release)
  --threads N    threads of both runtimes (default: 2)
  --model NAME   package-section (default): the mixture of experts in examples/package-section, which tells the
                 section of a Debian package from its description; minilm: paraphrase-MiniLM-L3-v2, a sentence
                 encoder from PyPI, on the sentences of examples/sentences
END
}

build=$TAMIS_SOURCE/build/release
threads=2 model=package-section
while (($#)); do
  case $1 in
    --build) build=${2:?--build needs a folder}; shift ;;
    --threads) threads=${2:?--threads needs a number}; shift ;;
    --model) model=${2:?--model needs a name}; shift ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
case $model in
  package-section | minilm) ;;
  *) usage >&2; exit 2 ;;
esac
mkdir -p "$build"
build=$(cd "$build" && pwd)

install_packages
python_environment "$build/python" "$TAMIS_SOURCE/utils/requirements.txt"
say "Building Tamis in $build (the first time takes some minutes; log: $build/log)"
quietly "$build/log/configure.log" configure "$build" "-DTAMIS_PYTHON=$build/python/bin/python"
quietly "$build/log/build.log" ninja -C "$build" tamis tamis-compile TamisRuntimeShared

say "Compiling, running and comparing"
examples=$TAMIS_SOURCE/examples
case $model in
  package-section)
    arguments=(--model "$examples/package-section/package-section.onnx"
      --inputs "$examples/package-section/texts.npz" --texts "$examples/package-section/texts.jsonl")
    ;;
  minilm) arguments=(--model "$(minilm_model "$build/python")" --inputs "$examples/sentences/sentences.npz") ;;
esac
exec "$build/python/bin/python" "$TAMIS_SOURCE/utils/quickstart.py" --build "$build" --threads "$threads" \
  --name "$model" "${arguments[@]}"
