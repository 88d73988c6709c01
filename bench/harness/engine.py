# SPDX-License-Identifier: Apache-2.0
"""An engine that runs on while something is measured, and what can be seen of it from outside."""
import contextlib
import signal
import sqlite3
import subprocess

from .contestants import write_config
from .process import wait_until

DONE = "SELECT coalesce(sum(extracted + empty + skipped + noise + dead), 0) FROM partitions"


class Engine:
    def __init__(self, task, **settings):
        """`settings`: those of write_config."""
        self.task, self.settings = task, settings
        self.process = None
        self.starts = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process and self.process.poll() is None:
            self.kill()

    def start(self):
        """Again, too, after `kill` or `stop`: on the same store."""
        config = write_config(self.task, **self.settings)
        log = self.task.folder / f"{self.task.name}-{self.starts}.log"
        self.starts += 1
        with open(log, "wb") as out:
            self.process = subprocess.Popen([self.task.binary, "run", "-c", config, "--progress", "never"],
                                            cwd=self.task.folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.process.log = log

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(120)

    @contextlib.contextmanager
    def reader(self):
        """A function that asks the store and gives the rows; none while it is not made yet."""
        with contextlib.closing(sqlite3.connect(f"file:{self.task.store}?mode=ro", uri=True, timeout=30)) as database:
            def ask(sql, *values):
                try:
                    return database.execute(sql, values).fetchall()
                except sqlite3.OperationalError:
                    return []
            yield ask

    def wait_for_claims(self, partitions, timeout=120):
        wait_until(self.task.store.exists, self.process, timeout)
        with self.reader() as ask:
            wait_until(lambda: ask("SELECT count(*) FROM partitions") == [(partitions,)], self.process, timeout)

    def wait_until_done(self, messages, timeout):
        with self.reader() as ask:
            wait_until(lambda: (ask(DONE) or [(0,)])[0][0] >= messages, self.process, timeout, every=0.1)
