# SPDX-License-Identifier: Apache-2.0
"""What models cost, as people see it: receipts, budgets, analysis, dry runs. The model is the simulated one."""
import decimal
import json
import re
import signal
import subprocess

import pytest

CONFIG = """
source: {{file: {{path: {chat}}}}}
preset: customer-support
buffer: {{max_messages: 10, min_messages: 2}}
selection: {{by: hash, rate: {rate}}}
tiers:
  small: {{enabled: true, endpoint: here}}
{more}
endpoints:
  here: {{api: openai, base_url: "{url}/v1", model: tiny, input_price: "0.1", output_price: "0.3"}}
  dear: {{api: openai, base_url: "{url}/v1", model: large, input_price: "2.5", output_price: "10"}}
retry: {{max: 0, delay: 10ms}}
sink: {{sqlite: {{path: {store}}}}}
"""
PREMIUM = "  premium: {enabled: true, endpoint: dear}"
NOBODY = "http://127.0.0.1:9"


def dollars(text):
    """NDJSON with its numbers as they are written: sums of dollars are exact."""
    return [json.loads(line, parse_float=decimal.Decimal) for line in text.splitlines()]


@pytest.fixture
def setup(tmp_path, chat):
    def make(url=NOBODY, count=200, rate=1, more="", agents=5):
        path = tmp_path / "chat.ndjson"
        messages = chat(count, agents)
        for message in messages[::4]:
            message["content"] = f"I always prefer tea over coffee, says number {message['id']}"
        path.write_text("".join(json.dumps(message) + "\n" for message in messages))
        config = tmp_path / "c.yaml"
        config.write_text(CONFIG.format(chat=path, store=tmp_path / "out.db", url=url, rate=rate, more=more))
        return config

    return make


@pytest.fixture
def answered(alluvium, setup, stub_model):
    """A config whose run is over: every selected batch was answered."""
    config = setup(stub_model.url)
    done = alluvium.run("run", "-c", config, "--until-end")
    assert done.returncode == 0, done.stderr
    return config


def price_of(calls):
    million = decimal.Decimal(1_000_000)
    return sum((call["prompt_tokens"] * decimal.Decimal("0.1") + call["completion_tokens"] * decimal.Decimal("0.3"))
               / million for call in calls)


# Receipts ----------------------------------------------------------------------------------------

def test_batches_memories_and_budgets_say_what_the_server_was_paid(alluvium, answered, stub_model):
    calls = stub_model.calls()
    assert calls and all(call["status"] == 200 for call in calls)
    paid = price_of(calls)
    batches = dollars(alluvium.run("batches", "-c", answered).stdout)
    assert sum(batch["processing_stats"]["cost_usd"] for batch in batches) == paid
    assert sum(batch["processing_stats"]["tokens_used"]["prompt"] for batch in batches) == \
        sum(call["prompt_tokens"] for call in calls)
    assert any("small_model" in batch["processing_stats"]["extraction_methods"] for batch in batches)
    (budget,) = dollars(alluvium.run("budget", "show", "--json", "-c", answered).stdout)
    assert (budget["spent_usd"], budget["reserved_usd"], budget["limit_usd"]) == (paid, 0, None)
    accounts = dollars(alluvium.run("budget", "list", "--json", "-c", answered).stdout)
    assert accounts[0]["scope"] == "global"
    assert sum(account["spent_usd"] for account in accounts if account["scope"] == "agent") == paid
    spent = [account["spent_usd"] for account in accounts]
    assert spent == sorted(spent, reverse=True)


def test_why_shows_model_prompt_tokens_and_cost(alluvium, answered):
    memories = [memory for memory in alluvium.json("memories", "-c", answered)
                if memory["extraction_method"] == "small_model"]
    assert memories
    memory = memories[0]
    assert memory["model"] == "tiny" and len(memory["prompt_id"]) == 16 and memory["connections"] == []
    receipt = alluvium.json("why", memory["id"], "--json", "-c", answered)[0]
    assert receipt["memory"] == memory
    assert (receipt["tier"], receipt["model"], receipt["prompt_id"]) == ("small", "tiny", memory["prompt_id"])
    assert receipt["tokens_used"] == receipt["batch"]["processing_stats"]["tokens_used"]
    assert receipt["cost_usd"] == receipt["batch"]["processing_stats"]["cost_usd"] > 0
    text = alluvium.run("why", memory["id"], "-c", answered).stdout
    for part in ("tiny", memory["prompt_id"], "tokens", "1 call"):
        assert part in text
    by_rule = next(memory for memory in alluvium.json("memories", "-c", answered)
                   if memory["extraction_method"] == "rules")
    assert "model" not in by_rule
    assert alluvium.json("why", by_rule["id"], "--json", "-c", answered)[0]["cost_usd"] == 0


