# SPDX-License-Identifier: Apache-2.0
"""A broker that dies and comes back, or freezes, while it is written to and read from."""
import signal
import time

from engines import SESSION_MS, Engines
from stream import Load, Stream


def test_killed_and_started_again_under_load(campaign, alluvium, kafka, tmp_path):
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path)
    healed = []
    stream.send(3000)
    with Load(stream, engines.watch, campaign.choice.random()):
        for name in ("e0", "e1"):
            engines.start(name)
        engines.seconds_to_progress()
        for _ in range(2 + campaign.kills // 200):
            engines.wait_for_commits(campaign.choice.randrange(1, 30))
            kafka.kill()
            dies_too = campaign.choice.random() < 0.5
            if dies_too:
                engines.kill("e0")
            kafka.start_again()
            if dies_too:
                engines.start("e0")
            healed.append(engines.seconds_to_progress())
    campaign.record("broker: kill -9 and restart under load", engines.finish(), len(healed), healed)


def test_an_engine_that_finds_no_broker_says_so_and_ends(alluvium, kafka, tmp_path):
    engines = Engines(alluvium, Stream(kafka), tmp_path)
    kafka.kill()
    try:
        process = engines.start("e0")
        assert process.wait(30) == 1
        assert "no broker answers" in engines.said(process)
    finally:
        kafka.start_again()


def test_frozen_under_load(campaign, alluvium, kafka, tmp_path):
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path, static=False)
    healed = []
    stream.send(3000)
    with Load(stream, engines.watch, campaign.choice.random()):
        for name in ("e0", "e1"):
            engines.start(name)
        engines.seconds_to_progress()
        for _ in range(2 + campaign.kills // 200):
            engines.wait_for_commits(campaign.choice.randrange(1, 30))
            kafka.signal(signal.SIGSTOP)
            frozen_at = time.monotonic()
            alluvium.wait_for(lambda: time.monotonic() > frozen_at + 1.5 * SESSION_MS / 1000)
            kafka.signal(signal.SIGCONT)
            healed.append(engines.seconds_to_progress())
    campaign.record("broker: SIGSTOP beyond the sessions", engines.finish(), len(healed), healed)
