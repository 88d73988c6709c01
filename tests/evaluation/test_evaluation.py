# SPDX-License-Identifier: Apache-2.0
"""The evaluation binary on a small conversation written for it."""
import gzip
import json
import os
import subprocess

import pytest

PRAISE = "Wow, that sounds great! Thanks for sharing, keep it up!"
FACTS = [
    "My sister Anna moved to Lisbon last year and works as a nurse.",
    "I bought a red bicycle for 300 dollars yesterday.",
    "I'm allergic to peanuts, the doctor told me on Monday.",
    "We adopted two cats named Salt and Pepper in 2019.",
]


def rows(agent, facts_at):
    """400 messages of praise, and the facts at the given places."""
    out = []
    for i in range(400):
        text = FACTS[facts_at.index(i)] if i in facts_at else PRAISE
        stamp = f"2026-01-01T{i // 60:02}:{i % 60:02}:00Z"
        out.append({"id": f"{agent}-{i}", "agent_id": agent, "role": "user", "content": text, "timestamp": stamp})
    return out


def write(path, objects, packed=False):
    text = "".join(json.dumps(o) + "\n" for o in objects)
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    return str(path)


@pytest.fixture
def files(tmp_path):
    places = {"ada": [20, 100, 200, 300], "bob": [50, 150, 250, 350]}
    messages = [write(tmp_path / f"{a}.ndjson{'.gz' if a == 'bob' else ''}", rows(a, at), a == "bob")
                for a, at in places.items()]
    labels = [{"question": "?", "evidence": [f"{a}-{i}"]} for a, at in places.items() for i in at]
    labels += [{"question": "two", "evidence": ["ada-20", "bob-50", "nobody-1"]},
               {"question": "gone", "evidence": ["nobody-2"]},
               {"question": "adversarial", "category": 5, "evidence": ["ada-1"]}]
    return messages, write(tmp_path / "labels.ndjson", labels)


def evaluation(*arguments):
    return subprocess.run([os.environ["EVALUATION"], *arguments], capture_output=True, text=True, timeout=60)


def test_value_reaches_the_facts_that_chance_misses(files):
    messages, labels = files
    done = evaluation("selection", "--messages", *messages, "--labels", labels, "--rates", "0.1,0.5", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert (found["messages"], found["agents"], found["evidence_messages"]) == (800, 2, 8)
    assert (found["questions"], found["questions_without_evidence"]) == (9, 1)
    by = {(row["rate"], row["by"]): row for row in found["rows"]}
    assert len(by) == 6
    assert by[0.1, "value"]["evidence"] == by[0.1, "value"]["questions"] == 1
    assert abs(by[0.1, "random"]["evidence"] - 0.1) < 0.1
    for (rate, _), row in by.items():
        assert abs(row["realised"] - rate) < 0.07, row


def test_prints_a_table_and_the_cost(files):
    messages, labels = files
    table = evaluation("selection", "--messages", *messages, "--labels", labels, "--rates", "0.2").stdout
    assert table.startswith("800 messages of 2 agents, 8 of them evidence for 9 questions\n")
    assert [line.split()[:2] for line in table.splitlines()[2:]] == [["0.2", by] for by in ("random", "hash", "value")]
    cost = evaluation("score-cost", "--messages", *messages, "--runs", "1").stdout
    assert cost.startswith("800 messages,") and "us a message" in cost


def test_says_what_is_wrong_with_a_file(files, tmp_path):
    messages, labels = files
    torn = tmp_path / "torn.gz"
    torn.write_bytes(gzip.compress(b'{"content":"hello there"}\n' * 1000)[:60])
    empty = write(tmp_path / "empty.ndjson", [])
    odd = write(tmp_path / "odd.ndjson", [{"question": "?"}])
    foreign = write(tmp_path / "foreign.ndjson", [{"question": "?", "evidence": ["x"]}])
    for message_file, label_file, said in [
        ("nowhere.ndjson", labels, "nowhere.ndjson: No such file"), (str(torn), labels, "torn.gz: "),
        (empty, labels, "empty.ndjson: no message in it"), (messages[0], odd, 'odd.ndjson:1: want "evidence"'),
        (messages[0], foreign, "do the ids belong together"),
    ]:
        done = evaluation("selection", "--messages", message_file, "--labels", label_file)
        assert (done.returncode, done.stdout) == (1, "") and said in done.stderr, done.stderr
    assert evaluation().returncode == evaluation("selection").returncode == 2
    assert evaluation("selection", "--messages", *messages, "--labels", labels, "--rates", "1.5").returncode == 2
