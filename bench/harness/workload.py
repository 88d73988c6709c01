# SPDX-License-Identifier: Apache-2.0
"""What the contestants work on: the generator's options, and a topic that is filled with them."""
import dataclasses
import subprocess

from .process import Failure


@dataclasses.dataclass(frozen=True)
class Workload:
    """The options of the generator (bench/workload), by their names there."""
    messages: int = 1_000_000
    agents: int = 10_000
    skew: float = 0.0
    length: int = 90
    match: float = 0.05
    noise: float = 0.2
    rules: int = 2
    seed: int = 42
    partitions: int = 8

    @property
    def name(self):
        return f"{self.messages:,} messages of {self.agents:,} agents, {self.rules:,} rules"

    def arguments(self):
        return [text for field in dataclasses.fields(self) if field.name != "partitions"
                for text in (f"--{field.name}", str(getattr(self, field.name)))]


def generate(binary, workload, folder, *more, timeout=1800):
    """Runs the generator; its rules are then in the folder, as rules.yaml and patterns.tsv."""
    done = subprocess.run([binary, *workload.arguments(), "--write-rules", folder / "rules.yaml", "--write-patterns",
                           folder / "patterns.tsv", *more], capture_output=True, text=True, timeout=timeout, check=False)
    if done.returncode != 0:
        raise Failure(f"the workload could not be made: {done.stderr}")


def fill(binary, workload, broker, topic, folder, *more):
    broker.create_topic(topic, workload.partitions, message_timestamp_type="LogAppendTime")
    generate(binary, workload, folder, "--brokers", broker.address, "--topic", topic, *more)
