# SPDX-License-Identifier: Apache-2.0
"""What is measured of the engine alone, for want of anything that a peer could be compared in."""
import uuid

from . import latency, residence, restart
from .contest import clear, say
from .contestants import Task

SCENARIOS = {"latency": latency, "restart": restart, "memory": residence}


def alone(scenario, workloads, broker, options):
    """Returns the runs."""
    module, runs = SCENARIOS[scenario], []
    for workload in workloads:
        for _ in range(options.runs):
            tag = f"alluvium-{uuid.uuid4().hex[:8]}"
            task = Task(name=tag, brokers=broker.address, topic=f"messages-{tag}", output="", folder=options.folder,
                        binary=options.binary, config=options.config)
            say(f"{scenario}: {workload.name}")
            run = module.measure(task, workload, broker, options)
            broker.delete_topics([task.topic])
            clear(options.folder, tag)
            say(", ".join(f"{key} {value:,}" for key, value in run.items()))
            runs.append({"workload": workload.name, "contestant": "alluvium", **run})
    return residence.per_agent(runs) if module is residence else runs
