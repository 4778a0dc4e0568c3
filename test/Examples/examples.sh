#!/usr/bin/env bash
#===- examples.sh - Builds the embedding examples with CMake or make, and compares what they print ------------===#
# usage: examples.sh cmake|make PREFIX LIBDIR FOLDER CC CXX
set -euo pipefail
way=$1 prefix=$2 libdir=$3 folder=$4
export CC=$5 CXX=$6 PKG_CONFIG_PATH=$prefix/$libdir/pkgconfig LD_LIBRARY_PATH=$prefix/$libdir
here=$(cd "$(dirname "$0")" && pwd)
source=$here/../../examples

rm -rf "$folder"
mkdir -p "$folder"
# A copy, since make builds in place; and so that nothing leans on the source tree.
cp -r "$source/embed-c" "$source/embed-cpp" "$source/models" "$folder"
for example in embed-c embed-cpp; do
  if [[ $way == cmake ]]; then
    cmake -S "$folder/$example" -B "$folder/$example/build" -G Ninja -DCMAKE_PREFIX_PATH="$prefix" > /dev/null
    cmake --build "$folder/$example/build"
    built=$folder/$example/build
  else
    make --no-print-directory -C "$folder/$example" CC="$CC" CXX="$CXX"
    built=$folder/$example
  fi
  (cd "$built" && "./$example") > "$folder/$example.txt"
  cat "$folder/$example.txt"
  diff "$here/expected.txt" <(grep '^sequence' "$folder/$example.txt")
done
grep -qx '8 of 10 tokens computed' "$folder/embed-cpp.txt"
