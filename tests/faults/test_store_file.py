# SPDX-License-Identifier: Apache-2.0
"""The store's file is deleted, replaced, damaged or locked: the engine stops with the reason, or waits. No message is
lost with it."""
import os
import pathlib
import shutil
import sqlite3
import time

import pytest

from engine_runs import HEALED_WITHIN, Engine


@pytest.fixture
def plain(alluvium, tmp_path):
    store = tmp_path / "store" / "s.db"
    store.parent.mkdir()
    return Engine(alluvium, tmp_path, store)


def remove(engine):
    engine.store.unlink()


def move_away(engine):
    engine.store.rename(engine.store.with_suffix(".moved"))


def replace(engine):
    copy = engine.store.with_suffix(".copy")
    shutil.copy(engine.store, copy)
    copy.rename(engine.store)


def remove_log(engine):
    pathlib.Path(f"{engine.store}-wal").unlink()


def remove_index(engine):
    pathlib.Path(f"{engine.store}-shm").unlink()


def remove_folder(engine):
    shutil.rmtree(engine.store.parent)


@pytest.mark.parametrize("surgery", [remove, move_away, replace, remove_log, remove_index, remove_folder])
def test_a_file_that_goes_away_while_it_runs_ends_it_and_takes_no_messages_along(plain, surgery):
    engine = plain
    engine.write(3_000)
    engine.start()
    engine.run_until_done()
    surgery(engine)
    engine.write(3_000)
    engine.expect_stop("s.db", "deleted, moved or replaced")
    engine.store.parent.mkdir(exist_ok=True)
    for rest in engine.store.parent.glob("s.db-*"):
        if not engine.store.exists():  # Else SQLite would take them for those of the new file.
            rest.unlink()
    engine.start()
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()


def test_damage_while_it_runs_is_found_by_verify_and_at_the_next_start(plain):
    """SQLite has the pages in memory, so the engine itself may not meet it."""
    engine = plain
    engine.write(3_000)
    engine.start()
    engine.run_until_done()
    engine.stop()  # Everything is in the file now, and nothing in the log.
    engine.start()
    engine.wait_for(lambda: engine.ask("select seq from partitions where claim_token <> ''")[0] > 0)
    size = os.path.getsize(engine.store)
    with open(engine.store, "r+b") as out:
        out.seek(size // 8192 * 4096)
        out.write(b"z" * (size // 2))
    verified = engine.alluvium.run("ledger", "verify", "--store", engine.store)
    assert verified.returncode == 1 and "s.db" in verified.stderr + verified.stdout
    engine.process.kill()
    engine.process.wait()
    engine.start()
    engine.expect_stop("s.db", "malformed")


@pytest.mark.parametrize("damage", ["header", "pages", "half"])
def test_a_damaged_file_is_refused_by_name(plain, damage):
    engine = plain
    engine.write(3_000)
    engine.start()
    engine.run_until_done()
    engine.stop()
    size = os.path.getsize(engine.store)
    with open(engine.store, "r+b") as out:
        if damage == "half":
            out.truncate(size // 8192 * 4096)
        else:
            out.seek(0 if damage == "header" else 4096)
            out.write(b"z" * (100 if damage == "header" else size - 4096))
    engine.start()
    engine.expect_stop("s.db")
    verified = engine.alluvium.run("ledger", "verify", "--store", engine.store)
    assert verified.returncode == 1 and "s.db" in verified.stderr + verified.stdout


def test_a_folder_that_is_not_there(plain):
    plain.store.parent.rmdir()
    plain.write(10)
    plain.start()
    plain.expect_stop("store/s.db", "unable to open", "No such file or directory")


def test_a_lock_held_by_another_process_is_waited_for(plain):
    engine = plain
    engine.write(1_000)
    engine.start()
    engine.run_until_done()
    lock = sqlite3.connect(engine.store, timeout=30, isolation_level=None)
    lock.execute("begin exclusive")
    engine.write(5_000)
    locked = time.monotonic()
    at_least = float(os.environ.get("ALLUVIUM_LOCKED_FOR", "0"))  # Seconds; the long campaign takes 60.
    engine.wait_for(lambda: engine.log().count("can't commit yet") >= 3 and time.monotonic() - locked >= at_least,
                    at_least + 30)
    assert "database is locked" in engine.log()
    assert engine.log().count("can't commit yet") <= 8
    lock.execute("rollback")
    lock.close()
    engine.wait_for(lambda: "works again" in engine.log(), HEALED_WITHIN)
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()
