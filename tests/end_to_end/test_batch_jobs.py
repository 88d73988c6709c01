# SPDX-License-Identifier: Apache-2.0
"""Providers' batch jobs with whole processes: in `run`, in a worker apart, and in one that is killed again and again."""
import json
import random
import re
import select
import signal
import sqlite3
import time

import pytest

CONFIG = """
source: {{file: {{path: {chat}}}}}
preset: customer-support
buffer: {{max_messages: 5, min_messages: 1}}
selection: {{by: hash, rate: 1}}
tiers:
  small: {{enabled: true, endpoint: here, mode: batch, min_messages: 1}}
endpoints:
  here: {{api: {api}, base_url: "{url}{path}", model: tiny, input_price: "0.1", output_price: "0.3",
         api_key: "${{STUB_KEY}}"}}
batch_jobs: {{poll_interval: 20ms, job_poll_interval: 20ms, max_requests: {most}, worker: {worker}}}
retry: {{delay: 10ms, max_delay: 100ms}}
sink: {{sqlite: {{path: {store}}}}}
"""
KEY = "k-secret-9"
ENVIRONMENT = {"STUB_KEY": KEY}
APIS = ["openai", "anthropic"]


class Ground:
    """Messages, a config, a store and a simulated provider."""

    def __init__(self, alluvium, stub, folder, api, count=200, most=100, worker=True):
        self.alluvium, self.stub, self.count = alluvium, stub, count
        self.store = folder / "out.db"
        self.config = folder / "c.yaml"
        chat = folder / "chat.ndjson"
        lines = [{"id": f"m{n}", "agent_id": f"a{n % 4}", "role": "user", "content": f"I prefer number {n} to all others"}
                 for n in range(count)]
        chat.write_text("".join(json.dumps(line) + "\n" for line in lines))
        self.config.write_text(CONFIG.format(chat=chat, store=self.store, api=api, url=stub.url, most=most,
                                             path="/v1" if api == "openai" else "", worker=str(worker).lower()))

    def read(self):
        done = self.alluvium.run("run", "-c", self.config, "--until-end", environment=ENVIRONMENT)
        assert done.returncode == 0, done.stderr
        return done

    def start_worker(self, *more):
        return self.alluvium.start("batch-worker", "-c", self.config, *more, environment=ENVIRONMENT)

    def work_off(self, timeout=120):
        done = self.alluvium.run("batch-worker", "-c", self.config, "--until-idle", environment=ENVIRONMENT,
                                 timeout=timeout)
        assert done.returncode == 0, done.stderr
        return done

    def ask(self, query):
        with sqlite3.connect(f"file:{self.store}?mode=ro", uri=True) as store:
            return store.execute(query).fetchone()[0]

    def jobs(self):
        rows = self.alluvium.json("batch-jobs", "list", "--json", "--store", self.store)
        return [row for row in rows if "job" in row], [row for row in rows if "tier" in row]

    def prove(self):
        """Each message has one memory of its own, each request was answered once, and in = out."""
        assert self.ask("SELECT count(*) FROM requests") == 0
        by_model = self.ask("SELECT count(*) FROM memories WHERE extraction_method = 'small_model'")
        assert by_model == self.ask("SELECT count(DISTINCT agent_id || content) FROM memories"
                                    " WHERE extraction_method = 'small_model'") > 0
        answered = self.ask("SELECT count(*) FROM calls WHERE outcome = 'answered' AND mode = 'batch'")
        assert answered == self.ask("SELECT count(DISTINCT hash) FROM calls WHERE outcome = 'answered'") > 0
        assert self.ask("SELECT coalesce(sum(reserved), 0) FROM spend") == 0
        verified = self.alluvium.run("ledger", "verify", "--store", self.store)
        assert verified.returncode == 0, verified.stdout
        return answered


@pytest.fixture
def ground(alluvium, stub_model, tmp_path):
    return lambda api, **more: Ground(alluvium, stub_model, tmp_path, api, **more)


