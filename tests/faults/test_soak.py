# SPDX-License-Identifier: Apache-2.0
"""All of the campaign's faults in one story, at random, with models behind: what the engines and their broker, store and
model server go through in a bad week."""
import math
import signal
import sqlite3
import time

from engines import SESSION_MS, Engines
from stream import Load, Stream
from model_runs import endpoint

NAMES = ["e0", "e1", "e2", "e3"]
SHORT_S = 40
# So long an endpoint that fails is waited for, which slows the stream, before what waits goes to the backlog.
PATIENCE_S = 30
# Faults of the model server after which a call is tried again, and its answer is whole.
MODEL_FAULTS = [{"status": 429, "headers": {"retry-after": "0"}}, {"status": 500}, {"status": 503}, {"refuse": 300}, {"hang": True},
                {"drip": 300}, {"close": True}, {"half_close": True}, {"reset": True}, {"reset_mid_body": True},
                {"truncate": True}, {"html": True}]
MORE = """
selection: {{by: hash, rate: 1}}
tiers: {{small: {{enabled: true, max_tokens: 4000, min_messages: 1}}}}
retry: {{delay: 20ms, max_delay: 200ms, backlog_delay: 1s}}
endpoints: {{small: {endpoint}}}
"""


class Soak:
    def __init__(self, campaign, alluvium, kafka, stub, folder):
        self.choice, self.alluvium, self.kafka, self.stub = campaign.choice, alluvium, kafka, stub
        self.stream = Stream(kafka)
        self.engines = Engines(alluvium, self.stream, folder, static=campaign.choice.random() < 0.5, mark="zzzzzz",
                               more=MORE.format(endpoint=endpoint(stub.url + "/v1", timeout="1s", read_timeout="500ms")))
        self.counts, self.healed = {}, []
        self.unwell_until = 0  # Of the model server, as far as the engines may think so.

    def frozen(self, freeze, go_on, sessions):
        freeze()
        since = time.monotonic()
        self.alluvium.wait_for(lambda: time.monotonic() > since + sessions * SESSION_MS / 1000)
        go_on()

    def one_of_them(self):
        return self.choice.choice(sorted(self.engines.running))

    def killed(self):
        for name in self.choice.sample(sorted(self.engines.running), self.choice.randrange(1, len(self.engines.running) + 1)):
            self.engines.kill(name)

    def left(self):
        self.engines.leave(self.one_of_them())

    def joined(self):
        for name in NAMES:
            if name not in self.engines.running:
                self.engines.start(name)
                break

    def engine_frozen(self):
        name = self.one_of_them()
        self.frozen(lambda: self.engines.signal(name, signal.SIGSTOP), lambda: self.engines.signal(name, signal.SIGCONT),
                    self.choice.choice([0.5, 1.5, 2]))

    def broker_frozen(self):
        self.frozen(lambda: self.kafka.signal(signal.SIGSTOP), lambda: self.kafka.signal(signal.SIGCONT),
                    self.choice.choice([0.5, 1.5]))

    def broker_killed(self):
        self.kafka.kill()
        self.kafka.start_again()

    def store_locked(self):
        lock = sqlite3.connect(self.engines.store, timeout=30, isolation_level=None)
        self.frozen(lambda: lock.execute("begin immediate"), lambda: lock.execute("rollback"), self.choice.choice([0.2, 1, 2]))
        lock.close()

    def script(self, faults):
        def taken():
            try:
                self.stub.script(faults)
                return True
            except OSError:  # It is refusing connections just now.
                return False
        self.alluvium.wait_for(taken)

    def model_fails(self):
        self.unwell_until = math.inf
        self.script([{"match": {"every": self.choice.randrange(2, 6)}, "do": self.choice.choice(MODEL_FAULTS)}])

    def model_heals(self):
        self.script([])
        self.unwell_until = min(self.unwell_until, time.monotonic() + PATIENCE_S)

    def heal(self):
        patience = min(PATIENCE_S, max(0, self.unwell_until - time.monotonic()))
        self.healed.append(max(0, self.engines.seconds_to_progress() - patience))

    def transactions(self):
        self.stream.send_transactions(self.choice, 5)

    def step(self):
        kinds = {self.killed: 6, self.left: 2, self.joined: 4, self.engine_frozen: 3, self.broker_frozen: 1, self.broker_killed: 1,
                 self.store_locked: 2, self.model_fails: 3, self.model_heals: 2}
        act = self.choice.choices(list(kinds), list(kinds.values()))[0]
        print(act.__name__, flush=True)
        self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
        act()
        while len(self.engines.running) < 2:
            self.joined()
        if self.choice.random() < 0.7:
            self.heal()


def test_everything_at_random(campaign, alluvium, kafka, start_stub_model, tmp_path):
    stub = start_stub_model("--latency", "5")
    soak = Soak(campaign, alluvium, kafka, stub, tmp_path)
    until = time.monotonic() + (campaign.minutes * 60 or SHORT_S)
    soak.stream.send(500)
    with Load(soak.stream, soak.engines.watch, campaign.choice.random(), rate=400, lag_max=5000):
        for name in NAMES[:2]:
            soak.engines.start(name)
        soak.engines.seconds_to_progress()
        while time.monotonic() < until:
            soak.step()
        soak.model_heals()
        soak.heal()
    # The backlog waits for longer each time it was tried in vain. Whoever mends a model server need not: a start tries it.
    for name in list(soak.engines.running):
        soak.engines.leave(name)
    verdict = soak.engines.finish()
    answered = soak.engines.watch.query("select count(*) from calls where outcome = 'answered'")[0][0]
    failed = soak.engines.watch.query("select count(*) from calls where outcome not in ('answered', 'cached')")[0][0]
    # A call is an answer, a failure, or was under way at a death: 16 at most at each.
    assert len(stub.calls()) <= answered + failed + 16 * soak.engines.kills
    print(soak.counts)
    campaign.record("soak: all of these at random, with models", verdict, sum(soak.counts.values()), soak.healed)
