#!/usr/bin/env bash
#===- readme.sh - Runs the commands of the README's tour, as they stand there ---------------------------------===#
# usage: readme.sh BUILD FOLDER
set -euo pipefail
build=$1 folder=$2
source=$(cd "$(dirname "$0")/../.." && pwd)

rm -rf "$folder"
mkdir -p "$folder/build/release"
ln -s "$build/bin" "$folder/build/release/bin"
ln -s "$source/examples" "$folder/examples"
cd "$folder"

# The commands are the indented lines of the section.
sed -n '/^## Five minutes/,/^## /s/^    //p' "$source/README.md" > tour.sh
[[ -s tour.sh ]] || { echo "README.md has no tour"; exit 1; }
# The tour runs what the quickstart leaves.
build/release/bin/tamis compile examples/package-section/package-section.onnx -o build/release/package-section.tamis
cat tour.sh
bash -euo pipefail tour.sh
[[ -s tiny.tamis && -s tiny.o && -s tiny.h ]]
