# SPDX-License-Identifier: Apache-2.0
"""How long a message takes from the broker's log to a committed memory, while messages come in at a steady rate.

Each message is a batch, so nothing waits in a buffer. The beginning is the broker's own time of appending, the end the
moment at which another reader of the store sees the memory, so both are later than what a client could see, never earlier.
"""
import dataclasses
import json
import subprocess
import time

from .contestants import generator
from .engine import DONE, Engine
from .process import Failure, cpu_seconds, resident_bytes
from .workload import Workload, generate

RATE = 20_000
SECONDS = 30
LOOK_EVERY = 0.002  # Seconds between two looks into the store: the error of a single latency.
WORKLOADS = [Workload(messages=RATE * SECONDS)]
SAMPLES_MIN = 100


def sightings(engine, producer, messages, timeout):
    """(time in ms, ids of source messages as JSON) of each memory, in the order of their commits."""
    seen, last, deadline = [], 0, time.monotonic() + timeout
    with engine.reader() as ask:
        while True:
            rows = ask("SELECT id, source_message_ids FROM memories WHERE id > ? ORDER BY id", last)
            now = time.time() * 1000
            for last, sources in rows:
                seen.append((now, sources))
            if not rows and producer.poll() is not None and (ask(DONE) or [(0,)])[0][0] >= messages:
                return seen
            if time.monotonic() > deadline or engine.process.poll() is not None:
                raise Failure("the engine did not keep up, or ended")
            time.sleep(LOOK_EVERY)


def percentile(ordered, share):
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))], 1)


def measure(task, workload, broker, options):
    broker.create_topic(task.topic, workload.partitions, message_timestamp_type="LogAppendTime")
    rate = options.rate or RATE
    generate(generator(options.binary), dataclasses.replace(workload, messages=0), task.folder)  # The rules.
    with Engine(task, max_messages=1, min_messages=1) as engine:
        engine.start()
        engine.wait_for_claims(workload.partitions)
        start = time.monotonic()
        producer = subprocess.Popen([generator(options.binary), *workload.arguments(), "--brokers", broker.address,
                                     "--topic", task.topic, "--rate", str(rate)], stderr=subprocess.DEVNULL)
        try:
            seen = sightings(engine, producer, workload.messages, options.timeout)
        finally:
            producer.kill()
            producer.wait()
        wall = time.monotonic() - start
        cpu, (_, peak) = cpu_seconds(engine.process.pid), resident_bytes(engine.process.pid)
        engine.stop()
    appended = {json.loads(record.value())["id"]: record.timestamp()[1] for record in broker.records(task.topic)}
    # A memory rests on one message here: rules look at each by itself.
    waits = sorted(at - appended[json.loads(sources)[0]] for at, sources in seen)
    if len(waits) < SAMPLES_MIN:
        raise Failure(f"{len(waits)} memories are too few for a percentile")
    return {"cpu_s": cpu, "cpu_s_per_million": round(cpu * 1e6 / workload.messages, 4), "wall_s": round(wall, 1),
            "peak_rss_bytes": peak, "rate": rate, "memories": len(waits), "p50_ms": percentile(waits, .5),
            "p99_ms": percentile(waits, .99), "p999_ms": percentile(waits, .999), "max_ms": percentile(waits, 1)}
