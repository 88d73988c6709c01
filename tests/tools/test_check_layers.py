# SPDX-License-Identifier: Apache-2.0
"""The layer check finds each kind of fault in a bad tree, and nothing in a good one."""
import pathlib
import subprocess
import sys

import pytest

CHECKER = pathlib.Path(__file__).parents[2] / "tools" / "check_layers.py"
HEAD = "// SPDX-License-Identifier: Apache-2.0\n"


def check(root, **_):
    done = subprocess.run([sys.executable, str(CHECKER), str(root)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def write(root, name, text):
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def source(room, body):
    return f"{HEAD}{body}\nnamespace alluvium::{room} {{}}\n"


def test_a_good_tree_is_clean(tmp_path):
    write(tmp_path, "pipeline/a.hpp", source("pipeline", "#include <vector>\n#include <re2/re2.h>"))
    write(tmp_path, "connectors/b.cpp", source("connectors", '#include <sqlite3.h>\n#include "pipeline/a.hpp"'))
    write(tmp_path, "actors/c.cpp", source("actors", '#include <caf/all.hpp>\n#include "pipeline/a.hpp"'))
    write(tmp_path, "config/d.cpp", source("config", '#include "connectors/b.hpp"\n#include "actors/c.hpp"'))
    write(tmp_path, "app/e.cpp", source("app", '#include <CLI/CLI.hpp>\n#include "config/d.hpp"'))
    write(tmp_path, "tests/pipeline/a_test.cpp", HEAD + '#include <gtest/gtest.h>\n#include "pipeline/a.hpp"\n')
    assert check(tmp_path) == (0, "layers: clean\n")


@pytest.mark.parametrize("room, include", [
    ("pipeline", '"connectors/b.hpp"'),
    ("pipeline", '"actors/c.hpp"'),
    ("pipeline", '"config/d.hpp"'),
    ("connectors", '"actors/c.hpp"'),
    ("connectors", '"config/d.hpp"'),
    ("actors", '"connectors/b.hpp"'),
    ("actors", '"app/e.hpp"'),
    ("config", '"app/e.hpp"'),
    ("pipeline", "<caf/all.hpp>"),
    ("pipeline", "<librdkafka/rdkafka.h>"),
    ("pipeline", "<boost/asio.hpp>"),
    ("pipeline", "<sqlite3.h>"),
    ("pipeline", "<yaml-cpp/yaml.h>"),
    ("pipeline", "<spdlog/spdlog.h>"),
    ("pipeline", "<unistd.h>"),
    ("pipeline", "<thread>"),
    ("pipeline", "<fstream>"),
    ("connectors", "<caf/all.hpp>"),
    ("connectors", "<yaml-cpp/yaml.h>"),
    ("actors", "<librdkafka/rdkafka.h>"),
    ("actors", "<sqlite3.h>"),
    ("config", "<caf/all.hpp>"),
    ("app", "<sqlite3.h>"),
])
def test_an_include_against_the_arrow_is_found(tmp_path, room, include):
    write(tmp_path, f"{room}/x.cpp", source(room, f"#include {include}"))
    code, out = check(tmp_path)
    assert code == 1
    assert out == f"{room}/x.cpp:2: must not include {include.strip(chr(34))}" + (
        ": no I/O, clock, chance or thread in pipeline/\n" if include in ("<thread>", "<fstream>") else "\n")


def test_tests_keep_to_the_room_they_test(tmp_path):
    write(tmp_path, "tests/pipeline/x_test.cpp", HEAD + '#include "actors/c.hpp"\n')
    assert check(tmp_path) == (1, "tests/pipeline/x_test.cpp:2: must not include actors/c.hpp\n")


def test_an_exception_holds_for_its_file_only(tmp_path):
    write(tmp_path, "app/version.cpp", source("app", "#include <sqlite3.h>"))
    assert check(tmp_path)[0] == 0
    write(tmp_path, "app/other.cpp", source("app", "#include <sqlite3.h>"))
    assert check(tmp_path)[0] == 1


@pytest.mark.parametrize("name, line", [
    ("pipeline/x.cpp", "// TO" "DO: later"),
    ("docs/x.md", "This is not implemented."),
    ("actors/x.cpp", "try {} catch (...) {}"),
    ("actors/x.cpp", "class BatchManager;"),
    ("config/x.cpp", "using namespace std;"),
    ("config/x.cpp", "auto& out = std::cout;"),
    ("pipeline/x.cpp", "auto t = std::chrono::steady_clock::now();"),
    ("connectors/x.cpp", "__builtin_prefetch(row);"),
    ("tests/actors/x_test.cpp", "std::this_thread::sleep_for(1s);"),
    ("docs/x.md", "see /work/x"),
])
def test_a_banned_word_is_found(tmp_path, name, line):
    room = name.split("/")[0]
    write(tmp_path, name, source(room, line) if name.endswith(".cpp") else line + "\n")
    code, out = check(tmp_path)
    assert code == 1
    assert out.startswith(f"{name}:{2 if name.endswith('.cpp') else 1}: ")


def test_length_counts_at_400_lines(tmp_path):
    write(tmp_path, "pipeline/x.cpp", source("pipeline", "\n" * 396))
    assert check(tmp_path)[0] == 0, "399 lines and one"
    write(tmp_path, "pipeline/x.cpp", source("pipeline", "\n" * 398))
    assert check(tmp_path) == (1, "pipeline/x.cpp:1: 401 lines, at most 400\n")


def test_licence_and_namespace_are_wanted(tmp_path):
    write(tmp_path, "pipeline/x.cpp", "namespace alluvium::actors {}\n")
    assert check(tmp_path) == (1, "pipeline/x.cpp:1: the first line names the licence\n"
                                  "pipeline/x.cpp:1: the namespace is the folder: alluvium::pipeline\n")
