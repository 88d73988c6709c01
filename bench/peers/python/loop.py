#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The same job as a plain consumer in Python: confluent-kafka, json, re. No guarantees, like the C++ loop.

  loop.py BROKERS TOPIC OUTPUT_TOPIC GROUP PATTERNS_FILE      ends at the end of the topic
"""
import json
import re
import sys
import time

from confluent_kafka import Consumer, KafkaError, Producer

BATCH = 20
NOISE = re.compile(r"(hi|hello|thanks|ok|yes|no|got it|sure|np)\.?", re.I)
SEPARATORS = re.compile(r"[^a-z0-9]+")


class Agent:
    __slots__ = ("buffer", "known", "batches")

    def __init__(self):
        self.buffer, self.known, self.batches = [], set(), 0


class Job:
    def __init__(self, patterns, produce):
        self.patterns, self.produce = patterns, produce
        self.agents = {}
        self.memories = 0

    def take(self, value):
        message = json.loads(value)
        name = message["agent_id"]
        agent = self.agents.get(name)
        if agent is None:
            agent = self.agents[name] = Agent()
        agent.buffer.append((message["id"], message["content"]))
        if len(agent.buffer) == BATCH:
            self.flush(name, agent)

    def finish(self):
        for name, agent in self.agents.items():
            if agent.buffer:
                self.flush(name, agent)

    def flush(self, name, agent):
        for identity, content in agent.buffer:
            if len(content) < 10 or NOISE.fullmatch(content):
                continue
            for rule, pattern in self.patterns:
                for match in pattern.finditer(content):
                    self.remember(name, agent, identity, rule, match[0].strip())
        agent.batches += 1
        agent.buffer.clear()

    def remember(self, name, agent, identity, rule, content):
        key = SEPARATORS.sub(" ", content.lower()).strip()
        if not content or key in agent.known:
            return
        agent.known.add(key)
        self.memories += 1
        self.produce(name, json.dumps({
            "id": f"mem-{self.memories}", "agent_id": name, "content": content, "type": "episodic", "importance": 0.8,
            "extraction_method": "rules", "rule_id": rule, "batch_id": f"{name}-{agent.batches}",
            "source_message_ids": [identity], "created_at": time.time()}))


def main():
    brokers, topic, output, group, patterns_file = sys.argv[1:]
    with open(patterns_file, encoding="utf-8") as lines:
        rules = [line.rstrip("\n").split("\t") for line in lines]
    patterns = [(rule, re.compile(pattern, re.I)) for rule, pattern in rules]
    producer = Producer({"bootstrap.servers": brokers, "partitioner": "murmur2_random", "linger.ms": 20})
    consumer = Consumer({"bootstrap.servers": brokers, "group.id": group, "auto.offset.reset": "earliest",
                         "enable.partition.eof": True})

    def produce(key, value):
        while True:
            try:
                producer.produce(output, value, key)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)

    job = Job(patterns, produce)
    partitions = len(consumer.list_topics(topic, 10).topics[topic].partitions)
    consumer.subscribe([topic])
    ended = set()
    while len(ended) < partitions:
        for record in consumer.consume(1000, 1):
            error = record.error()
            if error is None:
                job.take(record.value())
            elif error.code() == KafkaError._PARTITION_EOF:
                ended.add(record.partition())
    job.finish()
    producer.flush()
    consumer.close()
    print(f"{job.memories} memories", file=sys.stderr)


main()