@pytest.mark.parametrize("api", APIS)
def test_a_worker_apart_answers_what_a_run_has_left(ground, stub_model, api):
    here = ground(api, most=15)
    here.read()
    assert stub_model.calls() == []
    jobs, waiting = here.jobs()
    assert jobs == [] and [row["state"] for row in waiting] == ["queued"]
    here.work_off()
    answered = here.prove()
    jobs, waiting = here.jobs()
    assert waiting == [] and {job["state"] for job in jobs} == {"ended"}
    assert sum(job["requests"] for job in jobs) == answered 
    assert all(job["requests"] <= 15 for job in jobs) and len(jobs) > 1
    batches = stub_model.stats()["batch"]
    assert batches["requests"] == answered and batches["duplicates"] == 0
    assert not [call for call in stub_model.calls() if call["path"].endswith(("/chat/completions", "/messages"))]



@pytest.mark.parametrize("api", APIS)
def test_run_sees_to_the_jobs_itself_unless_a_worker_does(ground, alluvium, api):
    here = ground(api, worker=False)
    process = alluvium.start("run", "-c", here.config, environment=ENVIRONMENT)
    alluvium.wait_for(lambda: here.store.exists() and here.alluvium.run(
        "batch-jobs", "list", "--json", "--store", here.store).stdout.count('"ended"') >= 1, 60)
    alluvium.wait_for(lambda: here.ask("SELECT count(*) FROM requests") == 0, 60)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0, process.log.read_text()
    here.prove()


def test_half_the_price_is_paid(ground, stub_model):
    here = ground("openai")
    here.read()
    here.work_off()
    million = 1_000_000
    batches = stub_model.stats()["batch"]
    paid = (batches["prompt_tokens"] * 0.1 + batches["completion_tokens"] * 0.3) / million / 2
    assert here.ask("SELECT spent FROM spend WHERE scope = 'global'") == round(paid * 10**12)


@pytest.mark.parametrize("api", APIS)
def test_killed_ten_times_and_each_request_is_answered_once(ground, alluvium, stub_model, api):
    here = ground(api, count=300, most=4)
    here.read()
    chance = random.Random(api)
    for _ in range(10):
        worker = here.start_worker()
        before = len(stub_model.calls())
        # Somewhere in the work: after some of its calls, and a moment more.
        calls = chance.randrange(1, 12)
        deadline = time.monotonic() + 8
        while len(stub_model.calls()) < before + calls and time.monotonic() < deadline:
            select.select([], [], [], 0.001)
        select.select([], [], [], chance.random() * 0.03)
        worker.send_signal(signal.SIGKILL)
        worker.wait(30)
    here.work_off(300)
    answered = here.prove()
    batches = stub_model.stats()["batch"]
    assert batches["duplicates"] == 0
    assert batches["requests"] == answered


@pytest.mark.parametrize("api", APIS)
def test_a_job_whose_reply_was_lost_is_adopted(ground, stub_model, api):
    here = ground(api)
    here.read()
    path = "/v1/batches" if api == "openai" else "/v1/messages/batches"
    stub_model.script([{"match": {"nth": [1], "path": path, "method": "POST"},
                        "do": {"close": True, "applied": True}}])
    done = here.work_off()
    assert "had taken it" in done.stderr
    here.prove()
    assert stub_model.stats()["batch"]["duplicates"] == 0
    assert len([call for call in stub_model.calls() if call["path"] == path.removeprefix("/v1") and call["method"] == "POST"]) == 1


@pytest.mark.parametrize("api", APIS)
def test_an_overloaded_provider_is_tried_again_after_one_two_and_four_seconds(ground, stub_model, api):
    here = ground(api)
    here.read()
    path = "/v1/batches" if api == "openai" else "/v1/messages/batches"
    stub_model.script([{"match": {"nth": [1, 2, 3], "path": path, "method": "POST"}, "do": {"status": 529}}])
    config = here.config.read_text().replace("max_delay: 100ms", "max_delay: 60s")
    here.config.write_text(config)
    here.work_off()
    times = [call["time_ms"] for call in stub_model.calls() if call["path"] == path.removeprefix("/v1") and call["method"] == "POST"]
    assert len(times) == 4
    for gap, wanted in zip((b - a for a, b in zip(times, times[1:])), (1000, 2000, 4000)):
        assert 0.8 * wanted - 50 <= gap <= 1.2 * wanted + 1500, (gap, wanted)
    here.prove()


