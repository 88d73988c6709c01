# SPDX-License-Identifier: Apache-2.0
"""The examples do what they say: every message ends once, and the memories are those that the rules describe."""
import json
import os
import pathlib
import re
import subprocess
import unicodedata

import pytest

ROOT = pathlib.Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
ALLUVIUM = os.environ["ALLUVIUM"]
PRESET_RULES = {  # Of the preset customer-support.
    "account-issues": r"(account|login|password|billing).*(problem|issue|error|failed)",
    "feature-requests": r"(need|want|wish|request).*(feature|functionality)",
}


def alluvium(*arguments, store, code=0, **more):
    environment = {**os.environ, "ALLUVIUM_STORE": str(store), **more}
    done = subprocess.run([ALLUVIUM, *map(str, arguments)], cwd=ROOT, env=environment, capture_output=True,
                          text=True, timeout=120, check=False)
    assert done.returncode == code, done.stderr
    return done.stdout


def ndjson(text):
    return [json.loads(line) for line in text.splitlines()]


def messages_of(name):
    return ndjson((EXAMPLES / f"{name}.ndjson").read_text(encoding="utf-8"))


def rules_of(name):
    """Pattern by rule id of the active rules in a config, as the config's own text has them."""
    if name == "customer-support":
        return PRESET_RULES
    rules, current = {}, {}
    for line in (EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8").splitlines():
        if match := re.match(r"  - id: (.+)", line):
            current = {"id": match[1]}
        elif match := re.match(r"    pattern: '(.+)'$", line):
            rules[current["id"]] = match[1].replace("''", "'")
    return rules


def dedupe_key(content):
    kept = (c.lower() if unicodedata.category(c)[0] in "LMN" else " " for c in content)
    return " ".join("".join(kept).split())


def expected_memories(name):
    """What the rules must find, by another engine of regular expressions: {(agent, rule, content, message)}."""
    found, known = set(), set()
    for message in messages_of(name):
        for rule, pattern in rules_of(name).items():
            for match in re.finditer(pattern, message["content"], re.IGNORECASE):
                content = match[0].strip()
                key = (message["agent_id"], dedupe_key(content))
                if key not in known:
                    known.add(key)
                    found.add((message["agent_id"], rule, content, message["id"]))
    return found


@pytest.mark.parametrize("name", ["customer-support", "personal-assistant"])
def test_an_example_makes_the_memories_its_rules_describe(name, tmp_path):
    store = tmp_path / "store.db"
    alluvium("run", "-c", f"examples/{name}.yaml", "--until-end", store=store)
    memories = ndjson(alluvium("memories", "export", "--store", store, store=store))
    made = {(m["agent_id"], m["rule_id"], m["content"], m["source_message_ids"][0]) for m in memories}
    assert made == expected_memories(name)
    assert len(made) >= 20

    batches = ndjson(alluvium("batches", "export", "--store", store, store=store))
    ended = sorted(i for batch in batches for i in batch["source_message_ids"])
    assert ended == sorted(m["id"] for m in messages_of(name)), "every message in exactly one batch"
    assert any("noise" in batch["outcomes"] for batch in batches)
    alluvium("ledger", "verify", "--store", store, store=store)


def test_a_second_run_changes_nothing(tmp_path):
    store = tmp_path / "store.db"
    exports = []
    for _ in range(2):
        alluvium("run", "-c", "examples/customer-support.yaml", "--until-end", store=store)
        exports.append([alluvium(what, "export", "--store", store, store=store) for what in ("memories", "batches")])
    assert exports[0] == exports[1]


def test_what_cannot_be_a_message_is_a_dead_letter_and_the_rest_goes_on(tmp_path):
    store = tmp_path / "store.db"
    alluvium("run", "-c", "examples/customer-support.yaml", "--until-end", store=store, CHAT="examples/malformed.ndjson")
    memories = ndjson(alluvium("memories", "export", "--store", store, store=store))
    assert sorted(m["content"] for m in memories) == ["login failed", "need a search feature"]
    dead = ndjson(alluvium("dead-letters", "export", "--store", store, store=store))
    reasons = {(letter["offset"], letter["index"]): letter["reason"] for letter in dead}
    assert reasons == {
        (2, 0): "not_json", (3, 0): "wrong_type", (4, 0): "no_content", (5, 0): "no_content", (6, 0): "wrong_type",
        (7, 0): "not_json", (8, 0): "wrong_type", (9, 0): "not_utf8", (10, 0): "too_deep", (11, 0): "empty",
        (12, 1): "no_content",
    }
    assert all(letter["detail"] for letter in dead)
    alluvium("ledger", "verify", "--store", store, store=store)


@pytest.mark.parametrize("name", ["customer-support", "personal-assistant"])
def test_extract_makes_the_same_memories_as_run(name, tmp_path):
    store = tmp_path / "store.db"
    alluvium("run", "-c", f"examples/{name}.yaml", "--until-end", store=store)
    stored = ndjson(alluvium("memories", "export", "--store", store, store=store))
    extracted = ndjson(alluvium("extract", "-c", f"examples/{name}.yaml", "-i", f"examples/{name}.ndjson", store=store))
    assert {(m["agent_id"], m["content"], m["rule_id"]) for m in extracted} == \
        {(m["agent_id"], m["content"], m["rule_id"]) for m in stored}


def test_the_examples_have_enough_agents_and_messages():
    messages = [messages_of(name) for name in ("customer-support", "personal-assistant")]
    assert all(len({m["agent_id"] for m in each}) >= 8 for each in messages)
    assert sum(map(len, messages)) >= 400
    ids = [m["id"] for each in messages for m in each]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("config", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.name)
def test_every_config_in_the_folder_is_good(config, tmp_path):
    if config.name == "rules_test.yaml":
        out = alluvium("test", config, store=tmp_path / "s.db")
        assert out.endswith("7 passed, 0 failed\n"), out
    else:
        alluvium("check", "-c", config, store=tmp_path / "s.db")