def test_what_waits_for_an_endpoint_is_pending_and_says_why(alluvium, setup):
    config = setup(count=40)
    assert alluvium.run("run", "-c", config, "--until-end").returncode == 0
    batches = alluvium.json("batches", "-c", config)
    waiting = [batch for batch in batches if "pending" in batch["outcomes"]]
    assert waiting
    batch = waiting[0]
    assert batch["processing_stats"]["error"]
    assert batch["outcome"] in ("extracted", "error")
    shown = alluvium.json("batches", "show", batch["batch_id"], "-c", config)[0]
    (request,) = shown["requests"]
    assert (request["tier"], request["state"]) == ("small", "degraded")
    assert request["reason"] == batch["processing_stats"]["error"]
    message = batch["source_message_ids"][batch["outcomes"].index("pending")]
    (where,) = alluvium.json("where", message, "--json", "-c", config)
    assert where["outcome"] == "pending"
    assert where["requests"] == shown["requests"]
    assert "pending: for the small model, degraded" in alluvium.run("where", message, "-c", config).stdout
    assert alluvium.run("ledger", "verify", "-c", config).returncode == 0
    assert alluvium.json("ledger", "show", "--json", "-c", config)[0]["outcomes"]["pending"] > 0


# Budgets -----------------------------------------------------------------------------------------

def test_a_budget_is_set_shown_listed_and_cleared(alluvium, tmp_path):
    store = ("--store", tmp_path / "new.db")  # A limit may be set before the first run.
    assert "agent a1: $2.50 a month" in alluvium.run("budget", "set", "a1", "2.50", *store, check=True).stdout
    assert alluvium.json("budget", "set", "9", "--org", "acme", "--json", *store) == \
        [{"scope": "org", "key": "acme", "limit_usd": 9, "requests_due": 0}]
    alluvium.run("budget", "set", "--global", "$100", *store, check=True)
    shown = alluvium.json("budget", "show", "a1", "--month", "2026-01", "--json", *store)
    assert shown == [{"scope": "agent", "key": "a1", "month": "2026-01", "limit_usd": 2.5, "limit_from": "store",
                      "spent_usd": 0, "reserved_usd": 0, "left_usd": 2.5, "unknown_price_calls": 0, "alerted": False}]
    assert {(one["scope"], one["key"], one["limit_usd"]) for one in alluvium.json("budget", "list", "--json", *store)} \
        == {("agent", "a1", 2.5), ("org", "acme", 9), ("global", None, 100)}
    assert len(alluvium.json("budget", "list", "--limit", 1, "--json", *store)) == 1
    assert "no limit of its own" in alluvium.run("budget", "clear", "a1", *store, check=True).stdout
    assert alluvium.json("budget", "show", "a1", "--json", *store)[0]["limit_usd"] is None
    assert "limit:     none" in alluvium.run("budget", "show", "a1", *store).stdout


@pytest.mark.parametrize("arguments", [
    ["set", "a1"], ["set", "a1", "much"], ["set", "a1", "-5"], ["set", "5", "6", "7"], ["list", "a1"], ["clear"], [],
    ["show", "--org", "a", "--global"], ["show", "--month", "2026-13"], ["show", "a", "b"], ["burn"],
    ["show", "--store", "no/such.db"],
], ids=" ".join)
def test_a_budget_command_that_makes_no_sense_is_refused(alluvium, arguments):
    done = alluvium.run("budget", *arguments)
    assert (done.returncode, done.stdout) == (2, ""), done
    assert done.stderr


