# SPDX-License-Identifier: Apache-2.0
"""Every command that reads: what it prints, where, and how it exits."""
import json
import os
import pathlib
import pty
import re
import sqlite3
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
ALLUVIUM = os.environ["ALLUVIUM"]
MEMORY_FIELDS = ["id", "agent_id", "session_id", "user_id", "content", "type", "importance", "keywords",
                 "extraction_method", "rule_id", "batch_id", "source_message_ids", "created_at", "connections"]
COMMANDS = ["run", "extract", "check", "config", "preset", "test", "memories", "batches", "dead-letters", "why",
            "where", "ledger", "cost", "rates", "efficiency", "budget", "analyze", "batch-jobs", "batch-worker", "schema",
            "stub-model", "version"]


def alluvium(*arguments, environment=None, cwd=ROOT):
    return subprocess.run([ALLUVIUM, *map(str, arguments)], cwd=cwd, env={**os.environ, **(environment or {})},
                          capture_output=True, text=True, timeout=60, check=False)


def good(*arguments, **more):
    done = alluvium(*arguments, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


def ndjson(text):
    return [json.loads(line) for line in text.splitlines()]


def on_a_terminal(*arguments, columns=100):
    """What the command prints where stdout is a terminal of that width."""
    try:
        master, slave = pty.openpty()
    except OSError:
        pytest.skip("this machine has no pseudo-terminals (a container without /dev/pts)")
    # Both ends know the width: the command asks for it.
    import fcntl
    import struct
    import termios
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, columns, 0, 0))
    process = subprocess.Popen([ALLUVIUM, *map(str, arguments)], stdout=slave, stderr=subprocess.PIPE, cwd=ROOT)
    os.close(slave)
    out = b""
    try:
        while chunk := os.read(master, 65536):
            out += chunk
    except OSError:
        pass  # Linux's way to say that the other end is closed.
    os.close(master)
    process.communicate(timeout=60)
    assert process.returncode == 0
    return out.decode().replace("\r\n", "\n")


@pytest.fixture(scope="module", name="store")
def fixture_store(tmp_path_factory):
    path = tmp_path_factory.mktemp("commands") / "store.db"
    lines = (ROOT / "examples" / "customer-support.ndjson").read_bytes()
    chat = path.with_name("chat.ndjson")
    chat.write_bytes(lines + (ROOT / "examples" / "malformed.ndjson").read_bytes())
    good("run", "-c", "examples/customer-support.yaml", "--until-end",
         environment={"ALLUVIUM_STORE": str(path), "CHAT": str(chat)})
    return path


# The command line itself -------------------------------------------------------------------------

def test_help_names_every_command_and_goes_to_stdout():
    out = good("--help")
    assert [name for name in COMMANDS if not re.search(rf"^\s+{name}\s", out, re.M)] == []


@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["memories", "--nonsense"], ["memories", "burn"], ["memories", "show"], ["memories", "list", "x"],
    ["memories", "--limit", "-1"], ["preset", "show", "nonsense"], ["schema", "nonsense"], ["ledger"], ["why"],
    ["config"], ["check"], ["dead-letters", "show", "first"], ["memories", "--store", "no/such/store.db"],
    ["run", "-c", "no/such/config.yaml"], ["test", "no/such/test.yaml"],
    ["memories", "-c", "x.yaml", "--store", "y.db"],
], ids=" ".join)
def test_wrong_usage_exits_2_and_speaks_on_stderr_only(arguments):
    done = alluvium(*arguments)
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr != ""


def test_a_reader_that_leaves_early_is_no_error(store):
    done = subprocess.run(["bash", "-c", f"'{ALLUVIUM}' batches export --store '{store}' | head -1"], check=False,
                          capture_output=True, text=True, timeout=60)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


