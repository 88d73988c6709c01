# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments, one engine and three: the store ends up as if nothing had happened.

The checker knows only what was produced and the store. ALLUVIUM_SEED repeats a run's choices.
"""
import json
import os
import random
import sqlite3

import pytest

MESSAGES, AGENTS, PARTITIONS = 150_000, 500, 6
CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [kill], group: "{group}", start: earliest, instance_id: "${{INSTANCE:-e0}}", properties: {{session.timeout.ms: "6000", heartbeat.interval.ms: "500"}}}}}}
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
    # Static members: one that comes back keeps its partitions, without a wait for the session's end.
    running, kills = {}, 0
    while kills < kills_wanted:
        for number in range(engines):
            if number not in running or running[number].poll() is not None:
                running[number] = alluvium.start("run", "-c", config, "--until-end", "--progress", "never",
                                                 environment={"INSTANCE": f"e{number}"})
        # A random moment, told by the store and not by a clock: after so many more commits.
        target = progress(store) + choice.randrange(0, max(2, total // 40))
        victim = running[choice.randrange(engines)]
        alluvium.wait_for(lambda: progress(store) >= target or victim.poll() is not None, timeout=60)
        if victim.poll() is None:
            victim.kill()
            kills += 1
        else:
            assert victim.returncode == 0, victim.log.read_text()  # It had seen the end of the whole topic.
            break
        victim.wait()
    for process in running.values():
        process.kill()
        process.wait()
    done = alluvium.run("run", "-c", config, "--until-end", timeout=120)
    assert done.returncode == 0, done.stderr
    print(f"{kills} kills")
    assert kills >= kills_wanted
    expect_same(store, calm)
    verified = alluvium.run("ledger", "verify", "-c", config)
    assert verified.returncode == 0, verified.stdout