def test_a_limit_of_the_config_is_shown_as_such(alluvium, setup):
    config = setup(count=4)
    with config.open("a") as out:
        out.write('budget: {monthly: "25.00", per_agent: "1"}\n')
    alluvium.run("budget", "set", "a1", "0.5", "-c", config, check=True)
    limits = {}
    for whose in (["a1"], ["a2"], ["--global"], ["--org", "acme"]):
        (shown,) = alluvium.json("budget", "show", *whose, "--json", "-c", config)
        limits[" ".join(whose)] = (shown["limit_usd"], shown["limit_from"])
    assert limits == {"a1": (0.5, "store"), "a2": (1, "config"), "--global": (25, "config"), "--org acme": (None, None)}


def test_more_money_sends_what_was_parked(alluvium, setup, stub_model):
    config = setup(stub_model.url, count=60, agents=1)
    alluvium.run("budget", "set", "agent-0", "0", "-c", config, check=True)
    assert alluvium.run("run", "-c", config, "--until-end").returncode == 0
    assert stub_model.calls() == []
    (shown,) = alluvium.json("budget", "show", "agent-0", "--json", "-c", config)
    assert (shown["spent_usd"], shown["left_usd"], shown["alerted"]) == (0, 0, True)
    waiting = [batch for batch in alluvium.json("batches", "-c", config) if "pending" in batch["outcomes"]]
    assert waiting
    (answer,) = alluvium.json("budget", "set", "agent-0", "5", "--json", "-c", config)
    assert answer["requests_due"] == len(waiting)
    run = alluvium.start("run", "-c", config, "--progress", "never")
    alluvium.wait_for(lambda: len(stub_model.calls()) >= len(waiting))
    run.terminate()
    assert run.wait(60) == 0
    (shown,) = dollars(alluvium.run("budget", "show", "agent-0", "--json", "-c", config).stdout)
    assert shown["spent_usd"] == price_of(stub_model.calls())
    assert shown["alerted"] is False


# Analysis ----------------------------------------------------------------------------------------

@pytest.mark.parametrize("per_memory, verdict, advice", [
    (149, "good", "current_rate_optimal"), (150, "review", "current_rate_optimal"),
    (200, "review", "current_rate_optimal"), (201, "review", "reduce_extraction_rate"),
])
def test_analyze_judges_figures_given_by_hand(alluvium, per_memory, verdict, advice):
    (found,) = alluvium.json("analyze", "--batches", 10, "--memories", 20, "--tokens", 20 * per_memory, "--cost", "0.5",
                             "--json")
    assert found == {"batches": 10, "memories": 20, "tokens": 20 * per_memory, "cost_usd": 0.5, "efficiency": 2,
                     "cost_per_memory": 0.025, "tokens_per_memory": per_memory, "token_efficiency": verdict,
                     "recommendation": advice}


def test_analyze_divides_by_nothing(alluvium):
    done = alluvium.run("analyze", "--batches", 0, "--memories", 0, "--tokens", 0)
    assert done.returncode == 0
    assert "nan" not in done.stdout.lower() and "inf" not in done.stdout.lower()
    assert "unknown" in done.stdout
    assert alluvium.run("analyze", "--batches", 1).returncode == 2
    assert alluvium.run("analyze", "--batches", 1, "--memories", 1, "--tokens", 1, "--cost", "x").returncode == 2


def test_analyze_looks_at_the_store(alluvium, answered, stub_model):
    found = {one["tier"]: one for one in dollars(alluvium.run("analyze", "--json", "-c", answered).stdout)}
    assert set(found) == {"small", "all"}
    calls = stub_model.calls()
    assert found["small"]["batches"] == len(calls)
    assert found["small"]["tokens"] == sum(call["prompt_tokens"] + call["completion_tokens"] for call in calls)
    assert found["small"]["cost_usd"] == price_of(calls)
    assert found["small"]["memories"] == sum(
        memory["extraction_method"] == "small_model" for memory in alluvium.json("memories", "-c", answered))
    assert "PER MEMORY" in alluvium.run("analyze", "-c", answered).stdout
    nothing = alluvium.run("analyze", "--month", "2020-01", "-c", answered)
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "no model was called in 2020-01" in nothing.stderr


