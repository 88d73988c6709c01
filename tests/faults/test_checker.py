# SPDX-License-Identifier: Apache-2.0
"""The campaign's checker has to find what it looks for: each kind of damage done to a good store by hand."""
import shutil
import sqlite3

from checker import check
from engines import Engines
from stream import Stream

BATCH = "(select id from batches where length(outcomes) > 2 and outcomes like '%x%' order by id limit 1)"
MEMORY = "(select min(id) from memories)"


def once_more(table, row, **changes):
    """SQL that needs the table's columns: a copy of the row with another id."""
    def sql(db):
        columns = [name for _, name, *_ in db.execute(f"pragma table_info({table})")]
        changed = {"id": f"(select max(id) + 1 from {table})", **changes}
        return (f"insert into {table}({', '.join(columns)}) select {', '.join(changed.get(name, name) for name in columns)}"
                f" from {table} where id = {row}")
    return sql


DAMAGE = {
    "a batch is gone": (f"delete from batches where id = {BATCH}", "lost"),
    "a batch is there twice": (once_more("batches", BATCH), "doubled"),
    "a memory is gone": (f"delete from memories where id = {MEMORY}", "lost"),
    "a memory is there twice": (once_more("memories", MEMORY, memory_id="memory_id || 'x'", dedupe_hash="dedupe_hash + 1"), "doubled"),
    "a memory of what nobody said": (f"update memories set content = content || '!' where id = {MEMORY}", "doubled"),
    "a memory rests on another message": (f"update memories set source_message_ids = '[\"m-1\"]' where id = {MEMORY}", "faults"),
    "a dead letter is gone": ("delete from dead_letters where id = (select min(id) from dead_letters)", "lost"),
    "an outcome is another one": (f"update batches set outcomes = replace(outcomes, 'x', 'e') where id = {BATCH}", "faults"),
    "the watermark is behind": ("update partitions set watermark = watermark - 1 where partition = 0", "faults"),
    "an agent's batches are out of order": (f"update batches set id = 1000000 where id = {BATCH}", "faults"),
    "what was produced is a gap": ("insert into gaps(partition_id, kind, from_offset, to_offset, count, ranges) select id, 'gap', 0, 1, 1, x'0001' from partitions where partition = 0", "lost"),
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
            assert db.execute(sql if isinstance(sql, str) else sql(db)).rowcount == 1, what
        assert getattr(check(copy, stream), where), what
