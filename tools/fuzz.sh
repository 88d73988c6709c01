#!/usr/bin/env bash
# Fuzzes, and keeps what it learned as tests.
#
#   tools/fuzz.sh [TARGET]... [--minutes M] [--seeds FOLDER]
#
#   TARGET     of tests/fuzz, for example decoder_fuzz; all of them if none is named
#   --minutes  for each target (default 5)
#   --seeds    more inputs to begin with, such as recorded messages. Then nothing but findings is kept: what grows from
#              private texts does not belong into the checkout.
#
# Builds the `fuzz` preset (clang 16, libFuzzer, AddressSanitizer, UndefinedBehaviorSanitizer) and runs one target after
# the other, at low priority. Inputs that reach new code are minimised and go into tests/fuzz/corpus/TARGET, the smallest
# first, up to 200 files and 1 MiB. A finding goes there as found-HASH: every build runs the corpus as a test, which
# fails until the fault is mended. Exit status 1 if there was any.
set -euo pipefail
cd "$(dirname "$0")/.."
minutes=5
seeds=()
targets=()
files_max=200
bytes_max=$((1 << 20))
input_bytes_max=16384

while [ $# -gt 0 ]; do
  case "$1" in
    --minutes) minutes="$2" && shift 2 ;;
    --seeds) seeds+=("$2") && shift 2 ;;
    -h | --help) sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0" && exit 0 ;;
    -*) echo "tools/fuzz.sh: unknown option $1" >&2 && exit 2 ;;
    *) targets+=("$1") && shift ;;
  esac
done
if [ "${#targets[@]}" -eq 0 ]; then
  for source in tests/fuzz/*_fuzz.cpp; do
    targets+=("$(basename "$source" .cpp)")
  done
fi
for target in "${targets[@]}"; do
  [ -e "tests/fuzz/$target.cpp" ] || { echo "tools/fuzz.sh: there is no target $target in tests/fuzz" >&2 && exit 2; }
done

cmake --preset fuzz -DALLUVIUM_TESTS=ON >/dev/null
nice cmake --build --preset fuzz --target "${targets[@]}"

# Adds the smallest new files of folder $1 to corpus $2, within the bounds.
keep_new() {
  local from="$1" to="$2" size file files bytes kept=0
  files=$(find "$to" -type f | wc -l)
  bytes=$(cat "$to"/* | wc -c)
  while read -r size file; do
    if [ -e "$to/$(basename "$file")" ]; then continue; fi
    if [ $((files + 1)) -gt $files_max ] || [ $((bytes + size)) -gt $bytes_max ]; then break; fi
    cp "$file" "$to/"
    files=$((files + 1)) bytes=$((bytes + size)) kept=$((kept + 1))
  done < <(find "$from" -type f -printf '%s %p\n' | sort -n)
  echo "$kept"
}

findings=0
for target in "${targets[@]}"; do
  program="build/fuzz/tests/$target"
  corpus="tests/fuzz/corpus/$target"
  work="build/fuzz/work/$target"
  mkdir -p "$work/grown" "$work/found" "$corpus"
  printf '== %s, %s minutes\n' "$target" "$minutes"
  status=0
  nice -n 15 "$program" "$work/grown" "$corpus" ${seeds[@]+"${seeds[@]}"} -max_total_time=$((minutes * 60)) \
    -max_len=$((4 * input_bytes_max)) -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="$work/found/" >"$work/log" 2>&1 || status=$?
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/log")
  kept=0
  if [ "${#seeds[@]}" -eq 0 ] && [ "$status" -eq 0 ]; then
    rm -rf "$work/merged" && cp -r "$corpus" "$work/merged"
    nice -n 15 "$program" -merge=1 -max_len=$input_bytes_max "$work/merged" "$work/grown" >"$work/merge.log" 2>&1
    kept=$(keep_new "$work/merged" "$corpus")
  fi
  found=0
  for file in "$work/found"/*; do
    [ -e "$file" ] || continue
    name="found-$(sha256sum "$file" | cut -c1-12)"
    mv "$file" "$corpus/$name"
    echo "FOUND $corpus/$name: $(grep -m1 -E 'ERROR|broken|runtime error' "$work/log" || echo "see $work/log")"
    found=$((found + 1))
  done
  printf '%s: %s runs, %s new inputs kept, %s findings (exit status %s)\n' "$target" "${runs:-?}" "$kept" "$found" "$status"
  if [ "$status" -ne 0 ] && [ "$found" -eq 0 ]; then tail -5 "$work/log"; fi
  if [ "$status" -ne 0 ]; then findings=1; fi
done
exit $findings
