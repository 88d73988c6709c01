# SPDX-License-Identifier: Apache-2.0
"""What a figure can't be read without: the machine, the versions, the commit."""
import os
import pathlib
import platform
import re
import subprocess

import confluent_kafka

from .broker import ROOT


def first_match(path, pattern, default="unknown"):
    found = re.search(pattern, pathlib.Path(path).read_text(encoding="utf-8", errors="replace"))
    return found[1].strip() if found else default


def output_of(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30, cwd=ROOT)
    except (OSError, subprocess.SubprocessError):
        return ""
    return (done.stdout or done.stderr).strip()


def machine():
    kib = int(first_match("/proc/meminfo", r"MemTotal:\s+(\d+)", "0"))
    return {"cpu": first_match("/proc/cpuinfo", r"model name\s*:\s*(.*)", platform.machine()),
            "cores": os.cpu_count(), "memory_bytes": kib << 10, "kernel": platform.release()}


def versions(binary, contestants):
    """Of everything that takes part."""
    found = {"python": platform.python_version(), "confluent-kafka": confluent_kafka.version()[0],
             "librdkafka of python": confluent_kafka.libversion()[0],
             "kafka": first_match(ROOT / "tools" / "kafka" / "pom.xml", r"<kafka.version>(.*)</kafka.version>")}
    for line in output_of(str(binary), "version").splitlines():
        name, _, version = line.partition(" ")
        found[name] = version.strip()
    if "streams" in contestants:
        found["java"] = output_of("java", "-version").partition("\n")[0]
    return found


def commit():
    """The commit of the checkout, with "+" if there are changes on top."""
    changes = output_of("git", "status", "--porcelain", "--untracked-files=no")
    return (output_of("git", "rev-parse", "HEAD") or "unknown") + ("+" if changes else "")
