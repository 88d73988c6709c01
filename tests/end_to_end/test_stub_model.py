# SPDX-License-Identifier: Apache-2.0
"""`alluvium stub-model` over real sockets: both APIs, the faults, the batch jobs, and what it counts."""
import concurrent.futures
import email.utils
import http.client
import json
import select
import socket
import ssl
import subprocess
import time
import urllib.parse

import pytest

PROMPT = "<messages>\n#1 user: I prefer tea\n#2 user: and what now?\n#3 user: unclear [?]\n</messages>"
WANTED = [{"content": "I prefer tea", "type": "semantic", "keywords": ["prefer"], "messages": [1]}]


def chat(prompt=PROMPT, **more):
    return {"model": "small", "messages": [{"role": "system", "content": "Be brief."},
                                           {"role": "user", "content": prompt}], **more}


def message(prompt=PROMPT, **more):
    return {"model": "small", "max_tokens": 500, "messages": [{"role": "user", "content": prompt}], **more}


def connection(url, timeout=20):
    parts = urllib.parse.urlsplit(url)
    if parts.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(parts.hostname, parts.port, timeout=timeout, context=context)
    return http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)


class Reply:
    def __init__(self, answer):
        self.status, self.headers, self.body = answer.status, answer.headers, answer.read()

    def json(self):
        return json.loads(self.body)


def ask(to, method, path, body=None, headers=None):
    """`to`: a URL or a connection that is kept."""
    own = isinstance(to, str)
    link = connection(to) if own else to
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
    try:
        link.request(method, path, body, {"content-type": "application/json", **(headers or {})})
        return Reply(link.getresponse())
    finally:
        if own:
            link.close()


def ask_openai(to, body=None, **more):
    return ask(to, "POST", "/v1/chat/completions", body or chat(), **more)


def ask_anthropic(to, body=None, version="2023-06-01", **more):
    return ask(to, "POST", "/v1/messages", body or message(), {"anthropic-version": version} if version else {}, **more)


def said(reply):
    assert reply.status == 200, reply.body
    return reply.json()["choices"][0]["message"]["content"]


def test_says_that_it_is_a_simulation(stub_model):
    assert "SIMULATION" in stub_model.process.log.read_text()
    reply = ask_openai(stub_model.url)
    assert "simulation" in reply.headers["server"]
    assert "simulation" in reply.json()["system_fingerprint"]
    assert ask(stub_model.url, "GET", "/healthz").json() == {"status": "ok", "simulation": True}


def test_both_apis_answer_with_the_same_memories(stub_model):
    answers = [said(ask_openai(stub_model.url)), ask_anthropic(stub_model.url).json()["content"][0]["text"]]
    assert answers[0] == answers[1]
    answer = json.loads(answers[0])
    importance = [memory.pop("importance") for memory in answer["memories"]]
    assert answer == {"memories": WANTED, "unsure": [3]}
    assert all(0.5 <= value <= 0.9 for value in importance)
    assert said(ask_openai(stub_model.url)) == answers[0]


