# SPDX-License-Identifier: Apache-2.0
"""The commands that plan: the documents' figures, and what real token prices make of them."""
import json
import os
import pathlib
import re
import subprocess

import pytest

ROOT = pathlib.Path(__file__).parents[2]
ALLUVIUM = os.environ["ALLUVIUM"]
EXAMPLE = ["cost", "--per-day", 50, "--agents", 1000, "--days", 30, "--preset", "support"]


def alluvium(*arguments):
    return subprocess.run([ALLUVIUM, *map(str, arguments)], cwd=ROOT, capture_output=True, text=True, timeout=60,
                          check=False)


def good(*arguments):
    done = alluvium(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def refused(*arguments):
    """What it complains about; nothing may have been printed as a result."""
    done = alluvium(*arguments)
    assert done.returncode == 2, (arguments, done)
    assert done.stdout == ""
    return done.stderr


def cost(*more):
    return json.loads(good(*EXAMPLE, *more, "--json"))


def test_cost_is_the_documents_plan():
    plan = cost()
    assert plan["total_messages"] == 1_500_000
    assert plan["total_batches"] == 75_000
    assert plan["processed_batches"] == 22_500
    assert plan["total_cost"] == 450
    assert plan["cost_per_agent"] == 0.45
    assert plan["breakdown"] == {"rules": 0, "small_model": 450, "premium_model": 0}
    assert (plan["preset"], plan["batch_size"], plan["rate"]) == ("customer-support", 20, 0.3)


def test_cost_says_the_same_to_people():
    out = good(*EXAMPLE)
    for figure in ["1,500,000", "75,000", "22,500", "$450.00", "$0.45", "$4.275", "2026-11-21", "mistral-small-3.1"]:
        assert figure in out, figure
    assert "premium:" not in out


def test_thirty_days_and_support_are_what_is_meant_if_nothing_is_said():
    assert json.loads(good("cost", "--per-day", 50, "--agents", 1000, "--json")) == cost()


def test_cost_at_token_prices_stands_beside_the_plan():
    real = cost()["at_token_prices"]
    assert real["prices"] == "shipped" and real["prices_date"] == "2026-11-21"
    assert real["small_model"] == {"model": "mistral-small-3.1", "prompt_tokens": 1000, "completion_tokens": 300,
                                   "cost": 4.275, "batch_job_cost": 2.1375, "batch_job_price_is_assumed": True}
    assert real["total_cost"] == 4.275 and real["cost_per_agent"] == 0.004275
    assert real["batch_job_total_cost"] == 2.1375
    assert "premium_model" not in real


def test_premium_is_added_where_the_preset_has_it():
    plan = json.loads(good("cost", "--per-day", 80, "--agents", 10, "--days", 10, "--preset", "therapy", "--json"))
    assert (plan["total_batches"], plan["processed_batches"]) == (1000, 600)
    assert plan["breakdown"] == {"rules": 0, "small_model": 12, "premium_model": 90}
    assert plan["total_cost"] == 102
    premium = plan["at_token_prices"]["premium_model"]
    assert premium["model"] == "gpt-4o" and premium["completion_tokens"] == 800
    assert premium["cost"] == 6.3 and premium["batch_job_cost"] == 3.15
    assert premium["batch_job_price_is_assumed"] is False
    assert plan["at_token_prices"]["total_cost"] == 6.414


def test_batch_and_rate_override_the_presets():
    plan = cost("--batch", 10, "--rate", 0.5)
    assert (plan["batch_size"], plan["rate"]) == (10, 0.5)
    assert (plan["total_batches"], plan["processed_batches"]) == (150_000, 75_000)
    assert plan["total_cost"] == 1500


def test_an_unknown_model_is_unknown_and_never_free():
    real = cost("--model", "nobody-knows-it")["at_token_prices"]
    assert real["small_model"]["cost"] == "unknown"
    assert real["small_model"]["batch_job_cost"] == "unknown"
    assert real["total_cost"] == real["cost_per_agent"] == real["batch_job_total_cost"] == "unknown"
    out = good(*EXAMPLE, "--model", "nobody-knows-it")
    assert re.search(r"^small +nobody-knows-it +\$450\.00 +unknown +unknown$", out, re.M)
    assert "no price of nobody-knows-it" in out


def test_a_premium_model_that_nothing_uses_is_pointed_out():
    done = alluvium(*EXAMPLE, "--premium-model", "gpt-4o-mini")
    assert done.returncode == 0 and "--premium-model changes nothing" in done.stderr
    assert alluvium(*EXAMPLE).stderr == ""


def test_prices_of_ones_own(tmp_path):
    prices = tmp_path / "prices.json"
    prices.write_text(json.dumps({
        "sample_spec": {"input_cost_per_token": 0, "output_cost_per_token": 0},
        "near/house-model": {"input_cost_per_token": 1e-06, "output_cost_per_token": 1e-05},
        "free": {"input_cost_per_token": 0.0, "output_cost_per_token": 0.0},
        "broken": {"input_cost_per_token": -1, "output_cost_per_token": "x"}}))
    real = cost("--prices", prices, "--model", "house-model")["at_token_prices"]
    assert real["prices"] == str(prices) and "prices_date" not in real
    assert real["small_model"]["cost"] == 90  # 22,500 times 1,000 micro-dollars in and 300 times 10 out.
    assert real["small_model"]["batch_job_cost"] == "unknown"
    assert cost("--prices", prices, "--model", "free")["at_token_prices"]["total_cost"] == 0
    for unpriced in ["broken", "sample_spec", "mistral-small-3.1"]:
        assert cost("--prices", prices, "--model", unpriced)["at_token_prices"]["total_cost"] == "unknown"
    assert str(prices) in good(*EXAMPLE, "--prices", prices)


@pytest.mark.parametrize("content", [None, b"", b"garbage", b"[]", b"{}", b"\xff\xfe\x00", b'{"m": 1}'])
def test_a_price_file_that_is_none_is_refused_by_name(tmp_path, content):
    prices = tmp_path / "prices.json"
    if content is not None:
        prices.write_bytes(content)
    assert str(prices) in refused(*EXAMPLE, "--prices", prices)


@pytest.mark.parametrize("option, value", [
    ("--per-day", "-1"), ("--per-day", "nan"), ("--per-day", "1.5"), ("--per-day", "99999999999999999999"),
    ("--agents", "-5"), ("--agents", "1e3"), ("--days", "inf"), ("--days", "36501"), ("--batch", "0"),
    ("--batch", "-20"), ("--batch", "10001"), ("--rate", "nan"), ("--rate", "-0.1"), ("--rate", "1.1"),
    ("--rate", "inf"), ("--rate", "x"), ("--rate", "1e999")])
def test_a_number_that_makes_no_sense_is_refused_in_words(option, value):
    arguments = {"--per-day": 50, "--agents": 1000, option: value}
    message = refused("cost", *[f"{name}={given}" for name, given in arguments.items()])
    assert option in message
    assert "want a" in message


def test_figures_beyond_counting_are_refused():
    assert "more than can be counted" in refused("cost", "--per-day", 1_000_000_000, "--agents", 1_000_000_000)
    assert "more than can be counted" in refused("cost", "--per-day", 1_000_000_000, "--agents", 1000)


def test_cost_of_nothing_is_nothing():
    plan = json.loads(good("cost", "--per-day", 0, "--agents", 0, "--days", 0, "--json"))
    assert plan["total_cost"] == plan["cost_per_agent"] == plan["at_token_prices"]["cost_per_agent"] == 0


def test_cost_needs_a_preset_that_exists_and_both_numbers():
    assert "nonsense" in refused("cost", "--per-day", 1, "--agents", 1, "--preset", "nonsense")
    assert "--agents" in refused("cost", "--per-day", 1)
    assert "--per-day" in refused("cost", "--agents", 1)


def test_rates_are_the_documents_table():
    lines = [json.loads(line) for line in good("rates", "--json").splitlines()]
    assert [(line["rate"], line["memories_per_1000_messages"], line["tokens_per_memory"], line["preset"])
            for line in lines if "preset" in line] == [
                (0.2, 200, 25, "conservative"), (0.4, 400, 100, "balanced"), (0.6, 600, 160, "comprehensive"),
                (0.8, 800, 200, "maximum")]
    assert {line["use"]: line["rate"] for line in lines if "use" in line} == {
        "support": 0.3, "therapy": 0.6, "education": 0.5, "research": 0.8, "casual-chat": 0.2,
        "business-intelligence": 0.4}
    out = good("rates")
    for row in [r"20 % +200 +~25 +conservative", r"40 % +400 +~100 +balanced", r"60 % +600 +~160 +comprehensive",
                r"80 % +800 +~200 +maximum", r"any other +0\.2"]:
        assert re.search(row, out), row


def test_rates_for_a_use():
    assert good("rates", "--use", "research") == "0.8\n"
    assert good("rates", "--use", "x") == "0.2\n"
    assert good("rates", "--use", "") == "0.2\n"
    assert json.loads(good("rates", "--use", "support", "--json")) == {"use": "support", "rate": 0.3}


def test_efficiency_is_the_documents():
    found = json.loads(good("efficiency", "--messages", 1000, "--batch", 20, "--json"))
    assert found == {
        "messages": 1000, "batch_size": 20,
        "individual": {"memories": 800, "calls": 1000, "tokens": 50_000, "cost": 5, "latency_ms": 300, "quality": 0.3},
        "batched": {"memories": 200, "calls": 50, "tokens": 10_000, "cost": 1, "latency_ms": 150, "quality": 0.9},
        "improvement": {"cost_saved_percent": 80, "latency_saved_percent": 50, "quality_gained_percent": 200,
                        "tokens_saved_percent": 80, "memories_saved_percent": 75}}
    assert json.loads(good("efficiency", "--json")) == found
    out = good("efficiency")
    for row in [r"cost +\$5\.00 +\$1\.00 +80 % less", r"latency +300 ms +150 ms +50 % less",
                r"quality +0\.3 +0\.9 +200 % more", r"tokens +50,000 +10,000 +80 % less",
                r"memories +800 +200 +75 % less", r"calls +1,000 +50"]:
        assert re.search(row, out), row


def test_efficiency_of_other_numbers():
    assert "300 % more" in good("efficiency", "--messages", 1000, "--batch", 1)
    nothing = json.loads(good("efficiency", "--messages", 0, "--json"))
    assert nothing["improvement"]["cost_saved_percent"] == 0
    assert re.search(r"memories +5\.6 +1\.4", good("efficiency", "--messages", 7))
    for arguments in [("--messages", -1), ("--batch", 0), ("--messages", "nan"), ("--messages", 100_000_001)]:
        assert "want a whole number" in refused("efficiency", *arguments)
