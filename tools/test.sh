#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test, the ones against a real Apache Kafka included.
#
#   tools/test.sh [CTEST ARGUMENT]...      for example: tools/test.sh -R pipeline
#
# Twice: what users run (release), then the rooms, the fuzz corpora and the tests on files again under
# AddressSanitizer and UndefinedBehaviorSanitizer. Exits non-zero if any test failed; the second part
# runs all the same.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
failed=()
say() { printf '\n== %s (%d:%02d)\n' "$*" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

build() {
  say "Building $1"
  cmake --preset "$1" -DALLUVIUM_TESTS=ON >/dev/null
  cmake --build --preset "$1"
}
run_tests() {
  local name="$1" && shift
  say "Testing $name"
  ctest "$@" || failed+=("$name")
}

tools/setup.sh --tests
build release
run_tests release --preset release -j2 "$@"
build asan
run_tests asan --preset asan -j2 --label-exclude process "$@"
[ $# -gt 0 ] || run_tests "asan, on files" --preset asan -R 'end_to_end/test_(commands|examples)' --no-tests=ignore

if [ "${#failed[@]}" -gt 0 ]; then
  say "FAILED: ${failed[*]}"
  exit 1
fi
say "All tests passed: release, asan"
