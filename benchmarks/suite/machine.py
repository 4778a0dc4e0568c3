"""The machine and the command of a run, as results and documents name them."""
import os
import pathlib
import platform
import sys


def cpu():
    """The CPU's name and features."""
    facts = {}
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    return facts.get("model name", "unknown"), facts.get("flags", "").split()


def machine():
    return {"cpu": cpu()[0], "cores": len(os.sched_getaffinity(0)), "system": platform.platform()}


def command_text():
    """The command, without where the build lies: that says nothing to a reader."""
    arguments = [word for at, word in enumerate(sys.argv) if at > 0 and "--build" not in (word, sys.argv[at - 1])
                 and not word.startswith("--build=")]
    return " ".join(["benchmarks/" + pathlib.Path(sys.argv[0]).name, *arguments])
