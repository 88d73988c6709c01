# SPDX-License-Identifier: Apache-2.0
"""An engine that follows a file of chat, what can be seen of it from outside, and the proof that its store is whole."""
import contextlib
import json
import pathlib
import re
import sqlite3

CONFIG = """
source: {{file: {{path: {chat}}}}}
preset: customer-support
buffer: {{max_messages: 5, min_messages: 1, idle_timeout: 100ms}}
memory: {{limit: 64MiB}}
sink: {{sqlite: {{path: {store}, busy_timeout: 100ms}}}}
"""
HEALED_WITHIN = 20  # Seconds from the end of the trouble to the next commit.
RESIDENT_MAX = 250 << 20  # The limit is on what is held; code, caches and actors come on top.


class Engine:
    """An engine that follows a file, and what can be seen of it from outside."""

    def __init__(self, alluvium, tmp_path, store, environment=None):
        self.alluvium, self.store, self.environment = alluvium, pathlib.Path(store), environment
        self.chat, self.config = tmp_path / "chat.ndjson", tmp_path / "c.yaml"
        self.config.write_text(CONFIG.format(chat=self.chat, store=store))
        self.written = 0
        self.process = None

    def write(self, count):
        with self.chat.open("a") as out:
            for n in range(self.written, self.written + count):
                out.write(json.dumps({"id": f"m-{n}", "agent_id": f"agent-{n % 97}",
                                      "content": f"my login {n} failed again on the mobile app"}) + "\n")
        self.written += count

    def start(self):
        self.process = self.alluvium.start("run", "-c", self.config, "--progress", "never",
                                           environment=self.environment)

    def log(self):
        return self.process.log.read_text()

    def ask(self, sql):
        with contextlib.closing(sqlite3.connect(f"file:{self.store}?mode=ro", uri=True, timeout=30)) as db:
            return db.execute(sql).fetchone()

    def done(self):
        try:
            return self.ask("select coalesce(sum(extracted), 0) from partitions")[0]
        except sqlite3.OperationalError:
            return 0

    def wait_for(self, condition, timeout=30):
        self.alluvium.wait_for(lambda: condition() or self.process.poll() is not None, timeout)
        assert self.process.poll() is None, self.log()

    def run_until_done(self, timeout=60):
        self.wait_for(lambda: self.done() == self.written, timeout)

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0, self.log()

    def resident_peak(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) << 10

    def expect_whole(self):
        """Every message once, every memory once, and the store's own proof."""
        verified = self.alluvium.run("ledger", "verify", "--store", self.store)
        assert verified.returncode == 0, verified.stdout + verified.stderr
        assert self.ask("select sum(extracted), sum(empty + skipped + noise + dead + pending) from partitions") == (
            self.written, 0)
        assert self.ask("select count(*), count(distinct content) from memories") == (self.written, self.written)
        assert self.ask("pragma integrity_check") == ("ok",)

    def expect_stop(self, *reasons):
        assert self.process.wait(30) == 1, self.log()
        said = self.log().splitlines()[-1]
        assert all(reason in said for reason in reasons), said
