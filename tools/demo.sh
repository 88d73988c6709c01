#!/usr/bin/env bash
# Shows Alluvium at work on the embedded default: no broker, no server, no key.
#
#   tools/demo.sh            installs what is missing, builds, turns examples/customer-support.ndjson
#                            into memories, shows them and says where they are
#
# Everything it makes is in build/. It can be run again; each run starts with an empty store.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -eq 0 ] || { sed -n '2,7p' "$0" >&2; exit 2; }
say() { printf '\n== %s\n' "$*"; }

tools/setup.sh
# The same build folder as tools/test.sh, so nothing is built twice; only without the tests, if it is new.
[ -f build/release/build.ninja ] || cmake --preset release -DALLUVIUM_TESTS=OFF
say "Building (the first time takes a few minutes)"
cmake --build --preset release --target alluvium

alluvium=build/release/alluvium
store=build/demo/alluvium.db
mkdir -p build/demo
rm -f "$store" "$store-wal" "$store-shm"

say "Messages in: examples/customer-support.ndjson, $(wc -l <examples/customer-support.ndjson) lines like this one"
head -3 examples/customer-support.ndjson | tail -1
say "$alluvium run -c examples/customer-support.yaml --until-end"
ALLUVIUM_STORE="$store" "$alluvium" run -c examples/customer-support.yaml --until-end
say "Memories out: $alluvium memories --store $store"
"$alluvium" memories list --table --store "$store"
say "In = out: $alluvium ledger verify --store $store"
"$alluvium" ledger verify --store "$store"

memory="$("$alluvium" memories list --json --limit 1 --store "$store" | sed -n 's/^{"id":"\([^"]*\)".*/\1/p')"
say "The receipt of one memory: $alluvium why $memory --store $store"
"$alluvium" why "$memory" --store "$store"

cat <<END

The memories are in $store, a SQLite file. Next:
  $alluvium memories --agent support-halden-cycles --store $store
  $alluvium where cs-0002 --store $store
  $alluvium memories export --store $store > memories.ndjson
  $alluvium test examples/rules_test.yaml
  $alluvium config --default                 # every setting, explained
README.md says how to point it at your Kafka.
END
