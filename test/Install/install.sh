#!/usr/bin/env bash
#===- install.sh - An installed prefix has everything, and may be moved --------------------------------------===#
# usage: install.sh BUILD PREFIX LIBDIR
set -euo pipefail
build=$1 prefix=$2 libdir=$3

rm -rf "$prefix" "$prefix.first"
cmake --install "$build" --prefix "$prefix.first" > /dev/null
mv "$prefix.first" "$prefix"

for file in bin/tamis bin/tamis-compile bin/tamis-opt bin/tamis-translate bin/tamis-lsp-server \
  include/tamis/runtime.h include/tamis/runtime.hpp include/tamis/code_abi.h \
  "$libdir/libtamis_runtime.a" "$libdir/libtamis_runtime.so" "$libdir/cmake/Tamis/TamisConfig.cmake" \
  "$libdir/cmake/Tamis/TamisConfigVersion.cmake" "$libdir/pkgconfig/tamis.pc" "$libdir/pkgconfig/tamis-static.pc" \
  share/man/man1/tamis.1 share/man/man1/tamis-run.1 share/bash-completion/completions/tamis; do
  [[ -e $prefix/$file ]] || { echo "not installed: $file"; exit 1; }
done

"$prefix/bin/tamis" --version
"$prefix/bin/tamis" compile --help > /dev/null
for tool in tamis-opt tamis-translate tamis-lsp-server; do
  "$prefix/bin/$tool" --help > /dev/null # finds the shared MLIR
done

# The runtime library: at most 150 KiB of code, and nothing but libc behind it.
text=$(llvm-size-22 "$prefix/$libdir/libtamis_runtime.so" | awk 'NR == 2 { print $1 }')
echo "libtamis_runtime.so: $text bytes of text"
((text <= 150 * 1024)) || exit 1
needed=$(llvm-readelf-22 --needed-libs "$prefix/$libdir/libtamis_runtime.so" | grep -o '[^ ]*\.so[^ ]*')
echo "needs: ${needed//$'\n'/ }"
if grep -qvE '^(libc|libpthread|libm|ld-linux[^ ]*)\.so' <<< "$needed"; then
  exit 1
fi
