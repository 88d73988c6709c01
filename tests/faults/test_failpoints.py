# SPDX-License-Identifier: Apache-2.0
"""Death, frost and failure at named points: within a transaction, between a commit and its acknowledgement, in a claim,
in a revocation, around a model's answer. Only builds with ALLUVIUM_FAILPOINTS have them."""
import json
import os
import pathlib
import signal
import sqlite3
from contextlib import closing

import pytest

from engines import Engines
from stream import Load, Stream
from model_runs import endpoint

ALWAYS = ["store.in_schema", "store.in_claim", "store.after_claim", "extractor.done", "store.in_commit",
          "store.after_commit", "writer.committed"]
WITH_A_CHANGE_OF_MEMBERS = ["intake.revoked", "kafka.release"]
WITH_MODELS = ["model.leased", "model.answered", "model.in_settlement", "model.settled"]


def has_failpoints(alluvium):
    return "failpoints" in json.loads(alluvium.run("version", "--json").stdout)["build"]


@pytest.fixture
def with_failpoints(alluvium):
    if not has_failpoints(alluvium):
        pytest.skip("this build has no failpoints")


def test_what_users_run_has_none(alluvium):
    if has_failpoints(alluvium):
        pytest.skip("this build has them on purpose")
    binary = pathlib.Path(alluvium.binary).read_bytes()
    assert b"ALLUVIUM_FAILPOINT" not in binary and b"store.after_commit" not in binary


def state_of(process):
    return pathlib.Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


class Trial:
    """One engine meets a failpoint, beside another one or alone."""

    def __init__(self, campaign, alluvium, kafka, folder, more="", mark=None):
        self.choice, self.alluvium = campaign.choice, alluvium
        self.stream = Stream(kafka)
        self.engines = Engines(alluvium, self.stream, folder, more=more, **({"mark": mark} if mark else {}))
        self.healed, self.times = [], 0

    def store_is_free(self):
        try:
            with closing(sqlite3.connect(self.engines.store, timeout=10, isolation_level=None)) as store:
                store.execute("begin immediate")
                store.execute("rollback")
                return True
        except sqlite3.OperationalError:
            return False

    def run(self, point, action, alone):
        engines, hits = self.engines, self.choice.choice([1, 2] if "claim" in point else [1, 1, 2, 5])
        if point in WITH_A_CHANGE_OF_MEMBERS or point == "store.in_schema":
            hits = 1
        print(f"{point}={action}:{hits}{' alone' if alone else ''}")
        if not alone and point not in WITH_A_CHANGE_OF_MEMBERS:
            engines.start("e1")
            engines.wait_for_commits(3)
        armed = engines.start("e0", {"ALLUVIUM_FAILPOINT": f"{point}={action}:{hits}"})
        if point in WITH_A_CHANGE_OF_MEMBERS:
            engines.seconds_to_progress()  # Now it has all partitions, and will have to give up some.
            engines.start(f"new-{self.times}")
        self.alluvium.wait_for(lambda: f"failpoint {point}: {action}" in armed.log.read_text(), 30)
        self.times += 1
        if action == "kill":
            engines.running.pop("e0")
            assert armed.wait(30) == -signal.SIGKILL
            engines.start("e0")
        elif action == "stop":
            self.alluvium.wait_for(lambda: state_of(armed) == "T")
            # Its lock on the file, if it has one, can't be taken from it: then all wait for it. Any of its threads may.
            if not alone and ".in_" not in point and self.store_is_free():
                engines.seconds_to_progress()
            armed.send_signal(signal.SIGCONT)
        self.healed.append(engines.seconds_to_progress())
        for name in list(engines.running):
            (engines.kill if self.choice.random() < 0.5 else engines.leave)(name)


def cases(points, actions, choice):
    all_of_them = [(point, action, alone) for point in points for action in actions for alone in (False, True)
                   if not (alone and point in WITH_A_CHANGE_OF_MEMBERS)]
    choice.shuffle(all_of_them)
    return all_of_them


@pytest.mark.parametrize("action", ["kill", "stop", "throw"])
def test_at_each_point_of_the_stream(campaign, alluvium, with_failpoints, kafka, tmp_path, action):
    points = [point for point in ALWAYS + WITH_A_CHANGE_OF_MEMBERS if point != "store.in_schema"]
    if action == "throw":  # Whoever polls is no actor: nothing throws there.
        points = [point for point in points if point not in WITH_A_CHANGE_OF_MEMBERS]
    trial = Trial(campaign, alluvium, kafka, tmp_path)
    trial.stream.send(500)
    with Load(trial.stream, trial.engines.watch, campaign.choice.random(), rate=1000):
        if action == "kill":
            trial.run("store.in_schema", "kill", True)  # There is only one new store.
        for _ in range(1 + campaign.kills // 1000):
            for case in cases(points, [action], campaign.choice):
                trial.run(*case)
    campaign.record(f"failpoints of the stream: {action}", trial.engines.finish(), trial.times, trial.healed)


@pytest.mark.parametrize("action", ["kill", "stop"])
def test_around_a_models_answer(campaign, alluvium, with_failpoints, start_stub_model, kafka, tmp_path, action):
    stub = start_stub_model("--latency", "5")
    more = f"""
selection: {{by: hash, rate: 1}}
tiers: {{small: {{enabled: true, max_tokens: 4000, min_messages: 1}}}}
endpoints: {{small: {endpoint(stub.url + "/v1")}}}
"""
    trial = Trial(campaign, alluvium, kafka, tmp_path, more, mark="zzzzzz")
    trial.stream.send(500)
    with Load(trial.stream, trial.engines.watch, campaign.choice.random(), rate=300):
        for _ in range(1 + campaign.kills // 1000):
            for case in cases(WITH_MODELS, [action], campaign.choice):
                trial.run(*case)
    verdict = trial.engines.finish()
    batches = trial.engines.watch.query("select count(*) from calls where outcome = 'answered'")[0][0]
    # Only what was under way at a death is asked again.
    assert len(stub.calls()) <= batches + 16 * (trial.times + trial.engines.kills)
    campaign.record(f"failpoints around a model's answer: {action}", verdict, trial.times, trial.healed)
