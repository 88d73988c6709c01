# SPDX-License-Identifier: Apache-2.0
"""Near dedupe in a whole process: what is merged, what is linked, and what the receipts say of it."""
import json
import os
import subprocess

import pytest

ALLUVIUM = os.environ["ALLUVIUM"]
CONFIG = """
source: {file: {path: chat.ndjson}}
rules:
  - {id: about, name: About, pattern: ".*", kind: regex, memory_type: semantic, importance: 0.5}
buffer: {max_messages: 2}
%s
sink: {sqlite: {path: store.db}}
"""
CHAT = ["I am allergic to peanuts and eggs", "So, I'm allergic to peanuts and eggs!", "I am not allergic to peanuts and eggs",
        "My sister lives in Turin", "i'm really allergic to peanuts and eggs lol", "my sister lives in turin"]


@pytest.fixture(name="alluvium")
def fixture_alluvium(tmp_path):
    def run(*arguments, status=0):
        done = subprocess.run([ALLUVIUM, *arguments], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == status, done.stderr
        return done.stdout

    def remember(dedupe):
        (tmp_path / "alluvium.yaml").write_text(CONFIG % dedupe)
        (tmp_path / "chat.ndjson").write_text("".join(
            json.dumps({"id": f"m-{i}", "agent_id": "a", "user_id": "u", "content": content}) + "\n"
            for i, content in enumerate(CHAT)))
        run("run", "-c", "alluvium.yaml", "--until-end")
        run("ledger", "verify", "--store", "store.db")
        return [json.loads(line) for line in run("memories", "--json", "--store", "store.db").splitlines()]

    run.remember = remember
    return run


def test_near_duplicates_are_merged_and_opposites_linked(alluvium):
    kept = {memory["content"]: memory for memory in alluvium.remember("dedupe: {near: true}")}
    assert set(kept) == {CHAT[0], CHAT[2], CHAT[3]}
    first, opposite = kept[CHAT[0]], kept[CHAT[2]]
    assert first["connections"] == []
    assert opposite["connections"] == [{"type": "possible_update", "memory_id": first["id"]}]
    receipt = json.loads(alluvium("why", first["id"], "--json", "--store", "store.db"))
    assert receipt["dedupe"]["verdict"] == "kept"
    assert [one["source_message_ids"] for one in receipt["dedupe"]["merged"]] == [["m-1"], ["m-4"]]
    assert "kept; 2 merged into it" in alluvium("why", first["id"], "--store", "store.db")
    merged = receipt["dedupe"]["merged"][1]
    gone = json.loads(alluvium("why", merged["id"], "--json", "--store", "store.db"))
    assert gone["dedupe"] == {"verdict": "merged", "into": first["id"], "why": "same key"}
    assert gone["sources"][0]["message_id"] == "m-4"
    assert f"merged into {first['id']}: same key" in alluvium("why", merged["id"], "--store", "store.db")


def test_without_it_only_exact_duplicates_are_found(alluvium):
    kept = alluvium.remember("")
    assert [memory["content"] for memory in kept] == CHAT[:5]
    assert all(memory["connections"] == [] for memory in kept)
    receipt = json.loads(alluvium("why", kept[0]["id"], "--json", "--store", "store.db"))
    assert "dedupe" not in receipt
