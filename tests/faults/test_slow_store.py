# SPDX-License-Identifier: Apache-2.0
"""A store that can't be written to: memory stays flat, the broker keeps the backlog, nothing is lost."""
import json
import re
import sqlite3

CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [slow], group: slow, start: earliest}}}}
preset: customer-support
memory: {{limit: 64MiB}}
sink: {{sqlite: {{path: {store}, busy_timeout: 100ms}}}}
"""
MESSAGES = 150_000
RESIDENT_MAX = int((64 << 20) * 1.05)  # The input is three times as large.


def test_a_locked_store_stops_the_intake_and_loses_nothing(alluvium, kafka, tmp_path):
    kafka.create_topic("slow", 4, {})
    padding = "so it goes on and on and on. " * 40
    kafka.produce("slow", (
        (f"agent-{n % 3000}", json.dumps({"id": f"m-{n}", "agent_id": f"agent-{n % 3000}",
                                          "content": f"my login {n} failed again: {padding}"}).encode())
        for n in range(MESSAGES)))
    store, config = tmp_path / "slow.db", tmp_path / "c.yaml"
    config.write_text(CONFIG.format(brokers=kafka.bootstrap, store=store))
    process = alluvium.start("run", "-c", config, "--until-end", "--progress", "never")
    watermark = "select coalesce(sum(watermark), 0) from partitions"

    def progress():
        try:
            with sqlite3.connect(store, timeout=30) as db:
                return db.execute(watermark).fetchone()[0]
        except sqlite3.OperationalError:
            return 0

    alluvium.wait_for(lambda: progress() > 0)
    lock = sqlite3.connect(store, timeout=30, isolation_level=None)
    lock.execute("begin exclusive")
    held = lock.execute(watermark).fetchone()[0]
    # The engine complains and waits; it has read what its credit allows by the third complaint.
    alluvium.wait_for(lambda: process.log.read_text().count("can't commit yet") >= 3, timeout=60)
    assert process.poll() is None
    assert lock.execute(watermark).fetchone()[0] == held < MESSAGES
    lock.execute("rollback")
    lock.close()
    alluvium.wait_for(lambda: progress() == MESSAGES, timeout=120)
    assert process.wait(60) == 0
    rss = int(re.search(r"peak RSS (\d+) MB", process.log.read_text())[1])
    print(f"peak resident {rss} MB")
    assert rss << 20 < RESIDENT_MAX
    with sqlite3.connect(store) as db:
        assert db.execute("select sum(extracted) from partitions").fetchone() == (MESSAGES,)
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0
