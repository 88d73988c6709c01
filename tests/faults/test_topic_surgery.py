# SPDX-License-Identifier: Apache-2.0
"""What can be done to a topic behind the engine's back: records deleted before they are read, the topic deleted, made
anew, given more partitions. What is gone is recorded as lost and said; another topic of the same name is refused."""
import contextlib
import json
import signal
import socket
import sqlite3
import struct
import uuid

import pytest

CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [{topic}], group: {topic}, start: {start}, properties: {{session.timeout.ms: "6000", heartbeat.interval.ms: "500", topic.metadata.refresh.interval.ms: "1000"}}}}}}
preset: customer-support
buffer: {{max_messages: 5, min_messages: 1, idle_timeout: 100ms}}
sink: {{sqlite: {{path: {store}}}}}
"""


class Topic:
    """A topic, and an engine that reads it."""

    def __init__(self, alluvium, kafka, tmp_path, partitions=1, start="earliest"):
        self.alluvium, self.kafka = alluvium, kafka
        self.name = kafka.create_topic(f"t-{uuid.uuid4().hex[:8]}", partitions)
        self.store, self.config = tmp_path / "out.db", tmp_path / "c.yaml"
        self.config.write_text(CONFIG.format(brokers=kafka.bootstrap, topic=self.name, store=self.store, start=start))
        self.produced = 0
        self.process = None

    def admin(self):
        from confluent_kafka.admin import AdminClient

        return AdminClient({"bootstrap.servers": self.kafka.bootstrap})

    def produce(self, count, partition=None):
        rows = []
        for n in range(self.produced, self.produced + count):
            agent = f"agent-{n % 7}"
            body = json.dumps({"id": f"m-{n}", "agent_id": agent, "content": f"my login {n} failed again"})
            rows.append((agent, body, None, partition))
        self.kafka.produce(self.name, rows)
        self.produced += count

    def delete_records(self, before, partition=0):
        """Kafka's DeleteRecords (key 21, version 1), which the client of the system's Python does not have."""
        name = self.name.encode()
        body = struct.pack(">hhihih", 21, 1, 7, -1, 1, len(name)) + name + struct.pack(">iiqi", 1, partition, before, 30_000)
        host, port = self.kafka.bootstrap.split(":")
        with socket.create_connection((host, int(port)), timeout=30) as broker, broker.makefile("rwb") as stream:
            stream.write(struct.pack(">i", len(body)) + body)
            stream.flush()
            answer = stream.read(struct.unpack(">i", stream.read(4))[0])
        _, begin, error = struct.unpack(">iqh", answer[-14:])
        assert (begin, error) == (before, 0)

    def make_anew(self, partitions=1):
        self.kafka.delete_topic(self.name)
        self.alluvium.wait_for(self._is_gone)
        self.kafka.create_topic(self.name, partitions)

    def _is_gone(self):
        return self.name not in self.admin().list_topics(timeout=30).topics

    def start(self, *more):
        self.process = self.alluvium.start("run", "-c", self.config, "--progress", "never", *more)

    def run(self, *more):
        return self.alluvium.run("run", "-c", self.config, "--until-end", "--progress", "never", *more)

    def ask(self, sql):
        with contextlib.closing(sqlite3.connect(self.store, timeout=30)) as db:
            return db.execute(sql).fetchone()

    def done(self):
        try:
            return self.ask("select coalesce(sum(extracted), 0) from partitions where retired = 0")[0]
        except sqlite3.OperationalError:
            return 0

    def claimed(self):
        try:
            return self.ask("select count(*) from partitions where claim_token <> ''")[0]
        except sqlite3.OperationalError:
            return 0

    def wait_for(self, condition, timeout=60):
        self.alluvium.wait_for(lambda: condition() or self.process.poll() is not None, timeout)
        assert self.process.poll() is None, self.log()

    def log(self):
        return self.process.log.read_text()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log()

    def expect_refusal(self, timeout=60):
        assert self.process.wait(timeout) == 1, self.log()
        said = self.log().splitlines()[-1]
        assert self.name in said and "--reset-ledger" in said, said

    def expect_proof(self):
        verified = self.alluvium.run("ledger", "verify", "-c", self.config)
        assert verified.returncode == 0, verified.stdout + verified.stderr


@pytest.fixture
def make_topic(alluvium, kafka, tmp_path):
    return lambda *arguments, **options: Topic(alluvium, kafka, tmp_path, *arguments, **options)


def expect_loss(topic, log, count):
    assert f"{count} offsets were deleted by retention before they were read" in log
    assert f"LOST       {count} offsets" in log
    assert topic.ask("select lost from partitions") == (count,)
    assert topic.ask("select kind, count from gaps where kind = 'lost'") == ("lost", count)
    shown = topic.alluvium.json("ledger", "show", "-c", topic.config, "--json")
    assert [row["lost"] for row in shown] == [count]
    topic.expect_proof()


def test_retention_that_passes_the_watermark_of_a_stopped_engine_is_recorded_as_lost(make_topic):
    topic = make_topic()
    topic.produce(100)
    assert topic.run().returncode == 0
    topic.produce(100)
    topic.delete_records(150)
    done = topic.run()
    assert done.returncode == 0, done.stderr
    assert topic.done() == 150
    expect_loss(topic, done.stderr, 50)
    again = topic.run()  # Said once: it is in the ledger now.
    assert "LOST" not in again.stderr
    assert topic.ask("select lost from partitions") == (50,)


def test_retention_that_passes_a_running_engine_is_recorded_as_lost(make_topic):
    topic = make_topic()
    topic.produce(100)
    topic.start()
    topic.wait_for(lambda: topic.done() == 100)
    topic.process.send_signal(signal.SIGSTOP)
    topic.produce(100)
    topic.delete_records(150)
    topic.process.send_signal(signal.SIGCONT)
    topic.wait_for(lambda: topic.ask("select watermark from partitions") == (200,))
    topic.stop()
    lost = topic.ask("select lost from partitions")[0]
    assert topic.done() + lost == 200
    if lost:  # A fetch may have been under way when it was stopped, and bring them all the same.
        expect_loss(topic, topic.log(), lost)


def test_a_topic_made_anew_is_refused_at_the_start_until_the_ledger_is_reset(make_topic):
    topic = make_topic()
    topic.produce(100)
    assert topic.run().returncode == 0
    topic.make_anew()
    topic.produce(120)
    refused = topic.run()
    assert refused.returncode == 1
    assert topic.name in refused.stderr and "--reset-ledger" in refused.stderr
    assert topic.done() == 100
    done = topic.run("--reset-ledger")
    assert done.returncode == 0, done.stderr
    assert topic.done() == 120
    assert topic.ask("select count(*), count(distinct content) from memories") == (220, 220)
    topic.expect_proof()
    assert topic.run().returncode == 0  # Without the option from now on.
    assert topic.ask("select count(*) from memories") == (220,)


@pytest.mark.parametrize("then", [0, 30, 250])
def test_a_topic_made_anew_under_a_running_engine_ends_it(make_topic, then):
    """Also one that is longer already than the engine has come: to go on reading there would leave records out."""
    topic = make_topic()
    topic.produce(100)
    topic.start()
    topic.wait_for(lambda: topic.done() == 100)
    topic.process.send_signal(signal.SIGSTOP)
    topic.make_anew()
    topic.produce(then)
    topic.process.send_signal(signal.SIGCONT)
    topic.expect_refusal()
    assert topic.run().returncode == 1
    assert topic.run("--reset-ledger").returncode == 0
    assert topic.done() == then
    assert topic.ask("select count(*), count(distinct content) from memories where content like '%'")[0] >= 100 + then
    topic.expect_proof()


def test_a_topic_that_is_deleted_is_waited_for_and_refused_when_it_is_another(make_topic):
    topic = make_topic()
    topic.produce(100)
    topic.start()
    topic.wait_for(lambda: topic.done() == 100)
    topic.kafka.delete_topic(topic.name)
    topic.wait_for(lambda: topic.name in topic.log())
    topic.kafka.create_topic(topic.name)
    topic.expect_refusal()
    topic.expect_proof()


def test_partitions_that_are_added_are_read_from_their_start(make_topic):
    from confluent_kafka.admin import NewPartitions

    topic = make_topic(start="latest")
    topic.start()
    topic.wait_for(lambda: topic.claimed() == 1)
    topic.produce(50, partition=0)
    topic.wait_for(lambda: topic.done() == 50)
    # As if it had begun long ago: partitions of a topic's first minutes are not taken for added ones.
    with contextlib.closing(sqlite3.connect(topic.store, timeout=30)) as db:
        db.execute("update partitions set begun_ms = begun_ms - 3600000")
        db.commit()
    topic.process.send_signal(signal.SIGSTOP)
    admin = topic.admin()  # Has to live until the answer is there.
    admin.create_partitions([NewPartitions(topic.name, 3)])[topic.name].result(30)
    topic.produce(50, partition=1)
    topic.produce(50, partition=2)
    topic.process.send_signal(signal.SIGCONT)
    topic.wait_for(lambda: topic.done() == 150)
    topic.stop()
    assert topic.ask("select count(*), sum(start_offset) from partitions") == (3, 0)
    topic.expect_proof()
