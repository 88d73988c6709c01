# SPDX-License-Identifier: Apache-2.0
"""How long an engine that was killed takes until new messages flow, if the ledger has a wide window: one message of a
quiet agent waits in its buffer at the head of the partition, and all that came after it is done.
"""
import time

from confluent_kafka import Producer

from .contestants import generator
from .engine import Engine
from .process import Failure, resident_bytes, wait_until
from .workload import Workload, generate

BATCH = 20
# Each agent has as many messages as fill its buffer again and again, so that nothing but the quiet agent's is left.
WORKLOADS = [Workload(messages=1_000_000, agents=1_000, partitions=1)]


def produce(broker, topic, agent, count):
    producer = Producer({"bootstrap.servers": broker.address})
    for number in range(count):
        producer.produce(topic, f'{{"agent_id":"{agent}","content":"A word of {agent}, number {number}"}}', agent)
    if producer.flush(30):
        raise Failure("the broker does not take messages")


def measure(task, workload, broker, options):
    if workload.skew or workload.partitions != 1 or workload.messages % (BATCH * workload.agents):
        raise Failure(f"restart needs one partition, no skew and a multiple of {BATCH} messages per agent")
    broker.create_topic(task.topic, 1)
    produce(broker, task.topic, "quiet", 1)
    generate(generator(options.binary), workload, task.folder, "--brokers", broker.address, "--topic", task.topic)
    # As the same member of the group; else it would wait for the one that was killed to be missed.
    with Engine(task, source="instance_id: bench, ") as engine:
        engine.start()
        engine.wait_for_claims(1)
        engine.wait_until_done(workload.messages, options.timeout)
        engine.kill()
        produce(broker, task.topic, "agent-0", BATCH)
        with engine.reader() as ask:
            sql = "SELECT watermark, claim_token, batches FROM partitions"
            (watermark, token, batches), = ask(sql)
            start = time.monotonic()
            engine.start()
            wait_until(lambda: any(row[1] != token for row in ask(sql)), engine.process, options.timeout, every=0.001)
            claimed = time.monotonic() - start
            wait_until(lambda: any(row[2] > batches for row in ask(sql)), engine.process, options.timeout, every=0.001)
            flowing = time.monotonic() - start
        _, peak = resident_bytes(engine.process.pid)
        engine.stop()
    if watermark != 0:
        raise Failure(f"the watermark is {watermark}, so there was no window")
    return {"window": workload.messages, "claimed_s": round(claimed, 3), "first_batch_s": round(flowing, 3),
             "peak_rss_bytes": peak}
