# SPDX-License-Identifier: Apache-2.0
"""What the tests of whole processes stand on: a private Kafka broker, the built binary, messages."""

import json
import os
import pathlib
import random
import select
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
import uuid

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]


class Kafka:
    """A broker of this test run. Producing and creating wait until the broker has it."""

    def __init__(self, bootstrap, folder):
        self.bootstrap = bootstrap
        self.folder = folder

    def signal(self, what):
        os.kill(int((self.folder / "pid").read_text()), what)

    def kill(self):
        """As a power cut would: kill -9. What was acknowledged is in the machine's page cache."""
        self.signal(signal.SIGKILL)
        Alluvium.wait_for(lambda: not self._listens())

    def _listens(self):
        with socket.socket() as connection:
            return connection.connect_ex(("127.0.0.1", int(self.bootstrap.split(":")[1]))) == 0

    def start_again(self):
        """On the same port, with what is on its disk; returns when it is ready."""
        with open(self.folder.parent / "again.out", "w") as out:
            subprocess.run([ROOT / "tools" / "kafka.sh", "start", "--port", self.bootstrap.split(":")[1], "--dir",
                            self.folder], stdout=out, stderr=subprocess.STDOUT, timeout=300, check=True)

    def create_topic(self, name=None, partitions=1, config=None):
        """Creates the topic, with a name of its own if none is given, and returns its name."""
        from confluent_kafka.admin import AdminClient, NewTopic

        name = name or f"t-{uuid.uuid4().hex[:12]}"
        admin = AdminClient({"bootstrap.servers": self.bootstrap})
        topic = NewTopic(name, num_partitions=partitions, replication_factor=1, config=config or {})
        admin.create_topics([topic])[name].result(30)
        return name

    def delete_topic(self, name):
        from confluent_kafka.admin import AdminClient

        admin = AdminClient({"bootstrap.servers": self.bootstrap})  # Has to live until the answer is there.
        admin.delete_topics([name])[name].result(30)

    def producer(self, **properties):
        """A confluent_kafka.Producer: for transactions, give it transactional_id="..."."""
        from confluent_kafka import Producer

        settings = {"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random"}
        settings.update({key.replace("_", "."): value for key, value in properties.items()})
        return Producer(settings)

    def produce(self, topic, records, producer=None):
        """Each record is (key, value), (key, value, headers) or (key, value, headers, partition); a value may
        be a dict (which becomes JSON), a str, bytes or None. With a producer of one's own it is not
        flushed, so that it can be in a transaction."""
        failures = []

        def delivered(error, _message):
            if error is not None:
                failures.append(str(error))

        # A producer with an empty queue counts as false.
        out = producer if producer is not None else self.producer(linger_ms=5)
        for record in records:
            key, value, headers, partition = (*record, None, None)[:4]
            if isinstance(value, (dict, list)):
                value = json.dumps(value)
            arguments = {"key": key, "value": value, "on_delivery": delivered}
            if headers:
                arguments["headers"] = headers
            if partition is not None:
                arguments["partition"] = partition
            while True:
                try:
                    out.produce(topic, **arguments)
                    break
                except BufferError:
                    out.poll(1)
            out.poll(0)
        if producer is None:
            left = out.flush(60)
            assert not failures and left == 0, (failures[:3], left)

    def committed(self, group, topic, partitions):
        """Committed offsets, one per partition; -1001 if there is none."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": group})
        try:
            wanted = [TopicPartition(topic, number) for number in range(partitions)]
            return [found.offset for found in consumer.committed(wanted, timeout=30)]
        finally:
            consumer.close()

    def ends(self, topic, partitions):
        """End offsets, one per partition."""
        from confluent_kafka import Consumer, TopicPartition

        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "looks-at-ends"})
        try:
            return [consumer.get_watermark_offsets(TopicPartition(topic, number), timeout=30)[1]
                    for number in range(partitions)]
        finally:
            consumer.close()


@pytest.fixture(scope="session")
def kafka(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kafka")
    script = str(ROOT / "tools" / "kafka.sh")
    # Output to a file: the broker inherits it, and a pipe would stay open as long as the broker runs.
    with open(folder / "start.out", "w+") as out:
        started = subprocess.run([script, "start", "--port", "0", "--dir", str(folder / "broker")], stdout=out,
                                 stderr=subprocess.STDOUT, timeout=300, check=False)
        out.seek(0)
        said = out.read()
    try:
        assert started.returncode == 0, said
        yield Kafka(said.split()[-1], folder / "broker")
    finally:
        subprocess.run([script, "stop", "--dir", str(folder / "broker")], timeout=60, check=False)


class Alluvium:
    """The built binary."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.started = []

    def run(self, *arguments, stdin=None, timeout=120, check=False, environment=None):
        """Runs it to its end; stdin is text or bytes. The result has text in stdout and stderr."""
        if isinstance(stdin, bytes):
            stdin = stdin.decode("utf-8", "surrogateescape")
        return subprocess.run([self.binary, *map(str, arguments)], input=stdin if stdin is not None else "",
                              capture_output=True, timeout=timeout, check=check, cwd=self.folder, text=True,
                              encoding="utf-8", errors="surrogateescape", env=self._environment(environment))

    def start(self, *arguments, environment=None, **options):
        """Starts it and returns the process, which is killed at the end of the test at the latest. What it
        says goes to a file, whose path is process.log."""
        log = self.folder / f"run-{len(self.started)}.log"
        with open(log, "wb") as out:
            options.setdefault("stdin", subprocess.DEVNULL)
            options.setdefault("stdout", out)
            options.setdefault("stderr", out)
            process = subprocess.Popen([self.binary, *map(str, arguments)], cwd=self.folder,
                                       env=self._environment(environment), **options)
        process.log = log
        self.started.append(process)
        return process

    def json(self, *arguments, **options):
        """Runs it and reads its stdout as NDJSON."""
        done = self.run(*arguments, **options)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines() if line]

    @staticmethod
    def wait_for(condition, timeout=30):
        """Returns when `condition()` holds; fails if it does not within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            select.select([], [], [], 0.005)

    def stop_all(self):
        for process in self.started:
            if process.poll() is None:
                process.kill()
            process.wait(30)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()

    @staticmethod
    def _environment(more):
        return {**os.environ, **(more or {})}


@pytest.fixture
def alluvium(tmp_path):
    binary = os.environ.get("ALLUVIUM")
    if not binary:
        pytest.skip("ALLUVIUM is not set: the path of the binary to test")
    instance = Alluvium(str(pathlib.Path(binary).resolve()), tmp_path)
    try:
        yield instance
    finally:
        instance.stop_all()


class StubModel:
    """A simulated model server (`alluvium stub-model`). For OpenAI's API the base URL is `url + "/v1"`, for Anthropic's
    it is `url`."""

    def __init__(self, alluvium, *arguments, environment=None):
        self.log = alluvium.folder / f"stub-calls-{uuid.uuid4().hex[:8]}.ndjson"
        self.process = alluvium.start("stub-model", "--port", "0", "--log", self.log, *arguments,
                                      environment=environment)
        alluvium.wait_for(lambda: self._said().endswith("\n") or self.process.poll() is not None)
        assert "SIMULATION" in self._said(), self._said()
        self.url = self._said().split()[-1]

    def _said(self):
        return self.process.log.read_text()

    def calls(self):
        """The calls that have ended, by arrival; whoever has read a reply finds it here. Each has: seq, time_ms, took_ms,
        method, path, api, model, status (0: no reply), fault, prompt_tokens, completion_tokens, body_xxh3, messages,
        duplicate, in_flight, answered."""
        if self.process.poll() is None:
            self.stats()  # It waits until what was sent is written to the log.
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return sorted(map(json.loads, lines), key=lambda call: call["seq"])

    def stats(self):
        return json.loads(self._ask("GET", "/stats"))

    def script(self, faults):
        """Replaces the script of faults (a list, see connectors/stub_faults.hpp); its counts start anew."""
        self._ask("POST", "/faults", json.dumps(faults).encode())

    def _ask(self, method, path, body=None):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        asked = urllib.request.Request(self.url + path, data=body, method=method)
        with urllib.request.urlopen(asked, timeout=30, context=context) as reply:
            return reply.read()

    def stop(self):
        """Ends it with SIGTERM and returns its exit code."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(30)


