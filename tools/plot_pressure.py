#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the engine through a tenfold burst with little memory and a slow store, and plots what it did.

  tools/plot_pressure.py [--binary build/release/alluvium] [--out docs/pressure.svg]

It needs what the tests need (tools/setup.sh --tests) and starts a broker of its own: 1,000 short messages a second of 50,000
agents, for ten seconds ten times as many, then 1,000 again. The store commits once a second. What is plotted is what the
engine says of itself at debug level, every 50 ms.
"""
import argparse
import json
import pathlib
import re
import signal
import subprocess
import tempfile
import time
from datetime import datetime

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

KAFKA = pathlib.Path(__file__).resolve().parent / "kafka.sh"

LIMIT_MB = 64
RATE, BURST, BURST_FROM, BURST_TO, END = 1000, 10_000, 6, 16, 40
CONFIG = """
source: {{kafka: {{brokers: "{brokers}", topics: [chat], group: plot, start: earliest}}}}
preset: customer-support
memory: {{limit: {limit}MiB}}
engine: {{commit_interval: 1s, commit_batches: 100000}}
buffer: {{idle_timeout: 2s, min_messages: 1}}
log: {{level: debug, format: json}}
sink: {{sqlite: {{path: store.db}}}}
"""
LINE = re.compile(r"memory: level=(\w+) utilization=([\d.]+) resident=(\d+) held=(\d+) .*delay_ms=(\d+)"
                  r" batch_max=(\d+) records=(\d+) done=(\d+)")


def produce(brokers, process):
    """Returns the moments (seconds since the start) and how many messages were there."""
    producer = Producer({"bootstrap.servers": brokers, "linger.ms": 5})
    start, count, written = time.time(), 0, []
    while (now := time.time() - start) < END and process.poll() is None:
        before, during = min(now, BURST_FROM), max(0, min(now, BURST_TO) - BURST_FROM)
        wanted = int(RATE * (before + max(0, now - BURST_TO)) + BURST * during)
        for n in range(count, wanted):
            agent = f"agent-{n * 7 % 50_000}"
            value = json.dumps({"id": f"m-{n}", "agent_id": agent, "content": f"my login {n} failed again"})
            producer.produce("chat", key=agent, value=value)
            producer.poll(0)
        count = max(count, wanted)
        written.append((now, count))
        time.sleep(0.05)
    producer.flush(30)
    return start, written


def samples(log, start):
    for line in log.read_text().splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            continue  # The summary at the end.
        if found := LINE.search(row["message"]):
            at = datetime.fromisoformat(row["time"].replace("Z", "+00:00")).timestamp() - start
            level, utilization, resident, held, delay, batch, records, done = found.groups()
            yield {"at": at, "level": level, "utilization": float(utilization), "resident": int(resident) / 2**20,
                   "held": int(held) / 2**20, "delay": int(delay), "batch": int(batch), "done": int(done)}


def per_second(points):
    """(moment, count) -> (moment, per second), over windows of a second."""
    rates, last = [], (0.0, 0)
    for at, count in points:
        if at - last[0] >= 1:
            rates.append((at, (count - last[1]) / (at - last[0])))
            last = (at, count)
    return rates


class Panel:
    WIDTH, HEIGHT, LEFT, GAP = 760, 120, 70, 46

    def __init__(self, number, title, top, unit):
        self.y0 = 40 + number * (self.HEIGHT + self.GAP)
        self.top, self.parts = top, []
        self.parts.append(f'<text x="{self.LEFT}" y="{self.y0 - 8}" class="title">{title}</text>')
        for share in (0, 0.5, 1):
            y = self.y0 + self.HEIGHT * (1 - share)
            self.parts.append(f'<line x1="{self.LEFT}" x2="{self.LEFT + self.WIDTH}" y1="{y}" y2="{y}" class="grid"/>')
            self.parts.append(f'<text x="{self.LEFT - 6}" y="{y + 4}" class="axis" text-anchor="end">{share * top:,.0f} {unit}</text>')

    def place(self, at, value):
        return (f"{self.LEFT + self.WIDTH * min(at, self.end) / self.end:.1f}",
                f"{self.y0 + self.HEIGHT * (1 - min(value, self.top) / self.top):.1f}")

    def line(self, points, colour, name, column):
        points = [point for point in points if point[0] >= 0]
        path = " ".join(",".join(self.place(*point)) for point in points)
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>')
        self.parts.append(f'<text x="{self.LEFT + self.WIDTH - 150 * column}" y="{self.y0 - 8}" fill="{colour}" class="axis" text-anchor="end">{name}</text>')


def svg(rows, written):
    Panel.end = max(row["at"] for row in rows)
    series = lambda key: [(row["at"], row[key]) for row in rows]
    arrived, done = per_second(written), per_second(series("done"))
    fastest = max(value for _, value in arrived + done)
    panels = [Panel(0, "messages per second", fastest * 1.05, ""), Panel(1, "memory", LIMIT_MB * 1.1, "MB"),
              Panel(2, "delay between two polls", 100, "ms"), Panel(3, "largest batch", 20, "")]
    panels[0].line(arrived, "#888888", "arrived", 1)
    panels[0].line(done, "#1f6fb4", "committed", 0)
    panels[1].line([(0, LIMIT_MB), (Panel.end, LIMIT_MB)], "#c0392b", "limit", 2)
    panels[1].line(series("resident"), "#1f6fb4", "resident", 1)
    panels[1].line(series("held"), "#2e8b57", "held", 0)
    panels[2].line(series("delay"), "#1f6fb4", "", 0)
    panels[3].line(series("batch"), "#1f6fb4", "", 0)
    height = panels[-1].y0 + Panel.HEIGHT + 40
    ticks = "".join(f'<text x="{Panel.LEFT + Panel.WIDTH * at / Panel.end:.0f}" y="{height - 20}" class="axis" text-anchor="middle">{at} s</text>'
                    for at in range(0, int(Panel.end) + 1, 5))
    body = "\n".join("\n".join(panel.parts) for panel in panels)
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Panel.LEFT + Panel.WIDTH + 20} {height}" font-family="sans-serif">\n'
            '<style>.title{font-size:13px;font-weight:bold}.axis{font-size:11px}.grid{stroke:#dddddd}</style>\n'
            f'<rect width="100%" height="100%" fill="white"/>\n{body}\n{ticks}\n</svg>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", default="build/release/alluvium")
    parser.add_argument("--out", default="docs/pressure.svg")
    options = parser.parse_args()
    binary = pathlib.Path(options.binary).resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        with open(folder / "kafka", "w+", encoding="utf-8") as said:  # Not a pipe: the broker inherits it.
            subprocess.run([KAFKA, "start", "--port", "0", "--dir", folder / "broker"], stdout=said, check=True)
            said.seek(0)
            brokers = said.read().split()[-1]
        try:
            admin = AdminClient({"bootstrap.servers": brokers})  # Has to live until the answer is there.
            admin.create_topics([NewTopic("chat", 4, 1)])["chat"].result(30)
            (folder / "c.yaml").write_text(CONFIG.format(limit=LIMIT_MB, brokers=brokers))
            log = folder / "log"
            with open(log, "wb") as out:
                process = subprocess.Popen([binary, "run", "-c", "c.yaml", "--progress", "never"], cwd=folder, stderr=out)
            start, written = produce(brokers, process)
            process.send_signal(signal.SIGTERM)
            code = process.wait(120)
        finally:
            subprocess.run([KAFKA, "stop", "--dir", folder / "broker"], check=False)
        rows = list(samples(log, start))
        assert code == 0 and rows, log.read_text()[-2000:]
        pathlib.Path(options.out).write_text(svg(rows, written))
        levels = {level: sum(row["level"] == level for row in rows) for level in ("none", "raised", "high", "critical")}
        print(f"messages {written[-1][1]:,} written, {rows[-1]['done']:,} committed before the end")
        print(f"resident at most {max(row['resident'] for row in rows):.0f} MB of {LIMIT_MB} MB, delay at most {max(row['delay'] for row in rows)} ms")
        print("looks by level: " + ", ".join(f"{level} {count}" for level, count in levels.items()))
        print("\n".join(line for line in log.read_text().splitlines() if not line.startswith("{")))


if __name__ == "__main__":
    main()
