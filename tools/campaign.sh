#!/usr/bin/env bash
# The long form of the fault campaign: real engines, a real broker, and everything that can happen to them. Writes what
# it has measured into docs/reliability.md.
#
#   tools/campaign.sh [--seed S] [--minutes M] [--kills N] [--only TEXT]
#
# --seed: all that is left to chance; a new one if not given. --minutes: the soak (10). --kills: kill -9 at random
# moments (1000); other faults are as many as go with it. --only: the tests whose names hold TEXT, and no table.
# What it says and the rows of the table stay in build/campaign/. Exits non-zero if anything was lost, doubled or wrong.
set -euo pipefail
cd "$(dirname "$0")/.."

seed="$(od -An -N4 -tu4 /dev/urandom | tr -d ' ')" minutes=10 kills=1000 only=""
while [ $# -gt 0 ]; do
  case "$1" in
    --seed | --minutes | --kills | --only) [ $# -ge 2 ] || { sed -n '2,11p' "$0" >&2; exit 2; } ;;
    *) sed -n '2,11p' "$0" >&2; exit 2 ;;
  esac
  case "$1" in
    --seed) seed="$2" ;;
    --minutes) minutes="$2" ;;
    --kills) kills="$2" ;;
    --only) only="$2" ;;
  esac
  shift 2
done

tools/setup.sh --tests
for preset in release asan; do
  cmake --preset "$preset" -DALLUVIUM_TESTS=ON >/dev/null
  cmake --build --preset "$preset" --target alluvium
done

results="build/campaign"
rm -rf "$results" && mkdir -p "$results"
echo "seed $seed, $kills kills, a soak of $minutes minutes; output in $results"
export PYTHONDONTWRITEBYTECODE=1 ALLUVIUM_SEED="$seed" ALLUVIUM_KILLS="$kills" ALLUVIUM_MINUTES="$minutes"
export ALLUVIUM_CAMPAIGN="$PWD/$results/rows.ndjson"
export UBSAN_OPTIONS="print_stacktrace=1:halt_on_error=1"
status=0
run() {  # NAME PRESET PYTEST-ARGUMENT...
  local name="$1" preset="$2" && shift 2
  ALLUVIUM="$PWD/build/$preset/alluvium" /usr/bin/python3 -m pytest -q -s -p no:cacheprovider -k "$only" \
    --junitxml "$results/$name.xml" "$@" >"$results/$name.log" 2>&1 || { [ $? = 5 ] || status=1; }
  grep -E '^(FAILED|ERROR)|passed|failed' "$results/$name.log" | tail -20 || true
}
for test in tests/faults/test_*.py; do
  name="$(basename "$test" .py)"
  echo "== $name"
  case "$name" in
    test_failpoints) run "$name" asan "$test" ;;
    *) run "$name" release "$test" ;;
  esac
done
if [ -z "$only" ]; then
  /usr/bin/python3 tools/campaign_table.py "$results" docs/reliability.md "tools/campaign.sh --seed $seed --minutes $minutes --kills $kills" \
    "$(git describe --always --dirty --exclude '*')" || status=1
fi
exit "$status"
