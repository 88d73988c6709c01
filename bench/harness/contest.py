# SPDX-License-Identifier: Apache-2.0
"""Contests: the contestants do the same job on the same topic, in turn, and have to come to the same memories."""
import shutil
import sys
import uuid

from .contestants import CONTESTANTS, Task, generator
from .process import Failure, measure
from .workload import Workload, fill

ALL = ["alluvium", "loop", "python", "streams"]
# Scenario -> its workloads, and who takes part if nothing else is asked for.
CONTESTS = {
    "smoke": ([Workload(messages=20_000, agents=200)], ["alluvium", "loop"]),
    "j1": ([Workload()], ALL),
    "agents": ([Workload(), Workload(messages=2_000_000, agents=200_000),
                Workload(messages=2_000_000, agents=1_000_000)], ALL),
    "messages": ([Workload(messages=count) for count in (1_000_000, 3_000_000, 10_000_000)], ALL),
    "rules": ([Workload(rules=count) for count in (2, 20, 200, 2_000)], ALL),
}


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def choose(workload, names):
    """Who takes part in this workload, and a sentence for each who would take hours."""
    fit, left_out = [], []
    for name in names:
        contestant = CONTESTANTS[name]
        if workload.rules > contestant.rules_max or workload.messages > contestant.messages_max:
            left_out.append(f"{name} of {workload.name}: it would take too long")
        else:
            fit.append(name)
    return fit, left_out


def clear(folder, tag):
    """Stores and states of a run; its logs stay."""
    for path in folder.glob(f"{tag}.db*"):
        path.unlink()
    shutil.rmtree(folder / f"{tag}.state", ignore_errors=True)


def one_run(name, workload, broker, topic, options):
    tag = f"{name}-{uuid.uuid4().hex[:8]}"
    task = Task(name=tag, brokers=broker.address, topic=topic, output=f"memories-{tag}", folder=options.folder,
                binary=options.binary, config=options.config)
    broker.create_topic(task.output, workload.partitions)
    used = measure(tag, CONTESTANTS[name].command(task), options.folder, options.timeout)
    found = CONTESTANTS[name].output(task, broker)
    # Kafka Streams has topics of its own, whose names begin with its group's.
    broker.delete_topics(name for name in broker.topics() if tag in name)
    clear(options.folder, tag)
    say(f"{name}: {used['cpu_s']:.2f} CPU s, {used['wall_s']:.2f} s, {found['memories']:,} memories")
    return {"workload": workload.name, "contestant": name, **used,
            "cpu_s_per_million": round(used["cpu_s"] * 1e6 / workload.messages, 4), **found}


def check_same(runs):
    """Figures of programs that came to different memories say nothing."""
    found = {(run["memories"], run["digest"]) for run in runs}
    if len(found) > 1:
        lines = "\n".join(f"  {run['contestant']}: {run['memories']} memories, digest {run['digest']}" for run in runs)
        raise Failure(f"the memories differ, so no figure is worth anything:\n{lines}")


def contest(workloads, names, broker, options):
    """Returns the runs, and who was left out. `options`: folder, binary, runs, timeout, config."""
    all_runs, left_out = [], []
    for name in names:
        CONTESTANTS[name].build()
    for workload in workloads:
        fit, sentences = choose(workload, names)
        left_out += sentences
        topic = f"messages-{uuid.uuid4().hex[:8]}"
        say(f"{workload.name}: filling the topic")
        fill(generator(options.binary), workload, broker, topic, options.folder)
        runs = [one_run(name, workload, broker, topic, options) for _ in range(options.runs) for name in fit]
        broker.delete_topics([topic])
        check_same(runs)
        all_runs += runs
    return all_runs, left_out
