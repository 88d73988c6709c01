#!/usr/bin/env bash
# Builds the simulation of the delivery protocol as users' binaries are built, and runs many seeds.
#
#   tools/simulate.sh [SEEDS [FIRST SEED]]      a million from seed 1
#
# Prints the count, the rate and each seed that failed; exit status 1 if one did. docs/simulation.md says more.
set -euo pipefail
cd "$(dirname "$0")/.."
cmake --preset release -DALLUVIUM_TESTS=ON >/dev/null
cmake --build --preset release --target simulation >&2
exec build/release/tests/simulation --seeds "${1:-1000000}" --first "${2:-1}" --threads "$(nproc)"
