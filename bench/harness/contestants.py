# SPDX-License-Identifier: Apache-2.0
"""Who takes part: how each is started, and what it made of the messages."""
import dataclasses
import hashlib
import json
import pathlib
import re
import sqlite3
import subprocess
import sys
from typing import Callable

from .broker import ROOT
from .process import Failure

PEERS = ROOT / "bench" / "peers"
CONFIG = """\
source: {{kafka: {{{source}brokers: "{brokers}", topics: [{topic}], group: {group}, start: earliest}}}}
buffer: {{max_messages: {max_messages}, min_messages: {min_messages}}}
rules_file: rules.yaml
sink: {{sqlite: {{path: {store}}}}}
"""


@dataclasses.dataclass(frozen=True)
class Task:
    """One run of one contestant. The folder holds rules.yaml and patterns.tsv."""
    name: str
    brokers: str
    topic: str
    output: str  # The topic for memories, of those who write into one.
    folder: pathlib.Path
    binary: pathlib.Path
    config: str = ""  # More of Alluvium's.

    @property
    def store(self):
        return self.folder / f"{self.name}.db"


def write_config(task, max_messages=20, min_messages=5, source=""):
    """`source`: more keys of source.kafka, with a comma at the end."""
    path = task.folder / f"{task.name}.yaml"
    path.write_text(CONFIG.format(brokers=task.brokers, topic=task.topic, group=task.name, store=task.store.name,
                                  max_messages=max_messages, min_messages=min_messages, source=source) + task.config)
    return path


def alluvium(task):
    return [task.binary, "run", "-c", write_config(task), "--until-end", "--progress", "never"]


def loop(task):
    return [peer_binary(task.binary), task.brokers, task.topic, task.output, task.name, "patterns.tsv"]


def python(task):
    return [sys.executable, PEERS / "python" / "loop.py", task.brokers, task.topic, task.output, task.name,
            "patterns.tsv"]


def streams(task):
    return ["java", "-Xmx2g", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{STREAMS_BUILD}/classes:{STREAMS_BUILD}/lib/*", "StreamsPeer", task.brokers,
            task.topic, task.output, task.name, "patterns.tsv", task.folder / f"{task.name}.state"]


STREAMS_BUILD = ROOT / "build" / "streams"


def build_streams():
    done = subprocess.run(["mvn", "-q", "-B", "-f", PEERS / "streams" / "pom.xml", f"-Dfolder={STREAMS_BUILD}", "compile",
                           "dependency:copy-dependencies", f"-DoutputDirectory={STREAMS_BUILD}/lib",
                           "-DincludeScope=runtime"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"Kafka Streams could not be built:\n{done.stdout[-2000:]}")


def generator(binary):
    return beside(binary, "workload/workload")


def peer_binary(binary):
    return beside(binary, "peers/loop/loop")


def beside(binary, path):
    found = binary.parent / "bench" / path
    if not found.exists():
        raise Failure(f"{found} is not there: cmake --build --preset release --target workload loop, "
                      "after cmake --preset release -DALLUVIUM_BENCH=ON")
    return found


class Digest:
    """Of a set of memories, whatever their order: the sum of the hashes of agent and normalised content, and how many."""

    def __init__(self):
        self.sum, self.count = 0, 0

    def add(self, agent, content):
        text = f"{agent}\0{re.sub('[^a-z0-9]+', ' ', content.lower()).strip()}"
        self.sum += int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "big")
        self.count += 1

    def result(self):
        return {"memories": self.count, "digest": f"{self.sum % (1 << 128):032x}"}


def in_store(task, _broker):
    digest = Digest()
    with sqlite3.connect(f"file:{task.store}?mode=ro", uri=True) as database:
        for agent, content in database.execute("SELECT agent_id, content FROM memories"):
            digest.add(agent, content)
    database.close()
    return digest.result()


def in_topic(task, broker):
    digest = Digest()
    for record in broker.records(task.output):
        memory = json.loads(record.value())
        digest.add(memory["agent_id"], memory["content"])
    return digest.result()


@dataclasses.dataclass(frozen=True)
class Contestant:
    command: Callable
    output: Callable
    build: Callable = lambda: None
    rules_max: int = 1 << 30  # Beyond, it would run for hours.
    messages_max: int = 1 << 60


CONTESTANTS = {
    "alluvium": Contestant(alluvium, in_store),
    "loop": Contestant(loop, in_topic),
    "python": Contestant(python, in_topic, rules_max=20, messages_max=3_000_000),
    "streams": Contestant(streams, in_topic, build_streams, rules_max=20, messages_max=3_000_000),
}
