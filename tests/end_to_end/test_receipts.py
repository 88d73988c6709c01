# SPDX-License-Identifier: Apache-2.0
"""`why -c` and `where -c`: what the stream itself still tells of messages, beside what the store knows."""
import json

import pytest

CONFIG = """
source: {file: {path: chat.ndjson}}
buffer: {max_messages: 2, min_messages: 2, idle_timeout: 1h, max_hold: 2h}
filters: {min_message_length: 1}
rules: [{id: moves, pattern: "I moved to [A-Z][a-z]+", agents: ["*"]}]
sink: {sqlite: {path: store.db}}
"""


def line(name, agent, content):
    return json.dumps({"id": name, "agent_id": agent, "content": content, "timestamp": "2026-04-01T09:00:00Z"}) + "\n"


@pytest.fixture
def store(alluvium, tmp_path):
    (tmp_path / "c.yaml").write_text(CONFIG)
    (tmp_path / "chat.ndjson").write_text(line("m-1", "a", "I moved to Oslo, at last") + line("m-2", "a", "fine"))
    assert alluvium.run("run", "-c", "c.yaml", "--until-end").returncode == 0
    return tmp_path


def test_why_shows_the_text_of_what_a_memory_rests_on(alluvium, store):
    memory = alluvium.json("memories", "--store", "store.db", "--json")[0]["id"]
    source = alluvium.json("why", memory, "-c", "c.yaml", "--json")[0]["sources"][0]
    assert (source["held"], source["text"]) == (True, "I moved to Oslo, at last")
    assert "I moved to Oslo, at last" in alluvium.run("why", memory, "-c", "c.yaml").stdout
    assert "text" not in alluvium.json("why", memory, "--store", "store.db", "--json")[0]["sources"][0]


def test_why_says_that_a_text_is_gone(alluvium, store):
    memory = alluvium.json("memories", "--store", "store.db", "--json")[0]["id"]
    (store / "chat.ndjson").write_text(line("x", "a", "another stream altogether"))
    done = alluvium.run("why", memory, "-c", "c.yaml")
    assert done.returncode == 0 and "another stream" in done.stderr
    (store / "chat.ndjson").unlink()
    done = alluvium.run("why", memory, "-c", "c.yaml", "--json")
    assert done.returncode == 0 and "can't be read" in done.stderr
    assert "held" not in json.loads(done.stdout)["sources"][0]


def test_why_says_which_text_the_stream_holds_no_more(alluvium, store):
    with (store / "chat.ndjson").open("a") as out:
        out.write(line("m-3", "b", "I moved to Lima") + line("m-4", "b", "yes"))
    assert alluvium.run("run", "-c", "c.yaml", "--until-end").returncode == 0
    lines = (store / "chat.ndjson").read_text().splitlines(keepends=True)
    (store / "chat.ndjson").write_text(lines[0])
    memory = next(row["id"] for row in alluvium.json("memories", "--store", "store.db", "--json")
                  if row["agent_id"] == "b")
    source = alluvium.json("why", memory, "-c", "c.yaml", "--json")[0]["sources"][0]
    assert (source["held"], source["text"]) == (False, None)
    assert "gone from the stream" in alluvium.run("why", memory, "-c", "c.yaml").stdout


def test_where_tells_what_is_not_in_the_store(alluvium, store):
    engine = alluvium.start("run", "-c", "c.yaml", "--progress", "never")
    with (store / "chat.ndjson").open("a") as out:  # b waits for company; c has it.
        out.write(line("waits", "b", "one") + line("c-1", "c", "two") + line("c-2", "c", "three"))
    alluvium.wait_for(lambda: alluvium.run("where", "c-2", "--store", "store.db").returncode == 0)
    found = alluvium.json("where", "waits", "-c", "c.yaml", "--json")[0]
    assert found["outcome"] == "buffered" and found["agent_id"] == "b" and found["watermark"] == 3
    assert found["place"].endswith("chat.ndjson/0/3") and found["since"] == "2026-04-01T09:00:00.000Z"
    assert "in a buffer of agent b" in alluvium.run("where", "waits", "-c", "c.yaml").stdout
    assert "with -c the stream tells" in alluvium.run("where", "waits", "--store", "store.db").stderr
    engine.terminate()
    assert engine.wait(30) == 0
    with (store / "chat.ndjson").open("a") as out:
        out.write(line("unread", "d", "four"))
    assert alluvium.json("where", "unread", "-c", "c.yaml", "--json")[0]["outcome"] == "not_read"
    assert "not read yet" in alluvium.run("where", "unread", "-c", "c.yaml").stdout
    unseen = alluvium.run("where", "nobody", "-c", "c.yaml")
    assert unseen.returncode == 1 and "not seen" in unseen.stderr
