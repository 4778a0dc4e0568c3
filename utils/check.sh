#!/usr/bin/env bash
#===- check.sh - Builds everything and runs all tests --------------------------------------------------------===#
# shellcheck disable=SC2317 # functions are called by their names, as steps
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=environment.sh
source "$(dirname "${BASH_SOURCE[0]}")/environment.sh"

usage() {
  cat << 'END'
usage: utils/check.sh [--build DIR] [--corpus DIR] [--all-cases] [--sanitizers] [--tidy-all]

Installs what is missing, builds Tamis with warnings as errors, and runs: unit tests, lit tests, the
installation and the examples, clang-format, clang-tidy, and the runtime and tools under sanitizers. The last
line says 'N passed, N failed, N skipped'; the exit status is 1 when anything failed. Logs are in DIR/log.

  --build DIR     the build folder (default: build/release); sanitizers build beneath it
  --corpus DIR    also compile (for this machine's level) and run all of an acceptance corpus, and count the
                  mixtures of experts that are raised
  --all-cases     all cases of the integration tests that take every second to fourth one else (long)
  --sanitizers    also build the compiler with the address and undefined-behaviour sanitizers and with the
                  assertions of LLVM's headers, and run the lit tests with it (long). Left out are the tests of
                  x86-64-v4 that another does for x86-64-v3, since the compiler runs the same code for both, and
                  the kernels' unit tests, since no sanitizer sees into the code of kernels
  --tidy-all      clang-tidy on the whole compiler (long), not only on the runtime and the tools
END
}

build=$TAMIS_SOURCE/build/release corpus='' cases=() sanitizers='' tidy='runtime|tools/tamis'
while (($#)); do
  case $1 in
    --build) build=${2:?--build needs a folder}; shift ;;
    --corpus) corpus=${2:?--corpus needs a folder}; shift ;;
    --all-cases) cases=(-D all-cases) ;;
    --sanitizers) sanitizers=1 ;;
    --tidy-all) tidy='runtime|tools|lib' ;;
    --help | -h) usage; exit 0 ;;
    *) usage >&2; exit 2 ;;
  esac
  shift
done
mkdir -p "$build"
build=$(cd "$build" && pwd)
log=$build/log python=$build/python/bin/python
passed=0 failed=0 skipped=0

finish() {
  printf '%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
  ((failed == 0)) || exit 1
  exit 0
}

# step NAME COMMAND...: one test: it passes when the command exits with 0.
step() {
  local name=$1 start=$SECONDS
  shift
  if quietly "$log/$name.log" "$@"; then
    say "$name: passed ($((SECONDS - start)) s)"
    passed=$((passed + 1))
  else
    say "$name: FAILED ($((SECONDS - start)) s), see $log/$name.log"
    failed=$((failed + 1))
    return 1
  fi
}

# suite NAME COUNTER COMMAND...: many tests. COUNTER prints their numbers 'passed failed skipped' when the command
# is done. A command that fails without a failed test counts as one.
suite() {
  local name=$1 counter=$2 status=0 start=$SECONDS counts good=0 bad=0 none=0
  shift 2
  rm -f "$log/$name.xml"
  quietly "$log/$name.log" "$@" || status=$?
  if counts=$("$counter" "$name" 2> /dev/null); then
    read -r good bad none <<< "$counts"
  fi
  if ((status != 0 && bad == 0 || good + bad == 0)); then
    bad=$((bad + 1))
  fi
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + none))
  say "$name: $good ok, $bad bad, $none skipped ($((SECONDS - start)) s)"
}

# Counts the test cases of a JUnit file, which CTest and lit write.
count_junit() {
  "$python" - "$log/$1.xml" << 'END'
import sys
import xml.etree.ElementTree as tree
chosen = lambda case: "not selected" not in getattr(case.find("skipped"), "attrib", {}).get("message", "")
cases = [case for case in tree.parse(sys.argv[1]).iter("testcase") if chosen(case)]
bad = sum(any(case.find(kind) is not None for kind in ("failure", "error")) for case in cases)
none = sum(case.find("skipped") is not None for case in cases)
print(len(cases) - bad - none, bad, none)
END
}

