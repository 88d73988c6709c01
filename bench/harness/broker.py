# SPDX-License-Identifier: Apache-2.0
"""The broker that the benchmarks run on: one of their own, or one that is there."""
import contextlib
import pathlib
import subprocess
import time

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from .process import Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]
KAFKA = ROOT / "tools" / "kafka.sh"
END_OF_PARTITION = -191


class Broker:
    def __init__(self, address):
        self.address = address
        # Its lines about a broker that was stopped are of no use to anybody.
        self.admin = AdminClient({"bootstrap.servers": address, "log_level": 2})

    def create_topic(self, name, partitions, **config):
        settings = {key.replace("_", "."): value for key, value in config.items()}
        self.admin.create_topics([NewTopic(name, partitions, 1, config=settings)])[name].result(30)

    def delete_topics(self, names):
        for deleted in self.admin.delete_topics(list(names)).values():
            with contextlib.suppress(KafkaException):  # It is only to save space.
                deleted.result(30)

    def topics(self):
        return set(self.admin.list_topics(timeout=10).topics)

    def records(self, topic):
        """All records of the topic, as they are at the call."""
        consumer = Consumer({"bootstrap.servers": self.address, "group.id": "bench-reads", "enable.auto.commit": False,
                             "enable.partition.eof": True, "auto.offset.reset": "earliest"})
        try:
            partitions = consumer.list_topics(topic, 10).topics[topic].partitions
            consumer.assign([TopicPartition(topic, number, 0) for number in partitions])
            ended, deadline = set(), time.monotonic() + 60
            while len(ended) < len(partitions):
                if time.monotonic() > deadline:
                    raise Failure(f"{topic} could not be read to its end")
                for record in consumer.consume(2000, 1):
                    deadline = time.monotonic() + 60
                    if record.error() is None:
                        yield record
                    elif record.error().code() == END_OF_PARTITION:
                        ended.add(record.partition())
        finally:
            consumer.close()


@contextlib.contextmanager
def broker(address, folder):
    """The broker at the address, or, if that is none, a new one with its data in the folder."""
    if address:
        yield Broker(address)
        return
    home = folder / "broker"
    # Output to a file: the broker inherits it, and a pipe would stay open as long as the broker runs.
    with open(folder / "broker.out", "w+", encoding="utf-8") as said:
        started = subprocess.run([KAFKA, "start", "--port", "0", "--dir", home], stdout=said, stderr=said, check=False)
        said.seek(0)
        text = said.read()
    try:
        if started.returncode != 0:
            raise Failure(f"no broker: {text}")
        yield Broker(text.split()[-1])
    finally:
        subprocess.run([KAFKA, "stop", "--dir", home], check=False)
