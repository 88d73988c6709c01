# SPDX-License-Identifier: Apache-2.0
"""What the fault campaign produces, and what has to become of it: message n says it all by its number."""
import json
import random
import sqlite3
import threading
import time

AGENTS = 200
MARK = "please remember that order [0-9]+ failed"


def agent_of(n):
    return f"agent-{n % AGENTS}"


def said_by(n):
    """The number in a marked message's text. Some repeat what their agent said before, which is no second memory."""
    before = n - 3 * AGENTS
    return before if before >= 0 and n // (3 * AGENTS) % 5 == 3 and kind_of(before) == "marked" else n


# What can't be a message, in turn. The first byte tells nothing: each has to be looked at.
BROKEN = [b'{"id": "m-1", "content": "cut of', b"", b"null", b"   ", b'{"content": 7}', b'{"content": "\xff\xfe"}',
          b"[" * 2000, b'{"content": "  "}', b"\x00\x00\x00\x00\x07avro", b'{"content": "a"} {"content": "b"}',
          b'{"messages": []}', b'{"id": "\\u0007", "content": "hello there"}', b"{" + b" " * (1 << 20) + b"}", None]


def kind_of(n):
    if n % 101 == 7:
        return "broken"
    if n % 53 == 3:
        return "bundle"
    if n % 4 == 0:
        return "marked"
    return "noise" if n % 9 == 1 else "plain"


def marked(n):
    return f"please remember that order {n} failed"


def parts(n):
    """Its messages: (id, text, the letter of its outcome)."""
    kind = kind_of(n)
    if kind == "bundle":
        return [(f"m-{n}.0", f"parcel {n} went out", "e"), (f"m-{n}.1", marked(n), "x"), (f"m-{n}.2", "ok", "n")]
    text, letter = {"marked": (marked(said_by(n)), "x"), "noise": ("ok", "n"), "plain": (f"parcel {n} arrived well", "e"),
                    "broken": ("", "d")}[kind]
    return [(f"m-{n}", text, letter)]


def record(n):
    """The record's key and value."""
    agent, kind = agent_of(n), kind_of(n)
    if kind == "broken":
        return (agent if n % 2 else None), BROKEN[n // 101 % len(BROKEN)]
    messages = [{"id": name, "agent_id": agent, "content": text} for name, text, _ in parts(n)]
    if n % 29 == 4:
        messages[0]["timestamp"] = [-1, "9999-12-31T23:59:59Z", 10**17, "soon"][n // 29 % 4]
    return agent, json.dumps({"messages": messages} if kind == "bundle" else messages[0]).encode()


class Stream:
    """A topic, and which number stands where. at[partition][offset] is a number, or -1 where no message is."""

    def __init__(self, kafka, partitions=6, config=None):
        self.kafka = kafka
        self.topic = kafka.create_topic(partitions=partitions, config=config)
        self.compacted = "compact" in (config or {}).get("cleanup.policy", "")
        self.at = [[] for _ in range(partitions)]
        self.next = 0
        self.refused = []
        # In order and once, also when the broker goes away in between.
        self._producer = kafka.producer(enable_idempotence=True, linger_ms=2, message_timeout_ms=300_000, topic_metadata_refresh_interval_ms=1000,
                                        reconnect_backoff_max_ms=500, message_max_bytes=4 << 20, queue_buffering_max_messages=1_000_000)

    @property
    def partitions(self):
        return len(self.at)

    @property
    def messages(self):
        return sum(len(parts(n)) for numbers in self.at for n in numbers if n >= 0)

    def send(self, count):
        """Without waiting; flush() waits."""
        for _ in range(count):
            key, value = record(self.next)
            if self.compacted:
                key = agent_of(self.next)  # Such a topic takes nothing without a key.
            self._producer.produce(self.topic, value, key=key, on_delivery=self._delivered(self.next))
            self.next += 1
        self._producer.poll(0)

    def waiting(self):
        self._producer.poll(0)
        return len(self._producer)

    def flush(self):
        left = self._producer.flush(300)
        assert left == 0 and not self.refused, (left, self.refused[:3])

    def put(self, number, partition, offset):
        self.at.extend([] for _ in range(partition + 1 - len(self.at)))
        numbers = self.at[partition]
        numbers.extend([-1] * (offset + 1 - len(numbers)))
        numbers[offset] = number

    def send_transactions(self, choice, count):
        """`count` transactions of up to 40 records; what is aborted was never there."""
        producer = self.kafka.producer(transactional_id=self.topic, linger_ms=2, message_max_bytes=4 << 20)
        producer.init_transactions(60)
        for _ in range(count):
            sent = []
            producer.begin_transaction()
            for _ in range(choice.randrange(1, 40)):
                key, value = record(self.next)
                producer.produce(self.topic, value, key=key, on_delivery=self._note_in(sent, self.next))
                self.next += 1
            if choice.random() < 0.4:
                producer.flush(60)
                producer.abort_transaction(60)
            else:
                producer.commit_transaction(60)
                for place in sent:
                    self.put(*place)

    @staticmethod
    def _note_in(sent, number):
        def note(error, message):
            assert error is None, error
            sent.append((number, message.partition(), message.offset()))
        return note

    def _delivered(self, number):
        def note(error, message):
            if error is not None:
                self.refused.append(str(error))
            else:
                self.put(number, message.partition(), message.offset())
        return note


class Watch:
    """Looks at the store from outside."""

    def __init__(self, store, topic):
        self.store, self.topic = store, topic
        self.went_back = []
        self._last = {}

    def query(self, sql, *values):
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)
        try:
            return db.execute(sql, values).fetchall()
        finally:
            db.close()

    def watermarks(self):
        """By partition; none while there is no store."""
        try:
            now = dict(self.query("select partition, watermark from partitions where retired = 0 and topic = ?", self.topic))
        except sqlite3.OperationalError:
            return {}
        self.went_back += [(p, was, now.get(p)) for p, was in self._last.items() if now.get(p, was) < was]
        self._last.update(now)
        return now

    def commits(self):
        try:
            return self.query("select coalesce(sum(seq), 0) from partitions")[0][0]
        except sqlite3.OperationalError:
            return 0


class Load:
    """Produces all the time, in bursts, as long as the engines are not too far behind."""

    def __init__(self, stream, watch, seed, rate=3000, lag_max=20_000):
        self.stream, self.watch = stream, Watch(watch.store, watch.topic)
        self._choice, self._rate, self._lag_max = random.Random(seed), rate, lag_max
        self._ended = threading.Event()
        self._failure = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended.set()
        self._thread.join(60)
        if self._failure:
            raise self._failure
        self.stream.flush()
        assert not self.watch.went_back, self.watch.went_back

    def _run(self):
        try:
            while not self._ended.is_set():
                started = time.monotonic()
                done = sum(self.watch.watermarks().values())
                burst = self._choice.choice([1, 30, 100, 300, 1000])
                if self.stream.waiting() + self.stream.next - done < self._lag_max:
                    self.stream.send(burst)
                self._ended.wait(max(0.0, burst / self._rate - (time.monotonic() - started)))
        except Exception as failure:  # Told where it is joined.
            self._failure = failure


def committed(kafka, group, topic, partitions):
    """Kafka's committed offsets, by partition; only those that are there."""
    return {number: offset for number, offset in enumerate(kafka.committed(group, topic, partitions)) if offset >= 0}