def test_tokens_are_counted_in_the_reply_the_log_and_the_totals(stub_model):
    usage = ask_openai(stub_model.url).json()["usage"]
    assert usage["prompt_tokens"] == -(-len("Be brief." + PROMPT) // 4)
    ask_anthropic(stub_model.url)
    stub_model.stop()
    first, second = stub_model.calls()
    assert (first["prompt_tokens"], first["completion_tokens"]) == (usage["prompt_tokens"], usage["completion_tokens"])
    assert (first["api"], second["api"]) == ("openai", "anthropic")
    assert first["messages"] == 3 and first["answered"] and first["model"] == "small"


def test_duplicates_are_counted(stub_model):
    for prompt in ["user: I like a", "user: I like b", "user: I like a"]:
        ask_openai(stub_model.url, chat(prompt))
    totals = stub_model.stats()
    assert (totals["calls"], totals["answered"], totals["duplicates"]) == (3, 3, 1)
    assert totals["by_status"] == {"200": 3}
    assert [call["duplicate"] for call in stub_model.calls()] == [0, 0, 1]


def test_refuses_what_the_apis_refuse(stub_model):
    assert ask_openai(stub_model.url, {"model": "m", "messages": []}).status == 400
    assert ask_anthropic(stub_model.url, chat()).json()["error"]["type"] == "invalid_request_error"
    assert ask_anthropic(stub_model.url, version=None).status == 400
    assert ask(stub_model.url, "GET", "/v1/nothing").status == 404


def test_a_key_is_asked_for_if_there_is_one(start_stub_model):
    url = start_stub_model("--api-key", "k1").url
    assert ask_openai(url).json()["error"]["code"] == "invalid_api_key"
    assert ask_openai(url, headers={"authorization": "Bearer k1"}).status == 200
    assert ask_anthropic(url).json()["error"]["type"] == "authentication_error"
    right = {"anthropic-version": "2023-06-01", "x-api-key": "k1"}
    assert ask(url, "POST", "/v1/messages", message(), right).status == 200


def test_max_tokens_shortens_and_then_cuts(start_stub_model):
    long = "<messages>\n" + "".join(f"#{n} user: I like {'x' * 150}{n}\n" for n in range(1, 5)) + "</messages>"
    url = start_stub_model().url
    short = ask_openai(url, chat(long, max_tokens=200)).json()
    assert short["choices"][0]["finish_reason"] == "stop" and short["usage"]["completion_tokens"] <= 200
    assert len(json.loads(short["choices"][0]["message"]["content"])["memories"]) == 4
    cut = ask_openai(url, chat(long, max_tokens=50)).json()
    assert (cut["choices"][0]["finish_reason"], cut["usage"]["completion_tokens"]) == ("length", 50)
    assert ask_anthropic(url, message(long, max_tokens=50)).json()["stop_reason"] == "max_tokens"
    free = ask_openai(start_stub_model("--ignore-max-tokens").url, chat(long, max_tokens=50)).json()
    assert free["choices"][0]["finish_reason"] == "stop" and free["usage"]["completion_tokens"] > 200


def test_connections_are_kept_alive_and_bodies_come_in_chunks(stub_model):
    link = connection(stub_model.url)
    for _ in range(3):
        assert ask_openai(link).status == 200
        port = link.sock.getsockname()[1]
    link.request("POST", "/v1/chat/completions", iter([b'{"model":"m","messages":[{"role":"user",', b'"content":"x"}]}']),
                 {"transfer-encoding": "chunked"}, encode_chunked=True)
    assert Reply(link.getresponse()).status == 200
    assert link.sock.getsockname()[1] == port
    link.close()


def test_serves_tls(start_stub_model, tmp_path):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", tmp_path / "k.pem", "-out", tmp_path / "c.pem"],
                   check=True, capture_output=True)
    stub = start_stub_model("--tls-cert", tmp_path / "c.pem", "--tls-key", tmp_path / "k.pem")
    assert stub.url.startswith("https://")
    trusted = ssl.create_default_context(cafile=str(tmp_path / "c.pem"))
    port = urllib.parse.urlsplit(stub.url).port
    link = http.client.HTTPSConnection("127.0.0.1", port, timeout=20, context=trusted)
    assert said(ask_openai(link)) and said(ask_openai(link))
    stub.script([{"match": {"nth": 1}, "do": {"reset": True}}, {"match": {"nth": 2}, "do": {"huge": 3_000_000}}])
    with pytest.raises((OSError, http.client.HTTPException)):
        ask_openai(stub.url)
    assert len(ask_openai(stub.url).body) == 3_000_000
    with pytest.raises((OSError, http.client.HTTPException)):
        ask_openai(stub.url.replace("https", "http"))
    assert ask_openai(link).status == 200
    link.close()


