#!/usr/bin/env bash
# Installs what Alluvium needs to build and to test on Debian 12, and nothing that is there already.
#
#   tools/setup.sh            to build and run
#   tools/setup.sh --tests    also what the tests need: Java and Apache Kafka, Python's test runner
#   tools/setup.sh --dev      also clang-format, clang-tidy, libFuzzer, coverage
#
# Debian's librdkafka is too old (it loses the assignment when a commit meets a cooperative
# rebalance, fixed in 2.10), so a newer one is built once from Debian's own source package and kept
# in the cache folder (ALLUVIUM_CACHE, default ~/.cache/alluvium). A new enough one that the system
# already has is used as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

want_tests=no want_dev=no
for argument in "$@"; do
  case "$argument" in
    --tests) want_tests=yes ;;
    --dev) want_tests=yes want_dev=yes ;;
    *) sed -n '2,11p' "$0" >&2; exit 2 ;;
  esac
done

cache="${ALLUVIUM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alluvium}"
mkdir -p "$cache"
say() { printf 'setup: %s\n' "$*" >&2; }
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

packages=(
  build-essential cmake ninja-build ccache pkg-config git ca-certificates
  libcaf-dev libsimdjson-dev libhyperscan-dev libre2-dev libsqlite3-dev libspdlog-dev libfmt-dev
  libcli11-dev libyaml-cpp-dev libboost1.81-dev libexpected-dev libjemalloc-dev libxxhash-dev libutf8proc-dev
  libssl-dev libzstd-dev liblz4-dev zlib1g-dev libcurl4-openssl-dev libsasl2-dev
)
[ "$want_tests" = yes ] && packages+=(
  libgtest-dev libgmock-dev librapidcheck-dev libbenchmark-dev sqlite3 procps openssl
  python3 python3-pytest python3-confluent-kafka
)
[ "$want_dev" = yes ] && packages+=(
  clang-16 libclang-rt-16-dev clang-format-16 clang-tidy-16 gcovr
)

missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
# Any Java 17 or newer and any Maven will do; they need not be Debian's.
if [ "$want_tests" = yes ]; then
  command -v java >/dev/null || missing+=(openjdk-17-jre-headless)
  command -v mvn >/dev/null || missing+=(maven)
fi
if [ "${#missing[@]}" -gt 0 ]; then
  say "installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >"$cache/apt.log" 2>&1 ||
    { tail -20 "$cache/apt.log" >&2; exit 1; }
fi

# librdkafka -------------------------------------------------------------------------------------
prefix="$cache/librdkafka"
system_has_it() { pkg-config --atleast-version=2.10 rdkafka 2>/dev/null; }
build_librdkafka() {
  local work="$cache/librdkafka-build"
  rm -rf "$work" && mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/source"
  # The same mirror and key that this machine trusts already, but its development suite.
  local uri key=/usr/share/keyrings/debian-archive-keyring.gpg codename
  codename="$(. /etc/os-release && echo "$VERSION_CODENAME")"
  uri="$(apt-get indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' | awk -v suite="$codename" '$2 == suite {print $1; exit}')"
  [ -n "$uri" ] || { say "no Debian mirror in this machine's apt sources"; exit 1; }
  echo "deb-src $([ -f "$key" ] && echo "[signed-by=$key]") $uri sid main" >"$work/sources.list"
  local apt=(apt-get -qq -o "Dir::Etc::SourceList=$work/sources.list" -o Dir::Etc::SourceParts=/dev/null
    -o "Dir::State::Lists=$work/lists" -o "Dir::Cache::Archives=$work/archives" -o "Dir::Cache::srcpkgcache="
    -o "Dir::Cache::pkgcache=" -o APT::Sandbox::User=root
    # A mirror that is a snapshot will do: what counts is the signature and, below, the version.
    -o Acquire::Check-Valid-Until=false)
  say "building librdkafka from Debian's source package (once, about a minute)"
  "${apt[@]}" update
  (cd "$work/source" && "${apt[@]}" source --download-only librdkafka >"$work/download.log" 2>&1) || { cat "$work/download.log" >&2; exit 1; }
  tar -C "$work/source" -xf "$work"/source/librdkafka_*.orig.tar.*
  local tree
  tree="$(find "$work/source" -mindepth 1 -maxdepth 1 -type d | head -1)"
  cmake -S "$tree" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$prefix.new" \
    -DCMAKE_INSTALL_LIBDIR=lib -DRDKAFKA_BUILD_STATIC=ON -DRDKAFKA_BUILD_EXAMPLES=OFF -DRDKAFKA_BUILD_TESTS=OFF \
    -DWITH_SSL=ON -DWITH_SASL=ON -DWITH_ZSTD=ON -DENABLE_LZ4_EXT=ON -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
    >"$work/build.log" 2>&1
  cmake --build "$work/build" --target install >>"$work/build.log" 2>&1 || { tail -30 "$work/build.log" >&2; exit 1; }
  # pkg-config files name the folder they were installed to; the move below must not break them.
  sed -i "s#$prefix.new#$prefix#g" "$prefix.new"/lib/pkgconfig/*.pc
  rm -rf "$prefix" && mv "$prefix.new" "$prefix" && rm -rf "$work"
}
if [ ! -f "$prefix/lib/librdkafka.a" ] && ! system_has_it; then
  build_librdkafka
fi

if [ "$want_tests" = yes ]; then
  tools/kafka.sh install
fi
say "ready"
