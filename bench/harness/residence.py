# SPDX-License-Identifier: Apache-2.0
"""Resident memory per agent with pending messages: each agent has one message, which waits in its buffer.

What an agent takes is the difference to an engine with few agents, divided by the agents that were added.
"""
import dataclasses
import re
import time

from .contestants import generator
from .engine import DONE, Engine
from .process import Failure, resident_bytes, wait_until
from .workload import Workload, fill

WORKLOADS = [Workload(messages=count, agents=count) for count in (1_000, 100_000, 200_000, 400_000)]
# Enough for all of them: nothing is to be flushed for want of memory.
CONFIG = "memory: {limit: 4GiB}\nlog: {level: debug, format: json}\n"
STEADY_SECONDS = 5  # The allocator gives pages back after a while.
STEADY_BYTES = 1 << 20
WAIT_MAX = 60


def records_read(log):
    found = re.findall(r" records=(\d+) ", log.read_text(encoding="utf-8", errors="replace"))
    return int(found[-1]) if found else 0


def steady_resident(process):
    """Once it has not moved for some seconds."""
    begin = since = time.monotonic()
    level, _ = resident_bytes(process.pid)
    while time.monotonic() - since < STEADY_SECONDS and time.monotonic() - begin < WAIT_MAX:
        time.sleep(0.2)
        now, _ = resident_bytes(process.pid)
        if abs(now - level) > STEADY_BYTES:
            level, since = now, time.monotonic()
    return resident_bytes(process.pid)


def measure(task, workload, broker, options):
    fill(generator(options.binary), workload, broker, task.topic, task.folder)
    with Engine(dataclasses.replace(task, config=task.config + CONFIG)) as engine:
        engine.start()
        wait_until(lambda: records_read(engine.process.log) >= workload.messages, engine.process, options.timeout,
                   every=0.2)
        resident, peak = steady_resident(engine.process)
        with engine.reader() as ask:
            if ask(DONE)[0][0]:
                raise Failure("some buffers were flushed, so not every agent has a pending message")
        engine.kill()  # A drain would be work for nothing.
    return {"agents": workload.agents, "resident_bytes": resident, "peak_rss_bytes": peak}


def per_agent(runs):
    """Adds to each run what an agent takes, against the run with the fewest agents."""
    least = min(runs, key=lambda run: run["agents"])
    for run in runs:
        if run["agents"] > least["agents"]:
            run["bytes_per_agent"] = round((run["resident_bytes"] - least["resident_bytes"]) /
                                           (run["agents"] - least["agents"]))
    return runs
