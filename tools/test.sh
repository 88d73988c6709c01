#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test, the ones against a real Apache Kafka included.
#
#   tools/test.sh [CTEST ARGUMENT]...      for example: tools/test.sh -R pipeline
#
# The binary that users run (release) goes through the tests of whole processes; then the rooms, the
# fuzz corpora and the processes on files run under AddressSanitizer and UndefinedBehaviorSanitizer.
# Exits non-zero if any test failed; the second part runs all the same.
set -euo pipefail
cd "$(dirname "$0")/.."
started=$SECONDS
failed=()
no_tests=error
[ $# -eq 0 ] || no_tests=ignore  # A choice of tests may lie wholly in one part.
say() { printf '\n== %s (%d:%02d)\n' "$*" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

build() {
  local preset="$1" && shift
  say "Building $preset"
  cmake --preset "$preset" -DALLUVIUM_TESTS=ON >/dev/null
  cmake --build --preset "$preset" "$@"
}
run_tests() {
  local name="$1" && shift
  say "Testing $name"
  ctest "$@" --no-tests="$no_tests" || failed+=("$name")
}

tools/setup.sh --tests
build release --target alluvium
run_tests "release, whole processes" --preset release --label-regex process "$@"
build asan
run_tests "asan, rooms and corpora" --preset asan -j2 --label-exclude process "$@"
[ $# -gt 0 ] || run_tests "asan, processes on files" --preset asan -R 'end_to_end/test_(commands|examples|file_run)|faults/test_failpoints'

if [ "${#failed[@]}" -gt 0 ]; then
  say "FAILED: ${failed[*]}"
  exit 1
fi
say "All tests passed: release, asan"
