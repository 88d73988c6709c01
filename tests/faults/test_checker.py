# SPDX-License-Identifier: Apache-2.0
"""The campaign's checker has to find what it looks for: each kind of damage done to a good store by hand."""
import shutil
import sqlite3

from checker import check
from engines import Engines
from stream import Stream

BATCH = "(select id from batches where length(outcomes) > 2 and outcomes like '%x%' order by id limit 1)"
DAMAGE = {
    "a batch is gone": (f"delete from batches where id = {BATCH}", "lost"),
    "a batch is there twice": ("insert into batches select (select max(id) + 1 from batches), partition_id, max_offset, batch_id, agent_id,"
                               f" positions, message_ids, outcomes, outcome, started_ms, ended_ms, memories from batches where id = {BATCH}",
                               "doubled"),
    "a memory is gone": ("delete from memories where id = (select min(id) from memories)", "lost"),
    "a memory is there twice": ("insert into memories select (select max(id) + 1 from memories), memory_id || 'x', agent_id, dedupe_hash + 1,"
                                " batch, session_id, user_id, content, type, importance, keywords, extraction_method, rule_id, prompt_id,"
                                " model, source_message_ids, connections, created_ms from memories where id = 1", "doubled"),
    "a memory of what nobody said": ("update memories set content = content || '!' where id = 1", "doubled"),
    "a memory rests on another message": ("update memories set source_message_ids = '[\"m-1\"]' where id = 1", "faults"),
    "a dead letter is gone": ("delete from dead_letters where id = 1", "lost"),
    "an outcome is another one": (f"update batches set outcomes = replace(outcomes, 'x', 'e') where id = {BATCH}", "faults"),
    "the watermark is behind": ("update partitions set watermark = watermark - 1 where partition = 0", "faults"),
    "an agent's batches are out of order": (f"update batches set id = -id where id = {BATCH}", "faults"),
    "what was produced is a gap": ("insert into gaps select id, 'gap', 0, 1, 1, x'0001' from partitions where partition = 0", "lost"),
}


def test_damage_is_seen(alluvium, kafka, tmp_path):
    stream = Stream(kafka, partitions=2)
    stream.send(4000)
    stream.flush()
    engines = Engines(alluvium, stream, tmp_path)
    verdict = engines.finish()
    assert verdict.good and verdict.messages == stream.messages and verdict.memories > 500, verdict
    copy = tmp_path / "damaged.db"
    for what, (sql, where) in DAMAGE.items():
        shutil.copy(engines.store, copy)
        with sqlite3.connect(copy) as db:
            assert db.execute(sql).rowcount == 1, what
        assert getattr(check(copy, stream), where), what
