#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a file of one JSON message per line ("-": stdin) to a topic, keyed by agent: tools/kafka.sh produce."""

import json
import sys

from confluent_kafka import Producer


def key_of(line):
    """The agent's id, so that one agent's messages stay in one partition and in order; None if it has none."""
    try:
        message = json.loads(line)
    except ValueError:
        return None  # What is not JSON goes out all the same: it becomes a dead letter.
    if not isinstance(message, dict):
        return None
    agent = message.get("agent_id", message.get("agentId"))
    return agent if isinstance(agent, str) else None


def main():
    bootstrap, topic, path = sys.argv[1:]
    failures = []
    # The partitioner of the Java client, so that a key lands where other producers put it.
    producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random", "linger.ms": 20,
                         "queue.buffering.max.messages": 100000})

    def delivered(error, _message):
        if error is not None and len(failures) < 10:
            failures.append(str(error))

    count = 0
    with (sys.stdin.buffer if path == "-" else open(path, "rb")) as lines:
        for line in lines:
            line = line.rstrip(b"\r\n")
            if not line.strip():
                continue
            while True:
                try:
                    producer.produce(topic, value=line, key=key_of(line), on_delivery=delivered)
                    break
                except BufferError:
                    producer.poll(1)
            producer.poll(0)
            count += 1
    left = producer.flush(60)
    for failure in failures:
        print(f"kafka: {failure}", file=sys.stderr)
    if failures or left:
        sys.exit(1)
    print(f"{count} messages to {topic}")


if __name__ == "__main__":
    main()
