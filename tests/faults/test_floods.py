# SPDX-License-Identifier: Apache-2.0
"""Input that tries to blow the engine up: memory stays bounded and the run ends."""
import json
import re
import sqlite3

CONFIG = """
source: {{file: {{path: {path}}}}}
memory: {{limit: 64MiB}}
{rules}
sink: {{sqlite: {{path: {store}, busy_timeout: 100ms}}}}
"""


def configure(tmp_path, rules="preset: customer-support"):
    path, store, config = tmp_path / "chat.ndjson", tmp_path / "out.db", tmp_path / "c.yaml"
    config.write_text(CONFIG.format(path=path, store=store, rules=rules))
    return path, store, config


def peak_mb(text):
    return int(re.search(r"peak RSS (\d+) MB", text)[1])


def test_a_flood_of_tiny_records_that_are_no_messages(alluvium, tmp_path):
    path, store, config = configure(tmp_path)
    path.write_text("x\n" * 1_500_000)
    done = alluvium.run("run", "-c", config, "--until-end")
    assert done.returncode == 0, done.stderr
    assert peak_mb(done.stderr) < 250
    with sqlite3.connect(store) as db:
        assert db.execute("select dead from partitions").fetchone() == (1_500_000,)


def test_a_gap_wider_than_the_window_above_a_message_that_waits(alluvium, tmp_path):
    path, store, config = configure(tmp_path)
    line = json.dumps({"agent_id": "a", "content": "my login failed"}) + "\n"
    path.write_text(line + "\n" * 4_100_000 + line * 5)
    done = alluvium.run("run", "-c", config, "--until-end")
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(store) as db:
        assert db.execute("select extracted, gaps, watermark from partitions").fetchone() == (6, 4_100_000, 4_100_007)
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0


def test_memories_many_times_the_size_of_their_messages_while_the_store_is_locked(alluvium, tmp_path):
    path, store, config = configure(tmp_path, "rules: [{id: hex, pattern: '[0-9a-f]+'}]")
    with path.open("w") as out:
        for n in range(20_000):
            out.write(json.dumps({"agent_id": f"agent-{n % 50}", "content": f"{n:x} x " * 300}) + "\n")
    process = alluvium.start("run", "-c", config, "--until-end", "--progress", "never")

    def commits():
        try:
            with sqlite3.connect(store, timeout=30) as db:
                return db.execute("select seq from partitions").fetchone()
        except sqlite3.OperationalError:
            return None

    alluvium.wait_for(commits)
    lock = sqlite3.connect(store, timeout=30, isolation_level=None)
    lock.execute("begin exclusive")
    alluvium.wait_for(lambda: process.log.read_text().count("can't commit yet") >= 3, timeout=60)
    lock.execute("rollback")
    lock.close()
    assert process.wait(120) == 0, process.log.read_text()
    assert peak_mb(process.log.read_text()) < 250
    with sqlite3.connect(store) as db:
        assert db.execute("select extracted from partitions").fetchone() == (20_000,)
