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
        for _ in range(2 + campaign.kills // 100):
            engines.wait_for_commits(campaign.choice.randrange(1, 30))
            kafka.kill()
            if campaign.choice.random() < 0.5:
                engines.kill("e0")  # It comes back to a broker that is not there.
                engines.start("e0")
            kafka.start_again()
            healed.append(engines.seconds_to_progress())
    campaign.record("broker: kill -9 and restart under load", engines.finish(), len(healed), healed)


def test_frozen_under_load(campaign, alluvium, kafka, tmp_path):
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path, static=False)
    healed = []
    stream.send(3000)
    with Load(stream, engines.watch, campaign.choice.random()):
        for name in ("e0", "e1"):
            engines.start(name)
        engines.seconds_to_progress()
        for _ in range(2 + campaign.kills // 100):
            engines.wait_for_commits(campaign.choice.randrange(1, 30))
            kafka.signal(signal.SIGSTOP)
            frozen_at = time.monotonic()
            alluvium.wait_for(lambda: time.monotonic() > frozen_at + 1.5 * SESSION_MS / 1000)
            kafka.signal(signal.SIGCONT)
            healed.append(engines.seconds_to_progress())
    campaign.record("broker: SIGSTOP beyond the sessions", engines.finish(), len(healed), healed)
