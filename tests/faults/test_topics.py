# SPDX-License-Identifier: Apache-2.0
"""Streams that are not what one would wish: aborted transactions, compaction, partitions that are added, while engines
are killed and come back. Messages that are none are in every stream of the campaign."""
import pytest
from confluent_kafka.admin import AdminClient, NewPartitions

from engines import Engines
from stream import Load, Stream


def restart(engines, choice):
    """One more commit, or a few; then one dies and comes back."""
    engines.wait_for_commits(choice.randrange(1, 10))
    victim = choice.choice(sorted(engines.running))
    engines.kill(victim)
    engines.start(victim)


def test_aborted_transactions(campaign, alluvium, kafka, tmp_path):
    stream = Stream(kafka, partitions=3)
    engines = Engines(alluvium, stream, tmp_path)
    for name in ("e0", "e1"):
        engines.start(name)
    for _ in range(8 + campaign.kills // 50):
        stream.send_transactions(campaign.choice, 20)
        restart(engines, campaign.choice)
    verdict = engines.finish()
    assert engines.watch.query("select count(*) from gaps")[0][0] > 0
    campaign.record("aborted transactions, with kill -9", verdict, engines.kills)


def test_compaction_while_it_is_read(campaign, alluvium, kafka, tmp_path):
    # Keyed by agent: all but the latest messages of each may vanish at any time.
    stream = Stream(kafka, partitions=2, config={
        "cleanup.policy": "compact", "segment.ms": "200", "min.cleanable.dirty.ratio": "0.001", "min.compaction.lag.ms": "0",
        "max.compaction.lag.ms": "200", "delete.retention.ms": "100"})
    engines = Engines(alluvium, stream, tmp_path)
    with Load(stream, engines.watch, campaign.choice.random(), rate=1500):
        for name in ("e0", "e1"):
            engines.start(name)
        for _ in range(6 + campaign.kills // 50):
            engines.wait_for_commits(campaign.choice.randrange(1, 20))
            # Both are away for a while, so that there is something to miss.
            for name in ("e0", "e1"):
                engines.kill(name)
            sent = stream.next
            alluvium.wait_for(lambda: stream.next > sent + 1500)
            for name in ("e0", "e1"):
                engines.start(name)
        engines.seconds_to_progress()
    verdict = engines.finish()
    campaign.record("a compacted topic, with kill -9", verdict, engines.kills)


@pytest.mark.parametrize("static", [True, False])
def test_partitions_are_added_while_it_runs(campaign, alluvium, kafka, tmp_path, static):
    stream = Stream(kafka, partitions=2)
    engines = Engines(alluvium, stream, tmp_path, static=static)
    healed = []
    admin = AdminClient({"bootstrap.servers": kafka.bootstrap})
    with Load(stream, engines.watch, campaign.choice.random()):
        for name in ("e0", "e1"):
            engines.start(name)
        for count in (3, 5, 8):
            restart(engines, campaign.choice)
            admin.create_partitions([NewPartitions(stream.topic, count)])[stream.topic].result(30)
            restart(engines, campaign.choice)
            alluvium.wait_for(lambda: len(stream.at) == count, 60)  # Until the producer knows them.
            healed.append(engines.seconds_to_progress())
    campaign.record(f"partitions added, with kill -9 of {'static' if static else 'dynamic'} members", engines.finish(), engines.kills, healed)