# Counts by the corpus runner's last line, 'N passed, N failed'.
count_last_line() { sed -nE '$s/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2 0/p' "$log/$1.log"; }

ctest_in() { # NAME FOLDER [FLAGS...]
  local name=$1 folder=$2
  shift 2
  suite "$name" count_junit ctest --test-dir "$folder" --output-on-failure --output-junit "$log/$name.xml" "$@"
}

lit_in() { # NAME FOLDER [FLAGS...]
  local name=$1 folder=$2
  shift 2
  suite "$name" count_junit "$build/python/bin/lit" -sv --xunit-xml-output "$log/$name.xml" "$folder" "$@"
}

format_check() {
  find "$TAMIS_SOURCE"/{benchmarks,examples,include,lib,runtime,test,tools} -regex '.*\.\(c\|cpp\|h\|hpp\)' \
    -print0 | xargs -0 clang-format-22 --dry-run --Werror
}

tidy_check() {
  local jobs
  jobs=$(nproc)
  # Progress goes to standard error; findings to standard output.
  run-clang-tidy-22 -quiet -j "$jobs" -p "$build" "^$TAMIS_SOURCE/($tidy)/.*"
}

# A build of some targets with sanitizers, which lies beneath the build folder. Reports need lines and no more of
# debug information; -O1 is what their manuals advise; assertions stay on.
sanitized() { # FOLDER SANITIZERS TARGETS...
  local folder=$1 kinds=$2 flags='-O1 -g1'
  shift 2
  configure "$folder" -DCMAKE_BUILD_TYPE=RelWithDebInfo "-DCMAKE_C_FLAGS_RELWITHDEBINFO=$flags" \
    "-DCMAKE_CXX_FLAGS_RELWITHDEBINFO=$flags" "-DTAMIS_SANITIZE=$kinds" "-DTAMIS_PYTHON=$python" &&
    ninja -C "$folder" "$@"
}

install_packages
python_environment "$build/python" "$TAMIS_SOURCE/utils/requirements.txt"

say "Building in $build"
step configure configure "$build" "-DTAMIS_PYTHON=$python" || finish
step build ninja -k 0 -C "$build" || finish

ctest_in unit "$build"
lit_in lit "$build/test" "${cases[@]}"
if [[ -n $corpus ]]; then
  for group in A B C D E; do
    suite "corpus-$group" count_last_line "$python" "$corpus/run_corpus.py" "$corpus" --tamis "$build/bin/tamis" \
      --group "$group" --flags=--target=native
  done
  # How many mixtures of experts run only what tokens chose; the log says why the others do not.
  step raised "$python" "$TAMIS_SOURCE/utils/count_raised.py" "$corpus" --tamis "$build/bin/tamis"
  tail -n 1 "$log/raised.log"
fi

export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
if step asan-build sanitized "$build/asan" address,undefined tamis tamis-make-test-artifact tamis-runtime-tests \
  tamis-runtime-c-test tamis-tools-tests tamis-calibration-tests; then
  ctest_in asan-unit "$build/asan" -R '^(runtime|runtime-c|tools|calibration)$'
  # Compiling is not part of this build.
  lit_in asan-tools "$build/asan/test/Tools" --filter-out compile
fi
if step tsan-build sanitized "$build/tsan" thread tamis-runtime-tests tamis-runtime-c-test; then
  ctest_in tsan-unit "$build/tsan" -R '^(runtime|runtime-c)$'
fi
if [[ -n $sanitizers ]] && step asan-compiler-build sanitized "$build/asan" address,undefined all; then
  lit_in asan-compiler "$build/asan/test" --filter-out 'Integration/.*-v4|Kernels/(unit|attention|linear)\.test'
  step asan-kernels "$build/asan/bin/tamis-kernel-tests" matmul rows tokens || true
fi

step format format_check || true
step tidy tidy_check || true
finish
