# SPDX-License-Identifier: Apache-2.0
"""Engines that freeze beyond their session, die without a word, and come and go all the time, under each of Kafka's
group protocols: whoever has lost a partition can't write for it any more."""
import signal
import sqlite3
import time

import pytest

from engines import SESSION_MS, Engines, calm_ids
from checker import memory_ids
from stream import Load, Stream

NAMES = ["e0", "e1", "e2"]


def begin(engines, names, more_commits=5):
    for name in names:
        engines.start(name)
    engines.wait_for_commits(more_commits)
    engines.seconds_to_progress()


def someone_holds_the_lock(store):
    """Who is frozen within a write transaction does: then nobody else gets one."""
    db = sqlite3.connect(store, timeout=3, isolation_level=None)  # Longer than any other engine's transaction.
    try:
        db.execute("begin immediate")
        db.execute("rollback")
        return False
    except sqlite3.OperationalError:
        return True
    finally:
        db.close()


@pytest.mark.parametrize("static", [True, False])
def test_frozen_beyond_the_session(campaign, alluvium, kafka, tmp_path, static):
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path, static=static)
    taken_over, healed, in_transaction = [], [], 0
    stream.send(3000)
    with Load(stream, engines.watch, campaign.choice.random()):
        begin(engines, NAMES)
        for _ in range(3 + campaign.kills // 50):
            engines.wait_for_commits(campaign.choice.randrange(1, 30))
            frozen = campaign.choice.choice(NAMES)
            engines.signal(frozen, signal.SIGSTOP)
            if someone_holds_the_lock(engines.store):
                in_transaction += 1  # Nobody can take that from it; all wait.
            else:
                taken_over.append(engines.seconds_to_progress())  # The others have all partitions now.
            engines.signal(frozen, signal.SIGCONT)
            healed.append(engines.seconds_to_progress())
        # All of them, so that nobody takes over and each is late.
        for name in NAMES:
            engines.signal(name, signal.SIGSTOP)
        frozen_at = time.monotonic()
        alluvium.wait_for(lambda: time.monotonic() > frozen_at + 1.5 * SESSION_MS / 1000)
        for name in NAMES:
            engines.signal(name, signal.SIGCONT)
        healed.append(engines.seconds_to_progress())
    verdict = engines.finish()
    print(f"{in_transaction} times in the middle of a transaction")
    members = "members that keep their places" if static else "members without names"
    campaign.record(f"SIGSTOP beyond the session, {members}: from SIGCONT", verdict, len(healed), healed)
    campaign.record(f"SIGSTOP beyond the session, {members}: the others take over", verdict, len(taken_over), taken_over)


def test_the_partitions_of_the_dead_go_to_the_living(campaign, alluvium, kafka, tmp_path):
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path, static=False)
    healed = []
    stream.send(3000)
    with Load(stream, engines.watch, campaign.choice.random()):
        begin(engines, NAMES)
        for _ in range(3 + campaign.kills // 50):
            engines.wait_for_commits(campaign.choice.randrange(1, 30))
            dead = campaign.choice.choice(NAMES)
            engines.kill(dead)
            healed.append(engines.seconds_to_progress())
            engines.start(dead)
            engines.seconds_to_progress()
    campaign.record("kill -9 of a partition's owner: the others take over", engines.finish(), engines.kills, healed)


@pytest.mark.parametrize("protocol, static", [("cooperative", False), ("cooperative", True), ("eager", False), ("consumer", False),
                                              ("consumer", True)])
def test_engines_come_and_go(campaign, alluvium, kafka, tmp_path, protocol, static):
    choice = campaign.choice
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path, protocol=protocol, static=static)
    names = [*NAMES, "e3"]
    changes = 0
    stream.send(3000)
    with Load(stream, engines.watch, choice.random()):
        begin(engines, names[:2])
        while changes < 16 + campaign.kills // 20:
            name = choice.choice(names)
            if name not in engines.running:
                engines.start(name)
            elif len(engines.running) == 1:
                continue
            elif choice.random() < 0.3:
                engines.kill(name)
            else:
                engines.leave(name)
            changes += 1
            if choice.random() < 0.7:  # Else the next one meets the rebalance half way.
                engines.wait_for_commits(choice.randrange(1, 30))
        healed = engines.seconds_to_progress()
    verdict = engines.finish()
    if memory_ids(engines.store) != calm_ids(alluvium, stream, tmp_path):
        verdict.fault("the memories' ids are not those of a calm run")
    kind = f"{protocol}, {'static' if static else 'dynamic'} members"
    campaign.record(f"engines join, leave and die: {kind}", verdict, changes, [healed])
