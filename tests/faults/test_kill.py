# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, one engine and three: the store ends up as if nothing had happened.

The checker knows only what was produced and the store. ALLUVIUM_SEED repeats a run's choices.
"""
import json
import os
import random
import sqlite3

import pytest

MESSAGES, AGENTS, PARTITIONS = 60_000, 500, 6
CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [kill], group: "{group}", start: earliest, properties: {{session.timeout.ms: "6000", heartbeat.interval.ms: "500"}}}}}}
preset: customer-support
buffer: {{max_messages: 7, min_messages: 2}}
engine: {{commit_batches: 16}}
sink: {{sqlite: {{path: {store}}}}}
"""


def query(store, sql):
    with sqlite3.connect(store, timeout=30) as db:
        return db.execute(sql).fetchall()


def progress(store):
    try:
        return query(store, "select coalesce(sum(seq), 0) from partitions")[0][0]
    except sqlite3.OperationalError:
        return 0


@pytest.fixture(scope="module")
def topic(kafka):
    kafka.create_topic("kill", PARTITIONS, {})
    rows = []
    for n in range(MESSAGES):
        agent = f"agent-{n * n % AGENTS}"
        content = f"my login {n // 3} failed again" if n % 4 == 0 else ("ok" if n % 9 == 0 else f"thing number {n} went well")
        rows.append((agent, json.dumps({"id": f"m-{n}", "agent_id": agent, "content": content}).encode()))
    kafka.produce("kill", rows)
    return kafka


def make_config(topic, tmp_path, name):
    store, path = tmp_path / f"{name}.db", tmp_path / f"{name}.yaml"
    path.write_text(CONFIG.format(brokers=topic.bootstrap, group=name + str(os.getpid()), store=store))
    return store, path


def expect_same(store, calm):
    for table in ("select memory_id, agent_id, content, type, importance, rule_id, source_message_ids from memories",
                  "select batch_id, agent_id, message_ids, outcomes, outcome, memories from batches",
                  "select topic, partition, watermark, extracted, empty, skipped, noise, dead, gaps from partitions"):
        assert sorted(query(store, table)) == sorted(query(calm, table)), table


@pytest.mark.parametrize("engines, kills_wanted", [(1, 20), (3, 20)])
def test_the_store_equals_that_of_an_undisturbed_run(alluvium, topic, tmp_path, engines, kills_wanted):
    seed = int(os.environ.get("ALLUVIUM_SEED", random.randrange(1 << 30)))
    print(f"seed {seed}")
    choice = random.Random(seed)
    calm, config = make_config(topic, tmp_path, "calm")
    assert alluvium.run("run", "-c", config, "--until-end", timeout=120).returncode == 0
    total = progress(calm)

    store, config = make_config(topic, tmp_path, "killed")
    running, kills = [], 0
    while kills < kills_wanted:
        running = [process for process in running if process.poll() is None]
        while len(running) < engines:
            running.append(alluvium.start("run", "-c", config, "--until-end", "--progress", "never"))
        # A random moment, told by the store and not by a clock: after so many more commits.
        target = progress(store) + choice.randrange(0, max(2, total // 12))
        victim = choice.choice(running)
        alluvium.wait_for(lambda: progress(store) >= target or all(p.poll() is not None for p in running), timeout=60)
        if victim.poll() is None:
            victim.kill()
            victim.wait()
            kills += 1
        elif all(process.poll() == 0 for process in running):
            break
    for process in running:
        if process.poll() is None:
            process.kill()
            process.wait()
    done = alluvium.run("run", "-c", config, "--until-end", timeout=120)
    assert done.returncode == 0, done.stderr
    print(f"{kills} kills")
    assert kills >= kills_wanted // 2
    expect_same(store, calm)
    verified = alluvium.run("ledger", "verify", "-c", config)
    assert verified.returncode == 0, verified.stdout