@pytest.fixture
def start_stub_model(alluvium):
    """start_stub_model("--latency", 100, ...) gives a StubModel, which is killed at the end of the test."""
    return lambda *arguments, **options: StubModel(alluvium, *arguments, **options)


@pytest.fixture
def stub_model(start_stub_model):
    """A StubModel without options."""
    return start_stub_model()


# Three kinds: what the customer-support rules find, what they don't, and noise.
FOUND = [
    "My {thing} shows an error since the update on {day}",
    "The login page has a problem: it failed {count} times on {day}",
    "I was charged {count} times, this billing issue is from {day}",
    "We need an export feature for {count} users of the {thing}",
    "I wish the {thing} had a dark mode functionality",
]
NOT_FOUND = [
    "We moved our office to {city} on {day}, please note the address",
    "The delivery of {count} units arrived in {city} as planned",
    "Our team in {city} works with the {thing} every {day}",
    "Could you send the manual of the {thing} to {city}?",
]
NOISE = ["ok", "thanks!", "hello", "yes", "got it", "bye", "hi there", "sure"]
WORDS = {
    "thing": ["account", "dashboard", "password reset", "invoice list", "mobile app"],
    "day": ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday"],
    "city": ["Oslo", "Lisbon", "Nairobi", "Osaka", "Lima"],
    "count": ["2", "3", "12", "40"],
}


def make_chat(count, agents=10, seed=1):
    """Messages with ids m-1, m-2, ...: the same arguments give the same messages. About three in ten match
    rules of the customer-support preset, two in ten are noise."""
    source = random.Random(seed)
    messages = []
    for number in range(1, count + 1):
        kind = source.random()
        texts = FOUND if kind < 0.3 else NOISE if kind < 0.5 else NOT_FOUND
        words = {name: source.choice(values) for name, values in WORDS.items()}
        messages.append({
            "id": f"m-{number}",
            "agent_id": f"agent-{source.randrange(agents)}",
            "session_id": f"s-{number // 50}",
            "user_id": f"u-{source.randrange(agents * 3)}",
            "role": "user" if number % 3 else "assistant",
            "content": source.choice(texts).format(**words),
            "timestamp": f"2026-01-{1 + number // 86400 % 28:02}T{number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}Z",
        })
    return messages


@pytest.fixture
def chat():
    return make_chat
