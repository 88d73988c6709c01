#!/usr/bin/env bash
# A real Apache Kafka broker on this machine, on 127.0.0.1 only: for tests, and for trying Alluvium out.
#
#   tools/kafka.sh install                                   fetch the jars, once (Java 17 and Maven needed)
#   tools/kafka.sh start [--port P] [--dir D]                start a broker, wait until it is ready, print host:port
#   tools/kafka.sh topic NAME [--partitions N] [--config k=v]... [--dir D]     create a topic
#   tools/kafka.sh produce TOPIC FILE [--dir D]              one JSON message per line, "-" is stdin; key: agent_id
#   tools/kafka.sh stop [--dir D]                            stop it; its data stay
#
# --port: 9092 if not given; 0 takes any free one. --dir: where the broker keeps its data, its log and
# its process id; one broker per folder; if not given, a folder in the cache (ALLUVIUM_CACHE, default
# ~/.cache/alluvium). Everything may be run again.
set -euo pipefail
here="$(cd "$(dirname "$0")" && pwd)/kafka"
cache="${ALLUVIUM_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/alluvium}"
version="$(sed -n 's:.*<kafka.version>\(.*\)</kafka.version>.*:\1:p' "$here/pom.xml")"
lib="$cache/kafka-$version/lib"
ready_within=180  # seconds; 5 on a quiet machine

usage() { sed -n '2,12p' "$0" >&2; exit 2; }
die() { printf 'kafka: %s\n' "$*" >&2; exit 1; }

command="${1:-}"
[ $# -gt 0 ] && shift
port=9092 dir="$cache/kafka-broker" partitions=1 configs=() names=()
while [ $# -gt 0 ]; do
  case "$1" in
    --port | --dir | --partitions | --config)
      [ $# -ge 2 ] || usage
      case "$1" in
        --port) port="$2" ;;
        --dir) dir="$2" ;;
        --partitions) partitions="$2" ;;
        --config) configs+=(--config "$2") ;;
      esac
      shift 2 ;;
    --*) usage ;;
    *) names+=("$1"); shift ;;
  esac
done
[[ "$port" =~ ^[0-9]+$ && "$partitions" =~ ^[0-9]+$ ]] || usage

install_jars() {
  [ -d "$lib" ] && return
  command -v java >/dev/null && command -v mvn >/dev/null || die "Java 17 and Maven are needed: tools/setup.sh --tests"
  mkdir -p "$(dirname "$lib")"
  # Into a folder of its own and then moved, so that a broken download is not taken for an installation.
  local fresh="$lib.new.$$" log="$cache/kafka-install.log"
  mvn -q -B -f "$here/pom.xml" dependency:copy-dependencies -DoutputDirectory="$fresh" -DincludeScope=runtime \
    >"$log" 2>&1 || { tail -20 "$log" >&2; rm -rf "$fresh"; die "the jars of Kafka $version could not be fetched ($log)"; }
  mv -T "$fresh" "$lib" 2>/dev/null || rm -rf "$fresh"  # Somebody else was quicker.
}

in_java() { CLASSPATH="$lib/*" java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC "$@"; }
# The process id is only believed if that process is a broker of this folder: ids are used again.
running() {
  [ -s "$dir/pid" ] && tr '\0' ' ' <"/proc/$(cat "$dir/pid")/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $dir/server.properties"
}
bootstrap() { running || die "no broker runs in $dir: tools/kafka.sh start"; cat "$dir/bootstrap"; }
is_free() { ! (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
# Below the range from which outgoing connections take their ports.
free_port() {
  local candidate
  for _ in {1..200}; do
    candidate=$((12000 + RANDOM % 18000))
    if [ "$candidate" != "${1:-}" ] && is_free "$candidate"; then echo "$candidate"; return; fi
  done
  die "no free port found"
}

format() {
  local id  # 16 bytes in base64url; a leading '-' would look like an option.
  id="$({ printf a; head -c 15 /dev/urandom; } | base64 | tr '+/' '-_' | tr -d '=')"
  in_java "-Dlog4j2.configurationFile=$here/log4j2.yaml" kafka.tools.StorageTool format -t "$id" \
    -c "$dir/server.properties" >"$dir/format.log" 2>&1 || { tail -20 "$dir/format.log" >&2; die "$dir could not be formatted"; }
}

start() {
  mkdir -p "$dir" && dir="$(cd "$dir" && pwd)"
  if running; then cat "$dir/bootstrap"; return; fi
  install_jars
  [ "$port" = 0 ] && port="$(free_port)"
  is_free "$port" || die "port $port is taken: choose another one with --port"
  sed -e "s#@PORT@#$port#g" -e "s#@CONTROLLER_PORT@#$(free_port "$port")#g" -e "s#@DIR@#$dir#g" \
    "$here/server.properties" >"$dir/server.properties"
  [ -f "$dir/data/meta.properties" ] || format
  : >"$dir/broker.log"  # Here, not by the broker's process: the line waited for may be there from the broker before.
  # In a session of its own: a Ctrl-C in the terminal is not meant for it.
  CLASSPATH="$lib/*" setsid java -Xms256m -Xmx512m -XX:+UseSerialGC "-Dlog4j2.configurationFile=$here/log4j2.yaml" \
    kafka.Kafka "$dir/server.properties" >>"$dir/broker.log" 2>&1 </dev/null &
  echo $! >"$dir/pid"
  local deadline=$((SECONDS + ready_within))
  until grep -q 'Kafka Server started' "$dir/broker.log"; do
    kill -0 "$(cat "$dir/pid")" 2>/dev/null || { tail -20 "$dir/broker.log" >&2; rm -f "$dir/pid"; die "the broker ended ($dir/broker.log)"; }
    [ "$SECONDS" -lt "$deadline" ] || { stop; die "the broker was not ready within $ready_within s ($dir/broker.log)"; }
    sleep 0.1
  done
  echo "127.0.0.1:$port" >"$dir/bootstrap"
  cat "$dir/bootstrap"
}

stop() {
  [ -d "$dir" ] && dir="$(cd "$dir" && pwd)"
  if running; then
    local process deadline=$((SECONDS + 20))
    process="$(cat "$dir/pid")"
    kill "$process" 2>/dev/null || true
    while kill -0 "$process" 2>/dev/null; do
      [ "$SECONDS" -lt "$deadline" ] || kill -9 "$process" 2>/dev/null || true
      sleep 0.1
    done
  fi
  rm -f "$dir/pid"
}

case "$command:${#names[@]}" in
  install:0) install_jars ;;
  start:0) start ;;
  stop:0) stop ;;
  topic:1)
    [ -d "$dir" ] && dir="$(cd "$dir" && pwd)"
    address="$(bootstrap)"
    in_java org.apache.kafka.tools.TopicCommand --bootstrap-server "$address" --create --if-not-exists \
      --topic "${names[0]}" --partitions "$partitions" "${configs[@]}" 2>&1 | { grep -v '^SLF4J\|^WARNING: Due to' || true; } ;;
  produce:2)
    [ -d "$dir" ] && dir="$(cd "$dir" && pwd)"
    address="$(bootstrap)"
    /usr/bin/python3 "$here/produce.py" "$address" "${names[@]}" ;;
  *) usage ;;
esac