def test_statuses_and_their_headers(stub_model):
    stub_model.script([
        {"match": {"nth": 1}, "do": {"status": 429, "headers": {"retry-after": "1"}}},
        {"match": {"nth": 2}, "do": {"status": 429, "retry_after_date_s": 20}},
        {"match": {"nth": 3}, "do": {"status": 503, "body": "down"}},
        {"match": {"nth": 4}, "do": {"status": 529}},
        {"match": {"nth": 5}, "do": {"status": 400, "code": "context_length_exceeded", "message": "too long"}},
    ])
    first = ask_openai(stub_model.url)
    assert (first.status, first.headers["retry-after"]) == (429, "1")
    assert first.json()["error"]["code"] == "rate_limit_exceeded"
    at = email.utils.parsedate_to_datetime(ask_openai(stub_model.url).headers["retry-after"]).timestamp()
    assert 15 < at - time.time() < 22
    assert ask_openai(stub_model.url).body == b"down"
    assert ask_anthropic(stub_model.url).json()["error"]["type"] == "overloaded_error"
    assert ask_openai(stub_model.url).json()["error"]["code"] == "context_length_exceeded"
    assert ask_openai(stub_model.url).status == 200
    assert [call["status"] for call in stub_model.calls()] == [429, 429, 503, 529, 400, 200]


@pytest.mark.parametrize("fault", ["close", "half_close", "reset", "reset_mid_body", "truncate"])
def test_connections_end_badly_and_the_next_call_is_answered(stub_model, fault):
    stub_model.script([{"match": {"nth": 1}, "do": {fault: True}}])
    with pytest.raises((OSError, http.client.HTTPException)) as failure:
        ask_openai(stub_model.url)
    if fault.startswith("reset"):
        assert failure.type is ConnectionResetError
    if fault == "truncate":
        assert failure.type is http.client.IncompleteRead and failure.value.partial
    assert ask_openai(stub_model.url).status == 200
    first = stub_model.calls()[0]
    assert first["fault"] == fault and not first["answered"]
    assert stub_model.stats()["duplicates"] == 0


def test_hangs_until_the_client_leaves(stub_model, alluvium):
    stub_model.script([{"match": {"nth": 1}, "do": {"hang": True}}])
    link = connection(stub_model.url, timeout=0.3)
    with pytest.raises(TimeoutError):
        ask_openai(link)
    alluvium.wait_for(lambda: stub_model.stats()["in_flight"] == 1)
    link.close()
    alluvium.wait_for(lambda: stub_model.calls())
    assert (stub_model.calls()[0]["fault"], stub_model.calls()[0]["status"]) == ("hang", 0)


def test_drips_and_is_slow(stub_model):
    stub_model.script([{"match": {"nth": 1}, "do": {"drip": 1}}, {"match": {"nth": 2}, "do": {"slow_ms": 300}}])
    started = time.monotonic()
    assert said(ask_openai(stub_model.url))
    assert time.monotonic() - started > 0.5
    started = time.monotonic()
    assert said(ask_openai(stub_model.url))
    assert time.monotonic() - started >= 0.3


def test_refuses_connections_for_a_while(stub_model, alluvium):
    kept = connection(stub_model.url)
    assert ask_openai(kept).status == 200
    stub_model.script([{"match": {"nth": 1}, "do": {"refuse": 700}}])
    with pytest.raises((OSError, http.client.HTTPException)):
        ask_openai(stub_model.url)
    with pytest.raises(ConnectionRefusedError):
        ask_openai(stub_model.url)
    assert select.select([kept.sock], [], [], 10)[0], "a connection that waits is closed too"
    kept.close()

    def answers():
        try:
            return ask_openai(stub_model.url).status == 200
        except OSError:
            return False
    alluvium.wait_for(answers)


