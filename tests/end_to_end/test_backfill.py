# SPDX-License-Identifier: Apache-2.0
"""`backfill --skipped`: what selection has left out is read again from the stream and given to models, within a budget."""
import json
import sqlite3

import model_runs


def skipped_then(folder, stub, rate=0, agents=4, each=10, more=""):
    """A run in which nothing is selected, and the config that it ran with."""
    model_runs.write_chat(folder, model_runs.messages_of(agents=agents, each=each))
    return model_runs.config(folder, stub, "small: {enabled: true, max_tokens: 1000}", batch=5, rate=rate, more=more)


def total_of(alluvium, config, *arguments, code=0):
    done = alluvium.run("backfill", "--skipped", "-c", config, *arguments, "--json", "--progress", "never")
    assert done.returncode == code, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def verify(alluvium, config):
    verified = alluvium.run("ledger", "verify", "-c", config)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_a_dry_run_says_what_it_would_be_and_changes_nothing(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    total = total_of(alluvium, config, "--dry-run")
    assert (total["skipped"], total["chosen"], total["requests"], total["asked"]) == (40, 40, 8, 0)
    assert 0 < total["cost_usd"] < total["cost_usd_at_most"]
    assert model_runs.outcomes(tmp_path)["skipped"] == 40 and stub_model.calls() == []
    shown = alluvium.run("backfill", "--skipped", "-c", config, "--dry-run", "--progress", "never").stdout
    assert "40 skipped messages" in shown and "nothing was changed" in shown


def test_it_leaves_what_a_run_that_had_selected_all_would_have_made(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    total = total_of(alluvium, config, "--budget", "1.00")
    assert (total["chosen"], total["asked"]) == (40, 40)
    assert model_runs.outcomes(tmp_path)["skipped"] == model_runs.outcomes(tmp_path)["pending"] == 0
    verify(alluvium, config)
    made = sorted(model_runs.query(tmp_path, "select agent_id, content, source_message_ids from memories"))
    calls = len(stub_model.calls())
    assert made and calls == 8
    (tmp_path / "store.db").unlink()
    model_runs.run(alluvium, model_runs.config(tmp_path, stub_model, "small: {enabled: true, max_tokens: 1000}",
                                               batch=5, rate=1))
    assert sorted(model_runs.query(tmp_path, "select agent_id, content, source_message_ids from memories")) == made


def test_twice_does_not_ask_twice(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    total_of(alluvium, config, "--budget", "1.00")
    calls = len(stub_model.calls())
    again = total_of(alluvium, config, "--budget", "1.00")
    assert (again["skipped"], again["asked"]) == (0, 0)
    assert len(stub_model.calls()) == calls


def test_no_more_is_asked_than_the_budget_can_pay(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    one = total_of(alluvium, config, "--dry-run")["cost_usd_at_most"] / 8
    total = total_of(alluvium, config, "--budget", f"{one * 3.5:.12f}")
    assert (total["chosen"], total["asked"], len(stub_model.calls())) == (15, 15, 3)
    spent = model_runs.query(tmp_path, "select spent from spend where scope = 'global'")[0][0]
    assert spent <= one * 3.5 * 1e12
    assert model_runs.outcomes(tmp_path)["skipped"] == 25
    verify(alluvium, config)


def test_the_best_scored_are_asked_first_and_like_with_like(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model, agents=1)
    config.write_text(config.read_text().replace("{by: hash, rate: 0}", "{by: hash, rate: 0, batch_messages: 4}"))
    model_runs.run(alluvium, config)
    with sqlite3.connect(tmp_path / "store.db") as db:  # As selection by value would have stored them: 0 to 9.
        for row in (0, 1):
            scores = bytes(byte for n in range(5 * row, 5 * row + 5) for byte in (n, 7))
            db.execute("update batches set scores = ? where id = ?", (scores, row + 1))
    dry = total_of(alluvium, config, "--dry-run")
    assert dry["requests"] == 3
    total = total_of(alluvium, config, "--budget", f"{dry['cost_usd_at_most'] / 2:.12f}")
    assert (total["requests"], total["asked"]) == (1, 4)
    letters = "".join(row[0] for row in model_runs.query(tmp_path, "select outcomes from batches order by id"))
    assert [n for n, letter in enumerate(letters) if letter != "s"] == [6, 7, 8, 9]
    total_of(alluvium, config, "--budget", "1.00")  # What is left: also requests over two batches.
    assert model_runs.outcomes(tmp_path)["skipped"] == model_runs.outcomes(tmp_path)["pending"] == 0
    assert len(stub_model.calls()) == 3
    verify(alluvium, config)


def test_only_some_agents_and_some_time(alluvium, stub_model, tmp_path):
    messages = model_runs.messages_of(agents=2, each=10)
    for n, message in enumerate(messages):
        message["timestamp"] = f"2026-03-{1 + n // 10:02}T00:00:00Z"
    config = skipped_then(tmp_path, stub_model)
    model_runs.write_chat(tmp_path, messages)
    model_runs.run(alluvium, config)
    total = total_of(alluvium, config, "--agent", "agent-1", "--from", "2026-03-02T00:00:00Z", "--budget", "1.00")
    assert (total["skipped"], total["not_held"], total["asked"]) == (10, 5, 5)
    assert {json.loads(row[0])[0].split("-")[0] for row in model_runs.query(
        tmp_path, "select source_message_ids from memories")} == {"1"}
    verify(alluvium, config)


def test_what_the_stream_has_no_more_is_counted(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    lines = (tmp_path / "chat.ndjson").read_text().splitlines(keepends=True)
    (tmp_path / "chat.ndjson").write_text("".join(lines[:20]))
    total = total_of(alluvium, config, "--budget", "1.00")
    assert (total["skipped"], total["not_held"], total["asked"]) == (40, 20, 20)
    verify(alluvium, config)


def test_wrong_usage_is_said(alluvium, stub_model, tmp_path):
    config = skipped_then(tmp_path, stub_model)
    model_runs.run(alluvium, config)
    for arguments in (["--skipped"], ["--budget", "1"], ["--skipped", "--budget", "much"]):
        assert alluvium.run("backfill", "-c", config, *arguments).returncode == 2, arguments


def test_on_a_topic_only_what_is_needed_is_read_and_the_group_is_left_alone(alluvium, kafka, stub_model, tmp_path):
    kafka.create_topic("left-out", 2)
    kafka.produce("left-out", [(row["agent_id"], row) for row in model_runs.messages_of(agents=6, each=10)])
    path = model_runs.config(tmp_path, stub_model, "small: {enabled: true, max_tokens: 1000}", batch=5, rate=0)
    path.write_text(path.read_text().replace(
        "{file: {path: chat.ndjson}}",
        f"{{kafka: {{brokers: \"{kafka.bootstrap}\", topics: [left-out], group: left-out, start: earliest}}}}"))
    model_runs.run(alluvium, path)
    engine = alluvium.start("run", "-c", path, "--progress", "never")
    total = total_of(alluvium, path, "--agent", "agent-2", "--budget", "1.00")
    assert (total["skipped"], total["asked"]) == (10, 10)
    alluvium.wait_for(lambda: model_runs.outcomes(tmp_path)["pending"] == 0)
    engine.terminate()
    assert engine.wait(60) == 0, engine.log.read_text()
    verify(alluvium, path)
    text = alluvium.json("why", model_runs.query(tmp_path, "select memory_id from memories")[0][0], "-c", path, "--json")
    assert all(source["held"] and "subject 2" in source["text"] for source in text[0]["sources"])
