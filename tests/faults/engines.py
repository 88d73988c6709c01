# SPDX-License-Identifier: Apache-2.0
"""Engines on one topic and one store, to be killed, frozen and replaced; and the end that each such story has to have."""
import os
import signal
import time

from checker import check, memory_ids
from stream import MARK, Watch, committed

SESSION_MS = 1500  # The broker of tests allows a second; a busy machine needs a little more.
CLASSIC = {"session.timeout.ms": SESSION_MS, "heartbeat.interval.ms": 300}
PROTOCOLS = {
    "cooperative": CLASSIC,
    "eager": {**CLASSIC, "partition.assignment.strategy": "range,roundrobin"},
    "consumer": {"group.protocol": "consumer"},
}
CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [{topic}], group: {group}, start: earliest, instance_id: "${{INSTANCE:-}}", properties: {{{properties}}}}}}}
rules: [{{id: mark, pattern: "{mark}"}}]
buffer: {{max_messages: 7, min_messages: 2, idle_timeout: 100ms, max_hold: 300ms}}
engine: {{commit_batches: 16, commit_interval: 10ms, workers: 2}}
sink: {{sqlite: {{path: {store}}}}}
{more}
"""


class Engines:
    """Each has a name. A static one keeps its place in the group over a restart."""

    def __init__(self, alluvium, stream, folder, name="store", protocol="cooperative", static=True, properties=None,
                 more="", mark=MARK):
        self.alluvium, self.stream, self.static = alluvium, stream, static
        self.group = f"{stream.topic}-{name}"
        self.store = folder / f"{name}.db"
        self.config = folder / f"{name}.yaml"
        self.watch = Watch(self.store, stream.topic)
        self.running = {}
        self.kills = 0
        wanted = {"topic.metadata.refresh.interval.ms": 1000, **PROTOCOLS[protocol], **(properties or {})}
        self.config.write_text(CONFIG.format(
            brokers=stream.kafka.bootstrap, topic=stream.topic, group=self.group, store=self.store, mark=mark, more=more,
            properties=", ".join(f'{key}: "{value}"' for key, value in wanted.items())))

    def start(self, name, environment=None, *arguments):
        self.running[name] = self.alluvium.start(
            "run", "-c", self.config, "--progress", "never", *arguments,
            environment={"INSTANCE": name if self.static else "", **(environment or {})})
        return self.running[name]

    def kill(self, name):
        self.expect_alive()
        process = self.running.pop(name)
        process.kill()
        process.wait()
        self.kills += 1

    def leave(self, name, timeout=30):
        """With SIGTERM: what is held is committed, and the end is a good one."""
        self.expect_alive()
        process = self.running.pop(name)
        process.send_signal(signal.SIGTERM)
        code = process.wait(timeout)
        # Before it has read its config there is nothing to end well.
        assert code == 0 or (code == -signal.SIGTERM and not self.said(process)), (code, self.said(process))

    def signal(self, name, what):
        self.running[name].send_signal(what)

    @staticmethod
    def said(process):
        return process.log.read_text()[-4000:]

    def expect_alive(self):
        for name, process in list(self.running.items()):
            if process.poll() == 1 and "no broker answers" in self.said(process):
                self.start(name)  # It came while there was none. Whoever runs services starts such a one again.
            else:
                assert process.poll() is None, self.said(process)

    def wait(self, condition, timeout=60):
        """For a condition, as long as all engines live."""
        def alive_and_met():
            self.expect_alive()
            return condition()
        self.alluvium.wait_for(alive_and_met, timeout)

    def wait_for_commits(self, more, timeout=60):
        """Or until there is nothing more to commit."""
        target = self.watch.commits() + more

        def committed_or_done():
            if self.watch.commits() >= target:
                return True
            marks = self.watch.watermarks()
            return all(marks.get(p, 0) >= len(numbers) for p, numbers in enumerate(self.stream.at))

        self.wait(committed_or_done, timeout)

    def seconds_to_progress(self, timeout=60):
        """Until a message of each partition that comes only now is done: for a stream that goes on."""
        started, first = time.monotonic(), self.stream.next
        seen = [len(numbers) for numbers in self.stream.at]

        def fresh_one_is_done(partition, mark):
            numbers = self.stream.at[partition]
            while seen[partition] < len(numbers) and numbers[seen[partition]] < first:
                seen[partition] += 1  # Produced before, and acknowledged only now.
            return seen[partition] < min(mark, len(numbers))

        def all_done():
            marks = self.watch.watermarks()
            return all(fresh_one_is_done(partition, marks.get(partition, 0)) for partition in range(len(seen)))

        self.wait(all_done, timeout)
        return time.monotonic() - started

    def catch_up(self, ends, timeout=60):
        self.wait(lambda: all(self.watch.watermarks().get(p, 0) >= end for p, end in enumerate(ends)), timeout)

    def expect_offsets_behind(self):
        """What Kafka is told is never more than what is done. Asked first, as what is done only grows."""
        told = committed(self.stream.kafka, self.group, self.stream.topic, self.stream.partitions)
        done = self.watch.watermarks()
        assert all(offset <= done.get(partition, 0) for partition, offset in told.items()), (told, done)

    def finish(self, timeout=120):
        """The engines that are left catch up by themselves and leave; then the store is judged."""
        if not self.running:
            self.start("last")
        self.catch_up([len(numbers) for numbers in self.stream.at], timeout)
        self.wait(lambda: self.watch.query("select count(*) from requests") == [(0,)], timeout)
        self.expect_offsets_behind()
        for name in list(self.running):
            self.leave(name)
        last = self.alluvium.run("run", "-c", self.config, "--until-end", timeout=timeout)
        assert last.returncode == 0, last.stderr
        self.expect_offsets_behind()
        verdict = check(self.store, self.stream)
        assert not self.watch.went_back, self.watch.went_back
        verified = self.alluvium.run("ledger", "verify", "-c", self.config)
        if verified.returncode != 0:
            verdict.fault(f"verify: {verified.stdout[-2000:]}")
        return verdict


def calm_ids(alluvium, stream, folder):
    """The ids of the memories that a single, undisturbed run makes of the same topic."""
    calm = Engines(alluvium, stream, folder, name=f"calm-{os.urandom(3).hex()}")
    verdict = calm.finish()
    assert verdict.good, verdict
    return memory_ids(calm.store)