@pytest.mark.parametrize("api", APIS)
def test_only_what_failed_in_a_job_is_sent_again(ground, stub_model, api):
    here = ground(api)
    here.read()
    total = here.ask("SELECT count(*) FROM requests")
    stub_model.script([{"match": {"in_batch": True, "nth": [2, 5]}, "do": {"errored": True, "status": 500}},
                       {"match": {"in_batch": True, "nth": [9]}, "do": {"expired": True}}])
    here.work_off()
    here.prove()
    assert stub_model.stats()["batch"]["requests"] == total + 3
    assert stub_model.stats()["batch"]["duplicates"] == 0


def test_cancel_and_resume(ground, alluvium, start_stub_model, tmp_path):
    slow = start_stub_model("--batch-polls", "1000000")
    here = Ground(alluvium, slow, tmp_path, "anthropic", count=40)
    here.read()
    total = here.ask("SELECT count(*) FROM requests")
    worker = here.start_worker()
    alluvium.wait_for(lambda: [job["state"] for job in here.jobs()[0]] == ["running"])
    shown = alluvium.run("batch-jobs", "show", 1, "--store", here.store)
    assert shown.returncode == 0 and "msgbatch" in shown.stdout
    assert alluvium.run("batch-jobs", "cancel", 1, "--store", here.store).returncode == 0
    alluvium.wait_for(lambda: [job["state"] for job in here.jobs()[0]] == ["canceled"])
    job = here.jobs()[0][0]
    parked = job["parked"]
    assert 0 < parked <= total and job["answered"] == total - parked  # The simulation answers some before it cancels.
    assert alluvium.run("batch-jobs", "cancel", 1, "--store", here.store).returncode == 1
    assert alluvium.run("batch-jobs", "show", 99, "--store", here.store).returncode == 1
    assert alluvium.run("batch-jobs", "show", "--store", here.store).returncode == 2
    resumed = alluvium.run("batch-jobs", "resume", 1, "--store", here.store)
    assert re.search(rf"queued {parked} requests", resumed.stdout)
    alluvium.wait_for(lambda: [job["state"] for job in here.jobs()[0]] == ["running", "canceled"])
    worker.terminate()
    assert worker.wait(30) == 0, worker.log.read_text()


def test_two_workers_share_the_jobs_and_repeat_nothing(ground, alluvium, stub_model):
    here = ground("openai", count=300, most=4)
    here.read()
    workers = [here.start_worker("--until-idle") for _ in range(2)]
    for worker in workers:
        assert worker.wait(120) == 0, worker.log.read_text()
    here.prove()
    assert stub_model.stats()["batch"]["duplicates"] == 0


def test_the_key_is_in_no_argument_and_in_no_output(ground, alluvium):
    here = ground("openai")
    here.read()
    help_text = alluvium.run("batch-worker", "--help").stdout
    assert "key" not in re.sub(r"keys come from .*", "", help_text)
    worker = here.start_worker("--poll-interval", "100", "--batch-poll-interval", "1h")
    alluvium.wait_for(lambda: len(here.jobs()[0]) == 1)
    with open(f"/proc/{worker.pid}/cmdline", encoding="utf-8") as line:
        assert KEY not in line.read()
    worker.terminate()
    assert worker.wait(30) == 0
    assert KEY not in worker.log.read_text()


def test_a_config_without_batch_jobs_is_refused(ground, alluvium):
    here = ground("openai")
    here.config.write_text(here.config.read_text().replace("mode: batch", "mode: call"))
    done = alluvium.run("batch-worker", "-c", here.config, "--until-idle", environment=ENVIRONMENT)
    assert done.returncode == 2 and "mode: batch" in done.stderr
