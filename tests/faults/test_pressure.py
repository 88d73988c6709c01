# SPDX-License-Identifier: Apache-2.0
"""Short of memory: the engine slows down, stays within its limit, never stands still, and loses nothing."""
import json
import re
import sqlite3

LIMIT = 64 << 20
PADDING = "so it goes on and on and on. " * 40


def message(n, agents, padding=PADDING):
    return {"id": f"m-{n}", "agent_id": f"agent-{n % agents}", "content": f"my login {n} failed again: {padding}"}


def sum_of(store, column):
    try:
        with sqlite3.connect(store, timeout=30) as db:
            return db.execute(f"select coalesce(sum({column}), 0) from partitions").fetchone()[0]
    except sqlite3.OperationalError:
        return 0


def peak(process):
    return int(re.search(r"peak RSS (\d+) MB", process.log.read_text())[1]) << 20


def test_a_burst_before_a_store_of_one_commit_a_second_stays_within_the_limit(alluvium, kafka, tmp_path):
    count = 15_000  # 18 MB, three times what may be held of it.
    topic = kafka.create_topic(partitions=4)
    kafka.produce(topic, ((f"agent-{n % 3000}", message(n, 3000)) for n in range(count)))
    store, config = tmp_path / "s.db", tmp_path / "c.yaml"
    config.write_text(f"""
source: {{kafka: {{brokers: "{kafka.bootstrap}", topics: [{topic}], group: pressure, start: earliest}}}}
preset: customer-support
memory: {{limit: 64MiB}}
engine: {{commit_interval: 1s, commit_batches: 100000}}
sink: {{sqlite: {{path: {store}}}}}
""")
    process = alluvium.start("run", "-c", config, "--until-end", "--progress", "never")
    assert process.wait(120) == 0, process.log.read_text()
    assert sum_of(store, "extracted") == count
    assert sum_of(store, "watermark") == count
    assert peak(process) <= LIMIT * 1.05
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0


def test_many_agents_with_short_messages_stay_within_the_limit(alluvium, kafka, tmp_path):
    count = 60_000
    topic = kafka.create_topic(partitions=4)
    kafka.produce(topic, ((f"agent-{n}", message(n, count, "")) for n in range(count)))
    store, config = tmp_path / "s.db", tmp_path / "c.yaml"
    config.write_text(f"""
source: {{kafka: {{brokers: "{kafka.bootstrap}", topics: [{topic}], group: many, start: earliest}}}}
preset: customer-support
memory: {{limit: 64MiB}}
sink: {{sqlite: {{path: {store}}}}}
""")
    process = alluvium.start("run", "-c", config, "--until-end", "--progress", "never")
    assert process.wait(120) == 0, process.log.read_text()
    assert sum_of(store, "extracted") == count
    assert peak(process) <= LIMIT * 1.05


def test_it_follows_the_control_group_and_goes_on_by_itself(alluvium, tmp_path):
    group = tmp_path / "group"
    group.mkdir()

    def use(megabytes):
        (group / "new").write_text(f"{megabytes << 20}\n")
        (group / "new").rename(group / "memory.current")

    (group / "memory.max").write_text(f"{100 << 20}\n")
    use(97)
    count = 30_000
    with open(tmp_path / "chat.ndjson", "w", encoding="utf-8") as chat:
        chat.writelines(json.dumps(message(n, 50, "")) + "\n" for n in range(count))
    config, store = tmp_path / "c.yaml", tmp_path / "s.db"
    config.write_text(f"""
source: {{file: {{path: chat.ndjson}}}}
preset: customer-support
memory: {{cgroup: {group}}}
log: {{level: debug}}
sink: {{sqlite: {{path: {store}}}}}
""")
    process = alluvium.start("run", "-c", config, "--until-end", "--progress", "never")
    said = process.log.read_text
    alluvium.wait_for(lambda: "High memory usage detected: " in said())
    # It has nothing to let go of: it goes on in small portions, ten a second, in the smallest batches.
    alluvium.wait_for(lambda: sum_of(store, "watermark") > 0)
    before = sum_of(store, "watermark")
    alluvium.wait_for(lambda: sum_of(store, "watermark") > before)
    assert sum_of(store, "watermark") < count
    assert re.search(r"memory: level=critical .* delay_ms=100 batch_max=2", said())
    with sqlite3.connect(store) as db:
        assert db.execute("select max(length(outcomes)) from batches").fetchone()[0] <= 2
    use(10)
    assert process.wait(60) == 0
    assert sum_of(store, "extracted") == count
    assert re.search(r"memory: level=none .* delay_ms=0 batch_max=20", said())
    assert "memory: pressure is over" in said()


def test_a_control_group_that_is_none_is_refused(alluvium, tmp_path):
    (tmp_path / "chat.ndjson").write_text("")
    (tmp_path / "c.yaml").write_text("""
source: {file: {path: chat.ndjson}}
preset: customer-support
memory: {cgroup: nowhere}
sink: {sqlite: {path: s.db}}
""")
    done = alluvium.run("run", "-c", "c.yaml", "--until-end")
    assert done.returncode == 2, done.stderr
    assert "memory.cgroup: nowhere is no control group" in done.stderr
