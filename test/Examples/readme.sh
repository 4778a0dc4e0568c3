#!/usr/bin/env bash
#===- readme.sh - Runs the commands of the README's tour, as they stand there ---------------------------------===#
# usage: readme.sh BUILD FOLDER PYTHON
set -euo pipefail
build=$1 folder=$2 python=$3
source=$(cd "$(dirname "$0")/../.." && pwd)

rm -rf "$folder"
mkdir -p "$folder/build/release"
ln -s "$build/bin" "$folder/build/release/bin"
ln -s "$source/examples" "$folder/examples"
cd "$folder"

# The commands are the indented lines of the section.
sed -n '/^## Five minutes/,/^## /s/^    //p' "$source/README.md" > tour.sh
[[ -s tour.sh ]] || { echo "README.md has no tour"; exit 1; }
# The real model comes from the Python environment of the tests; without it the tour is shorter.
packages=$("$python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
model=$(find "$packages" -name paraphrase-MiniLM-L3-v2.onnx -print -quit)
if [[ -n $model ]]; then
  build/release/bin/tamis compile "$model" -o build/release/minilm.tamis
else
  echo "without the real model"
  sed -i '/minilm/d' tour.sh
fi
cat tour.sh
bash -euo pipefail tour.sh
[[ -s tiny.tamis && -s tiny.o && -s tiny.h ]]
