# SPDX-License-Identifier: Apache-2.0
"""`run` on a real Apache Kafka: partitions, bundles, transactions, compaction, rebalances."""
import json
import signal
import sqlite3

import pytest
from confluent_kafka import Consumer, Producer, TopicPartition

CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [{topic}], group: {topic}, start: earliest, properties: {{session.timeout.ms: "6000"}}}}}}
preset: customer-support
buffer: {{max_messages: 5, min_messages: 2}}
sink: {{sqlite: {{path: {store}}}}}
"""


@pytest.fixture
def setup(kafka, tmp_path):
    def make(topic, partitions, config=None):
        kafka.create_topic(topic, partitions, config or {})
        store, path = tmp_path / "out.db", tmp_path / "c.yaml"
        path.write_text(CONFIG.format(brokers=kafka.bootstrap, topic=topic, store=store))
        return store, path

    return make


def query(store, sql):
    with sqlite3.connect(store) as db:
        return db.execute(sql).fetchall()


def messages(n, agents=7, first=0):
    for i in range(first, first + n):
        agent = f"agent-{i % agents}"
        yield agent, json.dumps({"id": f"m-{i}", "agent_id": agent, "content": f"my login {i} failed again"}).encode()


def finish(alluvium, config):
    done = alluvium.run("run", "-c", config, "--until-end", timeout=120)
    assert done.returncode == 0, done.stderr
    verified = alluvium.run("ledger", "verify", "-c", config)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_topic_with_several_partitions_is_read_to_its_end_once(alluvium, kafka, setup):
    store, config = setup("several", 4)
    kafka.produce("several", list(messages(2_000)))
    finish(alluvium, config)
    assert query(store, "select sum(extracted), sum(dead) from partitions") == [(2_000, 0)]
    assert query(store, "select count(*) from memories") == [(2_000,)]
    finish(alluvium, config)
    assert query(store, "select count(*) from memories") == [(2_000,)]
    # For lag displays; a start never uses it.
    committed = [max(0, offset) for offset in kafka.committed("several", "several", 4)]  # None where nothing was.
    assert committed == kafka.ends("several", 4)


def test_bundles_count_each_of_their_messages(alluvium, kafka, setup):
    store, config = setup("bundles", 1)
    bundle = {"agent_id": "a", "messages": [{"content": "my login 1 failed"}, {"role": "user"}, {"content": "my login 2 failed"}]}
    kafka.produce("bundles", [("a", json.dumps(bundle).encode())] * 3)
    finish(alluvium, config)
    assert query(store, "select extracted, dead, watermark from partitions") == [(6, 3, 3)]


def test_aborted_transactions_and_control_records_are_gaps(alluvium, kafka, setup):
    store, config = setup("transactions", 1)
    producer = Producer({"bootstrap.servers": kafka.bootstrap, "transactional.id": "t"})
    producer.init_transactions(30)
    for round_ in range(6):
        producer.begin_transaction()
        for key, value in messages(20, first=round_ * 20):
            producer.produce("transactions", value, key)
        producer.flush(30)
        (producer.abort_transaction if round_ % 2 else producer.commit_transaction)(30)
    finish(alluvium, config)
    assert query(store, "select extracted, gaps, watermark from partitions") == [(60, 66, 126)]


def test_a_compacted_topic_has_gaps_and_tombstones_are_dead_letters(alluvium, kafka, setup):
    store, config = setup("compacted", 1, {"cleanup.policy": "compact", "segment.ms": "100",
                                           "min.cleanable.dirty.ratio": "0.01", "max.compaction.lag.ms": "100"})
    # Only the last message of each key survives; a record much later rolls the segment, so that it can be cleaned.
    kafka.produce("compacted", [("a", message) for _, message in messages(30)] + list(messages(3, agents=3, first=50)))

    def compacted():
        kafka.produce("compacted", [("roll", b'{"agent_id":"r","content":"a later one"}')])
        return offsets(kafka, "compacted")[:4] != list(range(4))

    alluvium.wait_for(compacted, timeout=90)
    kafka.produce("compacted", [("agent-0", None)])
    finish(alluvium, config)
    extracted, dead, gaps, watermark, empty = query(
        store, "select extracted, dead, gaps, watermark, empty from partitions")[0]
    assert (extracted, dead) == (4, 1)
    assert gaps >= 29
    assert extracted + dead + gaps + empty == watermark == kafka.ends("compacted", 1)[0]
    assert query(store, "select reason from dead_letters") == [("empty",)]


def offsets(kafka, topic):
    """Of the records that are still there."""
    consumer = Consumer({"bootstrap.servers": kafka.bootstrap, "group.id": "looks", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    while True:
        record = consumer.poll(10)
        if record is None or record.error():
            consumer.close()
            return found
        found.append(record.offset())


def test_an_engine_that_joins_and_leaves_loses_and_doubles_nothing(alluvium, kafka, setup):
    store, config = setup("rebalance", 6)
    kafka.produce("rebalance", list(messages(3_000)))
    first = alluvium.start("run", "-c", config, "--progress", "never")
    alluvium.wait_for(lambda: claims(store) >= 6)
    second = alluvium.start("run", "-c", config, "--progress", "never")
    alluvium.wait_for(lambda: claims(store) >= 9, timeout=60)  # The second has claimed its share.
    kafka.produce("rebalance", list(messages(3_000, first=3_000)))
    second.send_signal(signal.SIGTERM)
    assert second.wait(60) == 0
    kafka.produce("rebalance", list(messages(1_000, first=6_000)))
    first.send_signal(signal.SIGTERM)
    assert first.wait(60) == 0
    finish(alluvium, config)
    assert query(store, "select sum(extracted), sum(dead) from partitions") == [(7_000, 0)]
    assert query(store, "select count(*), count(distinct memory_id) from memories") == [(7_000, 7_000)]


def claims(store):
    """Each claim and each commit of a partition moves its sequence by one."""
    try:
        return query(store, "select coalesce(sum(seq), 0) from partitions")[0][0]
    except sqlite3.OperationalError:
        return 0


def test_a_binary_cloud_event_and_a_schema_registry_prefix_are_read(alluvium, kafka, setup):
    store, config = setup("envelopes", 1)
    kafka.produce("envelopes", [
        ("a", b'{"content":"my login 1 failed"}', [("ce_specversion", b"1.0"), ("ce_id", b"event-1")]),
        ("a", b"\x00\x00\x00\x00\x07" + b'{"content":"my login 2 failed"}'),
        ("a", b"\x00\x00\x00\x00\x07\x02\x08avro"),
    ])
    finish(alluvium, config)
    assert query(store, "select extracted, dead from partitions") == [(2, 1)]
    assert alluvium.run("where", "event-1", "-c", config).returncode == 0
