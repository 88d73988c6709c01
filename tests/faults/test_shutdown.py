# SPDX-License-Identifier: Apache-2.0
"""SIGTERM in every state: what is held is committed, the end comes soon and is a good one. A second one ends at once."""
import re
import signal
import sqlite3

from engines import Engines
from stream import Load, Stream
from model_runs import endpoint


def test_sigterm_in_every_state(campaign, alluvium, kafka, tmp_path):
    choice = campaign.choice
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path, static=False)
    states = {
        "starting": lambda: None,
        "store opened": lambda: alluvium.wait_for(engines.store.exists),
        "claiming": lambda: engines.wait_for_commits(1),
        "running": lambda: engines.wait_for_commits(choice.randrange(2, 40)),
        "caught up": engines.seconds_to_progress,
        "another one joins": lambda: engines.start("e1") and engines.wait_for_commits(1),
        "another one leaves": lambda: (engines.start("e1"), engines.seconds_to_progress(), engines.leave("e1")),
        "another one has died": lambda: (engines.start("e1"), engines.seconds_to_progress(), engines.kill("e1")),
    }
    times, healed = 0, []
    stream.send(3000)
    with Load(stream, engines.watch, choice.random()):
        for _ in range(1 + campaign.kills // 200):
            for state in choice.sample(sorted(states), len(states)):
                print(state)
                engines.start("e0")
                states[state]()
                for name in list(engines.running):
                    engines.leave(name, timeout=15)
                    times += 1
        engines.start("e0")
        healed.append(engines.seconds_to_progress())
    verdict = engines.finish()
    assert not engines.watch.query("select 1 from partitions where seq = 0")
    campaign.record("SIGTERM in every state", verdict, times, healed)


def test_what_is_held_is_committed_at_the_end(alluvium, kafka, tmp_path):
    stream = Stream(kafka, partitions=1)
    engines = Engines(alluvium, stream, tmp_path)
    engines.config.write_text(re.sub("buffer: .*", "buffer: {max_messages: 1000, idle_timeout: 1h}", engines.config.read_text()))
    stream.send(500)
    stream.flush()
    engines.start("e0")
    engines.wait_for_commits(2)  # The claim, and the dead letters: all is read.
    engines.leave("e0")
    assert engines.watch.watermarks() == {0: 500}
    assert engines.finish().good


def test_a_second_sigterm_does_not_wait_for_a_locked_store(campaign, alluvium, kafka, tmp_path):
    stream = Stream(kafka)
    engines = Engines(alluvium, stream, tmp_path)
    with Load(stream, engines.watch, campaign.choice.random()):
        process = engines.start("e0")
        engines.seconds_to_progress()
        lock = sqlite3.connect(engines.store, timeout=30, isolation_level=None)
        lock.execute("begin immediate")
        process.send_signal(signal.SIGTERM)
        alluvium.wait_for(lambda: "draining" in engines.said(process))
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 1
        lock.rollback()
        lock.close()
        engines.running.clear()
        engines.start("e0")
        healed = engines.seconds_to_progress()
    campaign.record("two SIGTERM while the store is locked", engines.finish(), 1, [healed])


def test_sigterm_while_models_are_asked(campaign, alluvium, kafka, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "200")
    stream = Stream(kafka)
    more = f"""
selection: {{by: hash, rate: 1}}
tiers: {{small: {{enabled: true, max_tokens: 4000, min_messages: 1}}}}
endpoints: {{small: {endpoint(stub.url + "/v1", max_concurrent=4)}}}
"""
    engines = Engines(alluvium, stream, tmp_path, more=more, mark="zzzzzz")
    stream.send(300)
    stream.flush()
    for _ in range(4):
        before = stub.stats()["calls"]
        engines.start("e0")
        alluvium.wait_for(lambda: stub.stats()["calls"] > before)
        engines.leave("e0")
    # A reply that is under way is waited for.
    assert engines.watch.query("select count(*) from calls where outcome = 'possibly_paid'") == [(0,)]
    campaign.record("SIGTERM while models are asked", engines.finish(), 4)