def test_a_result_that_cannot_be_written_is_a_failure():
    with open("/dev/full", "wb") as full:
        done = subprocess.run([ALLUVIUM, "preset", "list"], stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert done.returncode == 1
    assert b"can't write" in done.stderr


# memories, batches, dead-letters -----------------------------------------------------------------

def test_memories_are_ndjson_into_a_pipe_with_the_fields_of_the_contract(store):
    memories = ndjson(good("memories", "--store", store))
    assert memories == ndjson(good("memories", "list", "--json", "--store", store))
    assert memories == ndjson(good("memories", "export", "--store", store))
    for memory in memories:
        assert list(memory) == MEMORY_FIELDS
        assert re.fullmatch(r"mem_[0-9a-f]{32}", memory["id"])
        assert memory["type"] in ("semantic", "episodic", "procedural")
        assert memory["extraction_method"] == "rules"
        assert memory["source_message_ids"]


def test_memories_are_a_table_on_a_terminal(store):
    lines = on_a_terminal("memories", "--store", store, columns=90).splitlines()
    assert "CONTENT" in lines[0]
    assert all(len(re.sub(r"\x1b\[\d*m", "", line)) <= 90 for line in lines)
    assert len(lines) == 1 + len(ndjson(good("memories", "--store", store)))


def test_memories_of_one_agent_and_a_limit(store):
    mine = ndjson(good("memories", "--agent", "support-mixed", "--store", store))
    assert {memory["agent_id"] for memory in mine} == {"support-mixed"}
    assert len(ndjson(good("memories", "--limit", "3", "--store", store))) == 3
    assert good("memories", "--limit", "0", "--store", store) == ""
    assert good("memories", "--agent", "nobody", "--store", store) == ""


def test_a_table_says_when_there_is_more(store):
    done = alluvium("memories", "--table", "--limit", "2", "--store", store)
    assert len(done.stdout.splitlines()) == 3
    assert "first 2" in done.stderr


def test_one_memory_is_shown(store):
    memory = ndjson(good("memories", "--store", store))[0]
    assert ndjson(good("memories", "show", memory["id"], "--store", store)) == [memory]
    assert memory["content"] in good("memories", "show", memory["id"], "--table", "--store", store)
    missing = alluvium("memories", "show", "mem_0", "--store", store)
    assert (missing.returncode, missing.stdout) == (1, "")


def test_the_store_can_be_named_by_the_config(store):
    out = good("memories", "-c", "examples/customer-support.yaml", environment={"ALLUVIUM_STORE": str(store)})
    assert out == good("memories", "--store", store)


def test_batch_records_have_the_fields_of_the_contract(store):
    batches = ndjson(good("batches", "--store", store))
    for batch in batches:
        assert list(batch) == ["batch_id", "agent_id", "source_message_ids", "outcome", "processing_stats", "topic",
                               "partition", "outcomes"]
        stats = batch["processing_stats"]
        assert list(stats) == ["start_time", "end_time", "messages_processed", "messages_filtered", "memories_created",
                               "extraction_methods", "tokens_used", "cost_usd", "error"]
        assert re.fullmatch(r"batch_\d+_[a-z0-9]{5,}", batch["batch_id"])
        assert batch["outcome"] in ("extracted", "empty")
        assert stats["messages_processed"] == len(batch["source_message_ids"]) == len(batch["outcomes"]) <= 20
        assert stats["messages_filtered"] == batch["outcomes"].count("noise")
        assert stats["extraction_methods"] == (["rules"] if stats["memories_created"] else [])
        assert stats["tokens_used"] == {"prompt": 0, "completion": 0}
        assert (stats["cost_usd"], stats["error"]) == (0, None)
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", stats["start_time"])
    assert sum(batch["processing_stats"]["memories_created"] for batch in batches) == \
        len(ndjson(good("memories", "--store", store)))
    one = batches[0]
    assert ndjson(good("batches", "show", one["batch_id"], "--store", store)) == [one]
    assert alluvium("batches", "show", "batch_0_00000", "--store", store).returncode == 1


def test_dead_letters_are_listed_shown_and_dropped(store, tmp_path):
    copy = tmp_path / "copy.db"
    with sqlite3.connect(store) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    letters = ndjson(good("dead-letters", "--store", copy))
    assert len(letters) == 11
    number = letters[0]["number"]
    assert ndjson(good("dead-letters", "show", number, "--store", copy)) == [letters[0]]
    binary = [letter for letter in letters if letter["reason"] == "not_utf8"]
    assert len(binary) == 1 and "payload_base64" in binary[0]
    assert good("dead-letters", "drop", number, "--store", copy) == f"dropped {number}\n"
    assert alluvium("dead-letters", "drop", 99999, "--store", copy).returncode == 1
    good("ledger", "verify", "--store", copy)
    assert "REASON" in on_a_terminal("dead-letters", "--store", copy)


# why, where, ledger ------------------------------------------------------------------------------

def test_why_is_the_receipt_of_a_memory(store):
    for memory in ndjson(good("memories", "--store", store)):
        receipt = json.loads(good("why", memory["id"], "--json", "--store", store))
        assert receipt["memory"] == memory
        assert receipt["batch"]["batch_id"] == memory["batch_id"]
        assert [source["message_id"] for source in receipt["sources"]] == memory["source_message_ids"]
        assert {source["outcome"] for source in receipt["sources"]} == {"extracted"}
        assert receipt["cost_usd"] == 0
    text = good("why", memory["id"], "--store", store)
    for part in (memory["id"], memory["content"], memory["rule_id"], memory["batch_id"], *memory["source_message_ids"]):
        assert part in text
    assert alluvium("why", "mem_0", "--store", store).returncode == 1


def test_where_tells_how_a_message_ended(store):
    memory = ndjson(good("memories", "--store", store))[0]
    out = good("where", memory["source_message_ids"][0], "--store", store)
    assert f"extracted into {memory['id']}" in out
    assert re.search(r"/0/1  noise", good("where", "cs-0001", "--store", store)), "'hi' in the first line"
    assert "  empty  " in good("where", "cs-0002", "--store", store)
    dead = ndjson(good("where", "bad-03", "--json", "--store", store))
    assert [(one["outcome"], one["reason"]) for one in dead] == [("dead", "wrong_type")]
    assert "dead: wrong_type" in good("where", "bad-03", "--store", store)
    missing = alluvium("where", "cs-9999", "--store", store)
    assert (missing.returncode, missing.stdout) == (1, "")
    assert "not in the store: still in a buffer, or never read" in missing.stderr


def test_ledger_counts_every_message_once(store):
    shown = ndjson(good("ledger", "show", "--json", "--store", store))
    proved = ndjson(good("ledger", "verify", "--json", "--store", store))
    assert len(shown) == len(proved) == 1
    chat = (store.with_name("chat.ndjson")).read_bytes().count(b"\n")
    assert shown[0]["outcomes"] == proved[0]["outcomes"]
    assert proved[0]["faults"] == []
    # One line is blank, one is a bundle of two.
    assert sum(proved[0]["outcomes"].values()) == proved[0]["messages"] == chat
    assert shown[0]["watermark"] == chat + 1
    assert proved[0]["outcomes"]["dead"] == 11
    assert "WATERMARK" in good("ledger", "show", "--store", store)
    assert good("ledger", "verify", "--store", store).endswith("in = out\n")


def test_ledger_verify_finds_a_batch_that_went_missing(store, tmp_path):
    copy = tmp_path / "copy.db"
    with sqlite3.connect(store) as source, sqlite3.connect(copy) as target:
        source.backup(target)
    with sqlite3.connect(copy) as broken:
        broken.execute("DELETE FROM batches WHERE rowid = (SELECT max(rowid) FROM batches)")
    done = alluvium("ledger", "verify", "--store", copy)
    assert done.returncode == 1
    assert "NOT PROVED" in done.stdout and done.stdout.endswith("in and out differ\n")
    assert ndjson(alluvium("ledger", "verify", "--json", "--store", copy).stdout)[0]["faults"]


def test_a_file_that_is_no_store_is_refused(tmp_path):
    path = tmp_path / "text.db"
    path.write_text("this is no database, it is only text\n" * 200)
    done = alluvium("memories", "--store", path)
    assert done.returncode == 1
    assert str(path) in done.stderr


# check, config, preset, test, schema, version ----------------------------------------------------

def test_check_names_file_line_key_and_reason_of_each_fault(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("source:\n  file: {path: chat.ndjson}\nbufer: {max_messages: 20}\n"
                    "rules:\n  - {id: broken, pattern: '('}\n")
    done = alluvium("check", "-c", path)
    assert done.returncode == 1
    faults = done.stdout.splitlines()
    assert any(re.match(rf"{re.escape(str(path))}:3: bufer: ", fault) for fault in faults), faults
    assert any(re.match(rf"{re.escape(str(path))}:5: ", fault) and "broken" in fault for fault in faults), faults


def test_check_accepts_a_good_config():
    done = alluvium("check", "-c", "examples/customer-support.yaml")
    assert (done.returncode, done.stdout) == (0, "examples/customer-support.yaml: ok, 2 rules\n")


def test_config_prints_what_reads_back_the_same_without_secrets(tmp_path):
    path = tmp_path / "c.yaml"
    path.write_text("source:\n  kafka:\n    brokers: 127.0.0.1:9092\n    topics: [chat]\n"
                    "    properties: {sasl.password: \"${SECRET}\"}\npreset: therapy\n")
    out = good("config", "-c", path, environment={"SECRET": "open-sesame"})
    assert "open-sesame" not in out and "********" in out
    assert "emotional-states" in out
    again = tmp_path / "again.yaml"
    again.write_text(out)
    assert good("config", "-c", again) == out


def test_the_annotated_default_is_a_good_config(tmp_path):
    path = tmp_path / "default.yaml"
    path.write_text(good("config", "--default"))
    good("check", "-c", path)


def test_presets_are_printed_with_the_documents_numbers():
    table = good("preset", "list")
    for name in ("conservative", "balanced", "comprehensive", "maximum", "customer-support", "therapy"):
        assert name in table
    for words in ("production", "casual-chat", "any other"):
        assert words in table
    support = json.loads(good("preset", "show", "customer-support", "--json"))
    assert support["buffer"] == {"max_messages": 20, "min_messages": 5, "idle_timeout": "60m"}
    assert (support["selection"], support["tiers"]) == ({"rate": 0.3}, {"small": True, "premium": False})
    assert [(rule["id"], rule["importance"]) for rule in support["rules"]] == \
        [("account-issues", 0.9), ("feature-requests", 0.7)]
    assert json.loads(good("preset", "show", "balanced", "--json"))["expected_output"] == \
        {"memories_per_batch": 8, "tokens_per_memory": 100, "focus": ["facts", "emotions", "patterns", "context"]}
    assert "(account|login|password|billing).*(problem|issue|error|failed)" in good("preset", "show", "customer-support")


def test_a_users_test_that_fails_says_what_differs(tmp_path):
    path = tmp_path / "t.yaml"
    path.write_text("preset: customer-support\ntests:\n"
                    "  - {name: fine, messages: [my login failed], expect: {memories: 1}}\n"
                    "  - {name: wrong, messages: [my login failed, hi], expect: {memories: [{content: x}], noise: []}}\n")
    done = alluvium("test", path)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "ok    fine", "FAIL  wrong", '      missing: "x"', '      not expected: "login failed" by rule account-issues, episodic',
        "      message 2 is noise, but should not be", f"      {path}:4", "1 passed, 1 failed"]


@pytest.mark.parametrize("what", ["message", "memory", "config"])
def test_schemas_are_json_schemas(what):
    schema = json.loads(good("schema", what))
    assert "json-schema.org" in schema["$schema"]
    assert schema.get("properties") or schema.get("anyOf")


def test_the_memory_schema_names_the_fields_that_are_exported():
    assert list(json.loads(good("schema", "memory"))["properties"]) == [*MEMORY_FIELDS, "model", "prompt_id"]


def test_version_names_build_and_libraries():
    version = json.loads(good("version", "--json"))
    assert re.fullmatch(r"\d+\.\d+\.\d+", version["alluvium"])
    assert {"build", "compiler", "librdkafka", "sqlite", "hyperscan", "simdjson", "yaml-cpp", "caf"} <= set(version)
    assert all(version.values())
    assert good("--version").strip() == version["alluvium"]
