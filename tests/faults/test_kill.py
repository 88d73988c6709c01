# SPDX-License-Identifier: Apache-2.0
"""kill -9 at random moments of a stream that goes on: each message ends once, and the memories are those of a run
that nobody disturbed."""
import pytest

from checker import memory_ids
from engines import Engines, calm_ids
from stream import Load, Stream

ROUND = 100  # Kills of one store and topic, in the long form.


def kill_at_random(campaign, alluvium, kafka, folder, count, kills, static):
    choice = campaign.choice
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, folder, static=static)
    names = [f"e{number}" for number in range(count)]
    stream.send(5000)
    with Load(stream, engines.watch, choice.random()):
        while engines.kills < kills:
            for name in names:
                if name not in engines.running:
                    engines.start(name)
            # Told by the store: after so many more commits; at times at once, when the victim is hardly there.
            if choice.random() < 0.8:
                engines.wait_for_commits(choice.randrange(1, 40))
            for name in choice.sample(names, choice.choice([1, 1, 1, count])):
                engines.kill(name)
        for name in names:
            if name not in engines.running:
                engines.start(name)
        healed = engines.seconds_to_progress()
    verdict = engines.finish()
    if memory_ids(engines.store) != calm_ids(alluvium, stream, folder):
        verdict.fault("the memories' ids are not those of a calm run")
    return verdict, engines.kills, healed


@pytest.mark.parametrize("count, static, kills", [(1, True, 10), (3, True, 20), (3, False, 10)])
def test_killed_at_random(campaign, alluvium, kafka, tmp_path, count, static, kills):
    # Most of a long campaign's kills go to three engines that keep their places.
    wanted = campaign.kills * {10: 1, 20: 8}[kills] // 10 or kills
    for number in range(0, wanted, ROUND):
        folder = tmp_path / str(number)
        folder.mkdir()
        verdict, kills, healed = kill_at_random(campaign, alluvium, kafka, folder, count, min(ROUND, wanted - number), static)
        members = "members that come back" if static else "members that are new each time"
        campaign.record(f"kill -9, {count} engine{'s' if count > 1 else ''}, {members}", verdict, kills, [healed])
