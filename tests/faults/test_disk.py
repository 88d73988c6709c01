# SPDX-License-Identifier: Apache-2.0
"""The disk under the store fills up, turns read-only or fails: the engine waits and goes on by itself when the disk is
well again, or does not start and says why. Nothing is lost, nothing is there twice."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import time

import pytest

from engine_runs import HEALED_WITHIN, RESIDENT_MAX, Engine


# A disk whose faults are switched on and off from here. It needs no rights: the calls of the process are intercepted.

@pytest.fixture(scope="session")
def faulty_calls(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang-16")
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("disk") / "disk_faults.so"
    source = pathlib.Path(__file__).with_name("disk_faults.c")
    subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library


class Disk:
    def __init__(self, path):
        self.path = path
        self.become(".")

    def become(self, mode):
        # In place: the process has it mapped.
        with open(self.path, "r+b" if self.path.exists() else "wb") as out:
            out.write(mode.encode())


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path / "mode")


@pytest.fixture
def engine(alluvium, tmp_path, disk, faulty_calls):
    store = tmp_path / "store" / "s.db"
    store.parent.mkdir()
    return Engine(alluvium, tmp_path, store, {"LD_PRELOAD": str(faulty_calls), "DISK_MODE": str(disk.path),
                                              "DISK_UNDER": str(store)})


REASONS = {
    "f": "database or disk is full",
    "q": "Disk quota exceeded",
    "r": "Read-only file system",
    "w": "Input/output error",
    "h": "Input/output error",
}


@pytest.mark.parametrize("mode", REASONS)
def test_it_waits_for_the_disk_and_goes_on_by_itself(engine, disk, mode):
    engine.write(2_000)
    engine.start()
    engine.run_until_done()
    disk.become(mode)
    before = engine.done()
    engine.write(60_000)
    engine.wait_for(lambda: engine.log().count("can't commit yet") >= 3)
    assert REASONS[mode] in engine.log()
    assert engine.done() - before < 60_000
    lines, tries = engine.log().count("can't"), time.monotonic()
    disk.become(".")
    engine.wait_for(lambda: "works again" in engine.log(), HEALED_WITHIN)
    assert lines <= 4 + time.monotonic() - tries
    engine.run_until_done()
    peak = engine.resident_peak()
    print(f"peak resident {peak >> 20} MB")
    assert peak < RESIDENT_MAX
    engine.stop()
    engine.expect_whole()


@pytest.mark.parametrize("mode", ["s", "i"])
def test_syncs_and_reads_that_fail_lose_nothing(engine, disk, mode):
    """They may not even be met: a sync comes with a checkpoint, and what is in the cache is not read."""
    engine.write(2_000)
    engine.start()
    engine.run_until_done()
    disk.become(mode)
    engine.write(150_000)
    engine.wait_for(lambda: engine.done() == engine.written or "can't commit yet" in engine.log(), 60)
    disk.become(".")
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()


@pytest.mark.parametrize("mode, reason", [("f", "No space left"), ("r", "read-only"), ("w", "Input/output error"),
                                          ("i", "Input/output error")])
def test_it_does_not_start_on_a_disk_that_fails_and_says_why(engine, disk, mode, reason):
    engine.write(100)
    engine.start()
    engine.run_until_done()
    engine.stop()
    disk.become(mode)
    engine.start()
    engine.expect_stop("s.db", reason)
    disk.become(".")
    engine.write(100)
    engine.start()
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()


def test_a_kill_while_the_disk_is_full_loses_nothing(engine, disk):
    engine.write(2_000)
    engine.start()
    engine.run_until_done()
    disk.become("f")
    engine.write(20_000)
    engine.wait_for(lambda: "can't commit yet" in engine.log())
    engine.process.kill()
    engine.process.wait()
    disk.become(".")
    engine.start()
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()


COMMANDS = [["memories"], ["batches"], ["dead-letters", "list"], ["dead-letters", "drop", "1"], ["ledger", "show"],
            ["ledger", "verify"], ["why", "mem_1"], ["where", "m-1"], ["budget", "set", "agent-1", "1"],
            ["budget", "show"], ["batch-jobs", "list"]]


@pytest.mark.parametrize("mode, reason", [("f", "No space left"), ("w", "Input/output error"), ("i", "Input/output error")])
def test_the_other_commands_say_what_is_wrong_with_the_disk(engine, disk, mode, reason):
    engine.write(100)
    engine.start()
    engine.run_until_done()
    engine.stop()
    disk.become(mode)
    for command in COMMANDS:
        done = engine.alluvium.run(*command, "--store", engine.store, environment=engine.environment)
        assert done.returncode == 1, (command, done.stdout)
        assert "s.db" in done.stderr and reason in done.stderr, (command, done.stderr)
        assert len(done.stderr.splitlines()) == 1, (command, done.stderr)


# A real disk, small and full. That needs the right to mount one.

@pytest.fixture
def small_disk(tmp_path):
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", folder], capture_output=True, text=True,
                             check=False)
    if mounted.returncode != 0:
        pytest.skip(f"may not mount a disk: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=False)


def fill(path):
    """Takes all the room that there is."""
    with open(path, "wb", buffering=0) as out, contextlib.suppress(OSError):
        while True:
            out.write(bytes(4096))


def test_a_disk_of_16_mb_is_filled_and_freed(alluvium, tmp_path, small_disk):
    engine = Engine(alluvium, tmp_path, small_disk / "s.db")
    engine.write(1_000)
    engine.start()
    engine.run_until_done()
    for _ in range(3):
        fill(small_disk / "ballast")
        engine.write(3_000)
        # What is in the log already can be moved into the file without more room, so some of it may still fit.
        engine.wait_for(lambda: "can't commit yet" in engine.log())
        engine.wait_for(lambda: engine.log().count("can't commit yet") > engine.log().count("works again"))
        (small_disk / "ballast").unlink()
        again = engine.log().count("works again")
        engine.wait_for(lambda: engine.log().count("works again") > again, HEALED_WITHIN)
        engine.run_until_done(HEALED_WITHIN)
    assert engine.resident_peak() < RESIDENT_MAX
    engine.stop()
    engine.expect_whole()


def test_what_fits_on_a_small_disk_is_stored_although_the_log_needs_room_too(alluvium, tmp_path, small_disk):
    """10 MB of store on 16 MB of disk, all of it ready at once."""
    engine = Engine(alluvium, tmp_path, small_disk / "s.db")
    engine.write(45_000)
    engine.start()
    engine.run_until_done()
    engine.stop()
    size = os.path.getsize(engine.store)
    print(f"store {size >> 10} KiB")
    assert size > 8 << 20
    engine.expect_whole()


def test_a_disk_that_is_full_at_the_start(alluvium, tmp_path, small_disk):
    engine = Engine(alluvium, tmp_path, small_disk / "s.db")
    engine.write(100)
    fill(small_disk / "ballast")
    engine.start()
    engine.expect_stop("s.db", "full")
    (small_disk / "ballast").unlink()
    engine.start()
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()


def test_a_disk_that_is_read_only_at_the_start(alluvium, tmp_path, small_disk):
    engine = Engine(alluvium, tmp_path, small_disk / "s.db")
    engine.write(100)
    engine.start()
    engine.run_until_done()
    engine.stop()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    engine.start()
    engine.expect_stop("s.db", "read-only")
    for command in (["memories"], ["ledger", "verify"]):
        done = alluvium.run(*command, "--store", engine.store)
        assert done.returncode == 0 or (done.returncode == 1 and "s.db" in done.stderr), done.stderr
    subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
    engine.write(100)
    engine.start()
    engine.run_until_done()
    engine.stop()
    engine.expect_whole()


def test_what_piled_up_while_a_small_disk_was_full_is_stored_in_pieces_that_fit(alluvium, tmp_path, small_disk):
    engine = Engine(alluvium, tmp_path, small_disk / "s.db")
    engine.write(1_000)
    engine.start()
    engine.run_until_done()
    fill(small_disk / "ballast")
    engine.write(50_000)
    engine.wait_for(lambda: engine.log().count("can't commit yet") >= 3)
    (small_disk / "ballast").unlink()
    engine.wait_for(lambda: "works again" in engine.log(), HEALED_WITHIN)
    engine.run_until_done(HEALED_WITHIN)
    engine.stop()
    engine.expect_whole()
