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
failures=""
no_tests=error
[ $# -eq 0 ] || no_tests=ignore  # A choice of tests may lie wholly in one part.
say() { printf '\n== %s (%d:%02d)\n' "$*" $(((SECONDS - started) / 60)) $(((SECONDS - started) % 60)); }

build() {
  local preset="$1" && shift
  say "Building $preset"
  cmake --preset "$preset" -DALLUVIUM_TESTS=ON >/dev/null
  cmake --build --preset "$preset" "$@"
}
# Begins a build in what the tests of processes leave of the machine: they wait most of the time. build() finishes it.
ahead=""
build_ahead() {
  cmake --preset "$1" -DALLUVIUM_TESTS=ON >/dev/null
  setsid nice -n 19 cmake --build --preset "$1" >/dev/null 2>&1 &
  ahead=$!
}
stop_building_ahead() {
  if [ -n "$ahead" ]; then
    kill -- "-$ahead" 2>/dev/null || true  # All of the group: cmake does not pass it on.
    wait "$ahead" || true
    ahead=""
  fi
}
trap stop_building_ahead EXIT
# What failed, and why, goes to the end of the output: the middle of a long log is easily lost.
notes_of_failures() {
  local name="$1" logs="build/$2/Testing/Temporary"
  failures+="$(printf '\n-- %s, %s:\n' "$name" "$3"; cat "$logs/LastTestsFailed.log" 2>/dev/null
    grep -aE '^(FAILED|ERROR) |^E  |: Failure$|ERROR: AddressSanitizer|runtime error' "$logs/LastTest.log" | tail -60)"
}
run_tests() {
  local name="$1" preset="$2" && shift 2
  say "Testing $name"
  if ! ctest --preset "$preset" --no-tests="$no_tests" "$@"; then
    failed+=("$name")
    notes_of_failures "$name" "$preset" failed
  fi
}
# Processes against a real broker share this machine with others: what failed is tried once more, and named at the end.
run_processes() {
  local name="$1" preset="$2" && shift 2
  say "Testing $name"
  if ! ctest --preset "$preset" --no-tests="$no_tests" "$@"; then
    notes_of_failures "$name" "$preset" "at the first try"
    stop_building_ahead
    say "Testing what failed once more"
    if ! ctest --preset "$preset" --rerun-failed; then
      failed+=("$name")
      notes_of_failures "$name" "$preset" "at the second try"
    fi
  fi
}

tools/setup.sh --tests
build release --target alluvium workload loop
build_ahead asan
run_processes "release, whole processes" release --label-regex process "$@"
stop_building_ahead
build asan
run_tests "asan, rooms and corpora" asan -j2 --label-exclude process "$@"
[ $# -gt 0 ] || run_processes "asan, processes on files" asan -R 'end_to_end/test_(commands|examples|file_run)|faults/test_failpoints'

printf '%s\n' "$failures"
if [ "${#failed[@]}" -gt 0 ]; then
  say "FAILED: ${failed[*]}"
  exit 1
fi
say "All tests passed: release, asan"