def test_what_was_measured_stands_beside_what_was_planned(alluvium, answered, stub_model):
    calls, store = stub_model.calls(), alluvium.folder / "out.db"
    paid = price_of(calls)
    plan = ["cost", "--per-day", 50, "--agents", 10, "--days", 30]
    (cost,) = dollars(alluvium.run(*plan, "--json", "-c", answered).stdout)
    measured = cost["measured"]
    assert (measured["cost"], measured["batches_of_models"], measured["rate"]) == (paid, len(calls), 1)
    assert measured["memories"] == len(alluvium.json("memories", "-c", answered))
    assert abs(cost["as_measured"]["total_cost"] - paid / len(calls) * cost["processed_batches"]) < \
        decimal.Decimal("0.000001")
    assert "AS MEASURED" in alluvium.run(*plan, "--store", store).stdout
    rates = dollars(alluvium.run("rates", "--json", "--store", store).stdout)
    assert [row["measured"] for row in rates if "measured" in row] == [measured]
    assert float(measured["memories_per_1000_messages"]) == pytest.approx(measured["memories"] * 1000 / measured["messages"])
    assert "(measured)" in alluvium.run("rates", "--store", store).stdout
    (efficiency,) = dollars(alluvium.run("efficiency", "--json", "--store", store).stdout)
    assert efficiency["measured"] == measured
    assert "MEASURED" in alluvium.run("efficiency", "--store", store).stdout
    for command in (["rates"], ["efficiency"], plan):
        assert "measured" not in alluvium.run(*command, "--json").stdout
        assert alluvium.run(*command, "--store", "no/such.db").returncode == 2


def test_a_store_without_calls_measures_nothing_and_divides_by_nothing(alluvium, tmp_path):
    store = ("--store", tmp_path / "new.db")
    alluvium.run("budget", "set", "a1", "1", *store, check=True)
    for command in (["rates"], ["efficiency"], ["cost", "--per-day", 50, "--agents", 10]):
        done = alluvium.run(*command, *store)
        assert done.returncode == 0, done.stderr
        assert "nan" not in done.stdout.lower() and "inf" not in done.stdout.lower()
        (measured,) = [row["measured"] for row in alluvium.json(*command, "--json", *store) if "measured" in row]
        assert (measured["rate"], measured["tokens_per_memory"], measured["cost"]) == (None, None, 0)


# Dry runs ----------------------------------------------------------------------------------------

def rows(done):
    assert done.returncode == 0, done.stderr
    return rows_of(done.stdout)


def rows_of(text):
    kinds = {"tier": [], "total": [], "agent": []}
    for row in dollars(text):
        kinds[row.pop("row")].append(row)
    (total,) = kinds["total"]
    return kinds["tier"], total, kinds["agent"]


def test_a_dry_run_needs_no_key_calls_nobody_and_keeps_nothing(alluvium, setup, tmp_path):
    config = setup("https://models.invalid", more=PREMIUM)
    config.write_text(config.read_text().replace("model: tiny,", 'model: tiny, api_key: "${NO_SUCH_KEY}",'))
    assert alluvium.run("run", "-c", config, "--until-end").returncode == 2, "a real one does need it"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = alluvium.run("run", "--dry-run", "-c", config, environment={"TMPDIR": str(temporary)})
    assert done.returncode == 0, done.stderr
    for part in ("small", "premium, at most", "total: at most $", "No call was made", "agent-0", "half of max_tokens"):
        assert part in done.stdout, part
    assert list(temporary.iterdir()) == []
    assert not (tmp_path / "out.db").exists()


def test_a_dry_run_adds_up(alluvium, setup):
    config = setup(count=2000, rate=0.5, more=PREMIUM, agents=40)
    tiers, total, agents = rows(alluvium.run("run", "--dry-run", "--json", "-c", config))
    assert [tier["tier"] for tier in tiers] == ["small", "premium"]
    assert (tiers[0]["at_most"], tiers[1]["at_most"]) == (False, True)
    assert total["messages"] == 2000
    assert total["cost_usd"] == sum(agent["cost_usd"] for agent in agents) == sum(tier["cost_usd"] for tier in tiers)
    assert total["requests"] == sum(agent["requests"] for agent in agents) == sum(tier["requests"] for tier in tiers)
    assert len(agents) == total["agents"] == 40
    costs = [agent["cost_usd"] for agent in agents]
    assert costs == sorted(costs, reverse=True)
    for tier in tiers:
        assert tier["batch_job_cost_usd"] * 2 == tier["call_cost_usd"]
    share = total["batches_selected"] / (total["batches_selected"] + total["batches_skipped"])
    assert 0.4 < share < 0.6


