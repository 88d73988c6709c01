#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the house rules that a compiler can't: who includes whom, file length, banned words.

Usage: tools/check_layers.py [ROOT]    Exit status 1 and one line FILE:LINE: reason per finding.

The arrow of includes is app -> config -> {connectors, actors} -> pipeline. connectors/ and actors/
never see each other: they meet in pipeline/ports.hpp. Third-party headers have rooms too: pipeline/
is free of actors, brokers, databases, files, clocks and threads, so that it can be tested without.
"""
import pathlib
import re
import sys

POSIX = r"(sys|netinet|arpa|linux)/\w+\.h|(unistd|fcntl|poll|signal|termios|pthread|time|netdb|errno)\.h"
# Room -> the rooms it may include, and the third-party headers, as one pattern over the whole name.
ROOMS = {
    "pipeline": ({"pipeline"}, r"tl/.*|re2/.*|simdjson\.h|(hs/)?hs(_\w+)?\.h|xxhash\.h|utf8proc\.h"),
    "connectors": ({"connectors", "pipeline"}, rf"tl/.*|librdkafka/.*|sqlite3\.h|boost/(asio|beast|system)(/.*|\.hpp)|openssl/.*|simdjson\.h|xxhash\.h|regex\.h|spdlog/.*|fmt/.*|{POSIX}"),
    "actors": ({"actors", "pipeline"}, r"tl/.*|caf/.*|spdlog/.*|fmt/.*"),
    "config": ({"config", "connectors", "actors", "pipeline"}, rf"tl/.*|yaml-cpp/.*|simdjson\.h|{POSIX}"),
    "app": ({"app", "config", "connectors", "actors", "pipeline"}, rf"tl/.*|CLI/.*|spdlog/.*|fmt/.*|{POSIX}"),
}
# Files with a reason of their own to see more than their room: FILE -> headers.
EXCEPTIONS = {
    # Asks each library for its version.
    "app/version.cpp": r"librdkafka/rdkafka\.h|sqlite3\.h|hs/hs\.h|caf/config\.hpp",
    # The allocator's own interface.
    "app/allocator.cpp": r"malloc\.h",
    # Owns the actor system that the engine runs in.
    "app/run.cpp": r"caf/.*",
}
TEST_HEADERS = r"gtest/.*|gmock/.*|rapidcheck(\.h|/.*)|benchmark/.*"
# What would bring I/O, a clock's reading, chance or a thread into pipeline/.
IMPURE_HEADERS = {
    "thread", "mutex", "shared_mutex", "condition_variable", "future", "fstream", "iostream", "filesystem", "random",
}
LINES_MAX = 400

NO_CODE = "no such talk: finish it, or write an issue"
# (where it counts, pattern, advice). Where: a pattern over the path from the root.
BANNED = [
    (r".*", r"\b(TODO|FIXME|XXX|HACK)\b", NO_CODE),
    (r".*", r"(?i)\bnot (yet )?implemented\b|\bplaceholder\b|\bfor now\b", NO_CODE),
    (r".*\.[hc]pp", r"catch\s*\(\s*\.\.\.\s*\)", "catch what can be thrown, by type"),
    (r"(pipeline|connectors|actors|config|app)/.*", r"\busing namespace (?!std::(chrono|string|string_view)_literals)", "name what you use"),
    (r".*\.[hc]pp", r"\b\w*(Manager|Helper|Utils?)\b", "name the job it does"),
    (r"(pipeline|connectors|actors|config|app)/.*", r"\bstd::(cout|cerr|clog)\b", "print at the edge: app/output.hpp"),
    (r"(?!pipeline/prefetch\.hpp).*\.[hc]pp", r"__builtin_prefetch", "pipeline/prefetch.hpp: g++ drops what is only this"),
    (r"pipeline/.*", r"_clock::now\b", "time comes in as an argument"),
    (r"tests/.*\.[hc]pp", r"\b(sleep_for|sleep_until|usleep|nanosleep)\b|\bsleep\(", "wait for an event, with a deadline"),
    (r"tests/.*\.sh", r"\bsleep\s+[\d.]", "wait for an event, with a deadline"),
    (r"(?!tools/|tests/|\.ci/).*\.(hpp|cpp|md|yaml)", r"(?<![\w.])/(work|root)/", "no path of one machine"),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
TEXT_SUFFIXES = {".hpp", ".cpp", ".py", ".sh", ".md", ".yaml", ".yml", ".cmake", ".txt", ".json"}
SKIPPED_FOLDERS = {"build", ".git", "__pycache__", "corpus", ".pytest_cache"}
LENGTH_COUNTS = {".hpp", ".cpp", ".py", ".sh"}


def rules_for(name):
    """The rooms and third-party headers that the file may include; None where anything goes."""
    parts = name.split("/")
    if parts[0] in ROOMS:
        rooms, headers = ROOMS[parts[0]]
        return rooms, "|".join(filter(None, [headers, EXCEPTIONS.get(name)]))
    if parts[0] == "tests" and len(parts) > 2 and parts[1] in ROOMS:
        rooms, headers = ROOMS[parts[1]]
        return rooms | {"tests"}, f"{headers}|{TEST_HEADERS}|{POSIX}"
    return None


def check_include(name, rules, quote, target):
    rooms, headers = rules
    room = name.split("/")[0]
    if quote == '"':
        if target.split("/")[0] not in rooms:
            return f"must not include {target}"
    elif "/" in target or "." in target:
        if not re.fullmatch(headers, target):
            return f"must not include <{target}>"
    elif room == "pipeline" and target in IMPURE_HEADERS:
        return f"must not include <{target}>: no I/O, clock, chance or thread in pipeline/"
    return None


def findings(root, path):
    name = path.relative_to(root).as_posix()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        yield 1, "is not UTF-8"
        return
    if path.suffix in LENGTH_COUNTS and len(lines) > LINES_MAX:
        yield 1, f"{len(lines)} lines, at most {LINES_MAX}"
    if path.suffix in {".hpp", ".cpp"}:
        if not lines or "SPDX-License-Identifier: Apache-2.0" not in lines[0]:
            yield 1, "the first line names the licence"
        room = name.split("/")[0]
        # Files that only define C symbols have no namespace.
        has_one = any(f"namespace alluvium::{room}" in line or line.startswith('extern "C"') for line in lines)
        if room in ROOMS and path.name != "main.cpp" and not has_one:
            yield 1, f"the namespace is the folder: alluvium::{room}"
    rules = rules_for(name)
    # The patterns themselves stand in this file and in its test.
    bans = [] if path.name in {"check_layers.py", "test_check_layers.py"} else BANNED
    bans = [(pattern, advice) for where, pattern, advice in bans if re.fullmatch(where, name)]
    for number, line in enumerate(lines, start=1):
        if rules and (match := INCLUDE.match(line)):
            if fault := check_include(name, rules, *match.groups()):
                yield number, fault
        for pattern, advice in bans:
            if re.search(pattern, line):
                yield number, f"{advice}: {line.strip()[:80]}"


def files(root):
    for path in sorted(root.rglob("*")):
        inside = path.relative_to(root).parts
        if path.is_file() and path.suffix in TEXT_SUFFIXES and not SKIPPED_FOLDERS & set(inside[:-1]):
            yield path


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    found = [f"{path.relative_to(root)}:{number}: {text}" for path in files(root) for number, text in findings(root, path)]
    print("\n".join(found) if found else "layers: clean")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
