# SPDX-License-Identifier: Apache-2.0
"""Processes: those that are measured, and what /proc says of those that still run."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

MEASURED = pathlib.Path(__file__).with_name("measured.py")


class Failure(Exception):
    """What a benchmark can't go on after; its text is for the user."""


def tail(log, lines=15):
    return "\n".join(pathlib.Path(log).read_text(encoding="utf-8", errors="replace").splitlines()[-lines:])


def measure(name, command, folder, timeout):
    """Runs the command in the folder, with its output in NAME.log there. Wall time is from the start of the process to its
    end; CPU is user and system time of it and of its children that it waited for. Any exit code but 0 is a Failure."""
    log, usage = folder / f"{name}.log", folder / f"{name}.usage"
    with open(log, "wb") as out:
        launcher = subprocess.Popen([sys.executable, "-S", "-E", MEASURED, usage, *map(str, command)], cwd=folder,
                                    stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            launcher.wait(timeout)
        except subprocess.TimeoutExpired:
            launcher.terminate()
            launcher.wait()
            raise Failure(f"{name} did not end within {timeout} s:\n{tail(log)}") from None
        except BaseException:
            launcher.terminate()
            launcher.wait()
            raise
    if launcher.returncode != 0:
        raise Failure(f"{name} could not be started:\n{tail(log)}")
    used = json.loads(usage.read_text())
    if used.pop("exit_code") != 0:
        raise Failure(f"{name} failed:\n{tail(log)}")
    return used


def resident_bytes(process):
    """Of a process that runs: now, and at most so far."""
    status = pathlib.Path(f"/proc/{process}/status").read_text()
    now, peak = (int(re.search(rf"{key}:\s+(\d+) kB", status)[1]) << 10 for key in ("VmRSS", "VmHWM"))
    return now, peak


def cpu_seconds(process):
    """User and system time so far of a process that runs, to a hundredth of a second."""
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def wait_until(condition, process, timeout, every=0.005):
    """Returns what `condition()` gives as soon as that is true. `process` has to live that long."""
    deadline = time.monotonic() + timeout
    while not (found := condition()):
        if process.poll() is not None:
            raise Failure(f"the engine ended too early, with {process.returncode}:\n{tail(process.log)}")
        if time.monotonic() > deadline:
            raise Failure(f"waited {timeout} s in vain:\n{tail(process.log)}")
        time.sleep(every)
    return found