def test_a_dry_run_tells_nearly_what_the_run_then_costs(alluvium, setup, stub_model):
    config = setup(stub_model.url)
    (small,), total, _ = rows(alluvium.run("run", "--dry-run", "--json", "-c", config))
    assert stub_model.calls() == []
    assert alluvium.run("run", "-c", config, "--until-end").returncode == 0
    calls = stub_model.calls()
    assert small["requests"] == len(calls)
    prompt = sum(call["prompt_tokens"] for call in calls)
    assert prompt * 0.7 < small["prompt_tokens"] < prompt * 2, "the stub does not count the schema"
    (again,), _, _ = rows(alluvium.run("run", "--dry-run", "--json", "-c", config))
    assert (again["completion_tokens_from"], again["bytes_per_token_from"]) == ("measured", "measured")
    completion = sum(call["completion_tokens"] for call in calls)
    assert abs(again["completion_tokens"] - completion) <= len(calls)
    assert abs(again["prompt_tokens"] - prompt) < 0.2 * prompt
    assert total["cost_usd"] > 0


def test_an_unknown_price_is_unknown(alluvium, setup):
    config = setup()
    config.write_text(config.read_text().replace(', input_price: "0.1", output_price: "0.3"', ""))
    (small,), total, agents = rows(alluvium.run("run", "--dry-run", "--json", "-c", config))
    assert small["cost_usd"] is total["cost_usd"] is agents[0]["cost_usd"] is None
    assert "total: unknown" in alluvium.run("run", "--dry-run", "-c", config).stdout


def test_a_dry_run_without_a_tier_has_nothing_to_tell(alluvium, setup):
    config = setup()
    config.write_text(config.read_text().replace("{enabled: true, endpoint: here}", "{enabled: false}"))
    done = alluvium.run("run", "--dry-run", "-c", config)
    assert done.returncode == 2
    assert "no tier is on" in done.stderr
    assert alluvium.run("run", "--json", "-c", config).returncode == 2, "--json is for --dry-run"


def test_a_dry_run_leaves_the_real_consumer_group_alone(alluvium, setup, kafka, chat, tmp_path):
    topic = kafka.create_topic(partitions=2)
    kafka.produce(topic, [(message["agent_id"], message) for message in chat(500, 8)])
    config = setup()
    text = config.read_text().replace(f"file: {{path: {tmp_path / 'chat.ndjson'}}}",
                                      f"kafka: {{brokers: '{kafka.bootstrap}', topics: [{topic}], group: real}}")
    config.write_text(text)
    _, total, _ = rows(alluvium.run("run", "--dry-run", "--json", "-c", config))
    assert total["messages"] == 500
    assert kafka.committed("real", topic, 2) == [-1001, -1001]
    _, again, _ = rows(alluvium.run("run", "--dry-run", "--json", "-c", config))
    assert again == total


def test_a_dry_run_that_is_interrupted_tells_what_it_saw(alluvium, setup, tmp_path):
    config = setup(count=50)
    config.write_text(config.read_text().replace(str(tmp_path / "chat.ndjson"), '"-"'))
    with open(tmp_path / "out.txt", "wb") as out:
        run = alluvium.start("run", "--dry-run", "--json", "-c", config, "--progress", "always",
                             stdin=subprocess.PIPE, stdout=out)
        run.stdin.write((tmp_path / "chat.ndjson").read_bytes())
        run.stdin.flush()
        alluvium.wait_for(lambda: re.search(r"\b50\b.* msgs", run.log.read_text()))
        run.send_signal(signal.SIGINT)
        assert run.wait(60) == 0, run.log.read_text()
    _, total, _ = rows_of((tmp_path / "out.txt").read_text())
    assert total["messages"] == 50