def test_words_that_are_no_memories(stub_model):
    whole = said(ask_openai(stub_model.url))
    kinds = ["prose", "fenced", "wrong_schema", "cut_answer", "refusal"]
    stub_model.script([*({"match": {"nth": nth}, "do": {kind: True}} for nth, kind in enumerate(kinds, start=1)),
                       {"match": {"nth": 6}, "do": {"inject": {"text": "as you wish"}}},
                       {"match": {"nth": 7}, "do": {"html": True}}, {"match": {"nth": 8}, "do": {"wrong_shape": True}}])
    replies = [ask_openai(stub_model.url) for _ in range(8)]
    choices = [reply.json()["choices"][0] for reply in replies[:6]]
    texts = [choice["message"]["content"] for choice in choices]
    assert whole in texts[0] and texts[0] != whole
    assert texts[1] == f"```json\n{whole}\n```"
    assert json.loads(texts[2])["memories"][0]["content"] == 12
    assert (texts[3], choices[3]["finish_reason"]) == (whole[:len(whole) // 2], "length")
    assert texts[4] is None and choices[4]["message"]["refusal"]
    assert texts[5] == "as you wish"
    assert replies[6].headers["content-type"].startswith("text/html") and replies[6].body.startswith(b"<html>")
    assert replies[7].json()["choices"] == "none"
    assert stub_model.stats()["duplicates"] == 0


def test_a_body_of_a_hundred_megabytes(stub_model):
    stub_model.script([{"match": {"nth": 1}, "do": {"huge": True}}])
    reply = ask_openai(stub_model.url)
    assert len(reply.body) == int(reply.headers["content-length"]) == 100_000_000


def test_faults_from_a_file_and_wrong_ones(start_stub_model, alluvium, tmp_path):
    (tmp_path / "faults.json").write_text('[{"match":{"contains":"tea"},"do":{"status":500}}]')
    stub = start_stub_model("--faults", tmp_path / "faults.json")
    assert [ask_openai(stub.url).status for _ in range(2)] == [500, 200]
    assert ask(stub.url, "POST", "/faults", [{"do": {"explode": True}}]).status == 400
    (tmp_path / "faults.json").write_text("[{}]")
    done = alluvium.run("stub-model", "--port", 0, "--faults", "faults.json")
    assert done.returncode == 2 and "entry 1" in done.stderr


def test_a_port_that_is_taken_is_said(stub_model, alluvium):
    done = alluvium.run("stub-model", "--port", stub_model.url.split(":")[-1])
    assert done.returncode == 1 and "can't listen" in done.stderr


def test_three_hundred_calls_at_once(start_stub_model):
    stub = start_stub_model("--latency", 1500)
    with concurrent.futures.ThreadPoolExecutor(300) as pool:
        statuses = list(pool.map(lambda n: ask_openai(stub.url, chat(f"user: I like {n}")).status, range(300)))
    assert statuses == [200] * 300
    totals = stub.stats()
    assert (totals["answered"], totals["duplicates"], totals["in_flight"]) == (300, 0, 0)
    assert totals["max_in_flight"] > 200


def test_more_connections_than_it_takes_wait(stub_model):
    port = urllib.parse.urlsplit(stub_model.url).port
    held = [socket.create_connection(("127.0.0.1", port)) for _ in range(520)]
    for one in held[:20]:
        one.close()
    assert ask_openai(stub_model.url).status == 200
    for one in held[20:]:
        one.close()


def test_sigterm_ends_it_at_once_whatever_it_is_at(stub_model, alluvium):
    stub_model.script([{"do": {"hang": True}}])
    link = connection(stub_model.url)
    link.request("POST", "/v1/chat/completions", json.dumps(chat()))
    idle = connection(stub_model.url)
    assert ask(idle, "GET", "/healthz").status == 200
    alluvium.wait_for(lambda: stub_model.stats()["in_flight"] == 1)
    started = time.monotonic()
    assert stub_model.stop() == 0
    assert time.monotonic() - started < 5
    assert [call["answered"] for call in stub_model.calls()] == [False]


def upload(url, lines):
    edge = "edge-7"
    parts = [f'--{edge}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n',
             f'--{edge}\r\ncontent-disposition: form-data; name="file"; filename="x.jsonl"\r\n'
             f'content-type: application/jsonl\r\n\r\n{lines}\r\n--{edge}--\r\n']
    return ask(url, "POST", "/v1/files", "".join(parts), {"content-type": f"multipart/form-data; boundary={edge}"})


def test_an_openai_batch_job(start_stub_model):
    url = start_stub_model("--batch-polls", 2).url
    lines = [json.dumps({"custom_id": f"r-{n}", "method": "POST", "url": "/v1/chat/completions",
                         "body": chat(f"user: I like {n}.")}) for n in range(30)]
    ask(url, "POST", "/faults", [{"match": {"contains": "like 7."}, "do": {"errored": True}}])
    file = upload(url, "\n".join(lines)).json()
    job = ask(url, "POST", "/v1/batches", {"input_file_id": file["id"], "endpoint": "/v1/chat/completions",
                                           "completion_window": "24h", "metadata": {"tag": "t1"}}).json()
    assert job["status"] == "validating" and job["metadata"] == {"tag": "t1"}
    assert ask(url, "GET", f"/v1/batches/{job['id']}").json()["status"] == "in_progress"
    job = ask(url, "GET", f"/v1/batches/{job['id']}").json()
    assert (job["status"], job["request_counts"]) == ("completed", {"total": 30, "completed": 29, "failed": 1})
    results = [json.loads(line) for line in
               ask(url, "GET", f"/v1/files/{job['output_file_id']}/content").body.splitlines()]
    order = [result["custom_id"] for result in results]
    assert sorted(order) == sorted(f"r-{n}" for n in range(30) if n != 7)
    assert order != sorted(order, key=lambda name: int(name[2:]))
    text = results[0]["response"]["body"]["choices"][0]["message"]["content"]
    assert json.loads(text)["memories"][0]["content"] == f"I like {order[0][2:]}."
    failed = ask(url, "GET", f"/v1/files/{job['error_file_id']}/content").json()
    assert (failed["custom_id"], failed["response"]["status_code"]) == ("r-7", 400)


def test_an_anthropic_batch_job_whose_reply_is_lost_is_there_all_the_same(start_stub_model):
    stub = start_stub_model("--batch-polls", 1)
    head = {"anthropic-version": "2023-06-01"}
    stub.script([{"match": {"path": "/v1/messages/batches", "method": "POST", "nth": 1},
                  "do": {"close": True, "applied": True}}])
    body = {"requests": [{"custom_id": f"a-{n}", "params": message(f"user: I like {n}")} for n in range(5)]}
    with pytest.raises((OSError, http.client.HTTPException)):
        ask(stub.url, "POST", "/v1/messages/batches", body, head)
    jobs = ask(stub.url, "GET", "/v1/messages/batches", headers=head).json()["data"]
    assert [job["request_counts"]["processing"] for job in jobs] == [5]
    job = ask(stub.url, "GET", f"/v1/messages/batches/{jobs[0]['id']}", headers=head).json()
    assert job["processing_status"] == "ended" and job["results_url"].startswith(stub.url)
    lines = ask(stub.url, "GET", urllib.parse.urlsplit(job["results_url"]).path, headers=head).body.splitlines()
    results = {result["custom_id"]: result["result"] for result in map(json.loads, lines)}
    assert json.loads(results["a-3"]["message"]["content"][0]["text"])["memories"][0]["content"] == "I like 3"
    assert stub.stats()["batch"]["succeeded"] == 5


def test_a_big_upload(stub_model):
    line = json.dumps({"custom_id": "r", "method": "POST", "url": "/v1/chat/completions", "body": chat("x" * 1_000_000)})
    assert upload(stub_model.url, "\n".join([line] * 60)).json()["bytes"] > 60_000_000
    assert upload(stub_model.url, "x" * 200_000_001).status == 413
