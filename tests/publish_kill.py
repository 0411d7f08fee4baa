#!/usr/bin/env python3
"""Kill publishing at random moments while a reader polls the current version.

    publish_kill.py KILLS REMISE CONFIG RUN

RUN is a run folder with a published table. Publishing alternates between marks of rows, so that
the table changes each time; mpirun and its ranks are killed together by SIGKILL at a moment drawn
uniformly over the stage. All the while a reader resolves RUN/current and checks what is there: all
files, with the digests of their manifest, and marked alike. After each kill `remise verify` must
find nothing wrong. At the end one undisturbed publication must leave nothing behind.
"""

import csv
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time

MARKS = {"all": {"personalised"}, "none": {""}, "discounts": {"personalised", ""}}
FILES = ("discounts.csv", "discounts.h5", "receipt.json", "receipt.txt")
RANKS = 2


def digest(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def look(run):
    """What is wrong with the current version, None if nothing; and its name."""
    folder = os.path.realpath(os.path.join(run, "current"))
    try:
        with open(os.path.join(folder, "manifest.json"), encoding="utf-8") as file:
            manifest = json.load(file)
        for name in FILES:
            if digest(os.path.join(folder, name)) != manifest["outputs_sha256"][name]:
                return f"{name} is not that of its manifest", folder
        with open(os.path.join(folder, "receipt.json"), encoding="utf-8") as file:
            receipt = json.load(file)
        with open(os.path.join(folder, "discounts.csv"), encoding="utf-8", newline="") as file:
            marks = {row["disclosure"] for row in csv.DictReader(file)}
        if marks != MARKS[receipt["disclosure"]["rows_marked"]]:
            return f"marks {marks}, the receipt has {receipt['disclosure']}", folder
    except (OSError, ValueError, KeyError) as error:
        return f"{type(error).__name__}: {error}", folder
    return None, folder


class Reader(threading.Thread):
    """Looks again and again."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_folder, self.stop, self.looks = run, False, 0
        self.versions, self.wrong = set(), []

    def run(self):
        while not self.stop:
            wrong, folder = look(self.run_folder)
            self.looks += 1
            self.versions.add(os.path.basename(folder))
            if wrong:
                self.wrong.append(f"{folder}: {wrong}")
            time.sleep(0.002)


def start(remise, config, run, marks):
    command = ["mpirun", "-np", str(RANKS), remise, "publish", config, "-o", run, "--force",
               "--set", f"publish.disclosure={marks}"]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_for_stage(job):
    """Read the log until the stage begins; whether it did."""
    for line in job.stdout:
        if line.startswith("publish: "):
            return True
    return False


def children(parent):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True,
                           text=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def kill(job, ranks):
    for pid in [job.pid] + ranks:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    job.stdout.close()
    job.wait()


def gone(pids):
    """Killed ranks end at once, but their locks only when they are gone."""
    for _ in range(1000):
        if not any(os.path.exists(f"/proc/{pid}/fd") and state(pid) != "Z" for pid in pids):
            return
        time.sleep(0.005)


def state(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rsplit(")", 1)[1].split()[0]
    except OSError:
        return "Z"


def publish(remise, config, run, marks):
    """Undisturbed; how long the stage took."""
    job = start(remise, config, run, marks)
    begun = wait_for_stage(job)
    first = time.monotonic()
    text = job.stdout.read()
    if job.wait() != 0 or not begun:
        sys.exit(f"publishing ended with {job.returncode}: {text}")
    return time.monotonic() - first


def verify(remise, run):
    done = subprocess.run([remise, "verify", run], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"verify ended with {done.returncode}:\n{done.stdout}{done.stderr}")


def kill_once(remise, config, run, number, takes):
    """Whether the kill fell into the stage."""
    job = start(remise, config, run, ("all", "none")[number % 2])
    if not wait_for_stage(job):
        sys.exit(f"publishing did not begin: {job.wait()}")
    ranks = children(job.pid)
    time.sleep(random.uniform(0, 1.4 * takes))
    within = not os.path.exists(os.path.join(run, "checkpoint", "publish.json"))
    kill(job, ranks)
    gone(ranks)
    return within


def main():
    kills, (remise, config, run) = int(sys.argv[1]), sys.argv[2:5]
    random.seed(20240229)
    takes = max(publish(remise, config, run, ("all", "none")[k % 2]) for k in range(3))
    reader = Reader(run)
    reader.start()
    within, switched, before = 0, 0, os.readlink(os.path.join(run, "current"))
    for number in range(kills):
        within += kill_once(remise, config, run, number, takes)
        verify(remise, run)
        now = os.readlink(os.path.join(run, "current"))
        switched += now != before
        before = now
    reader.stop = True
    reader.join()
    publish(remise, config, run, "discounts")
    left = [name for name in os.listdir(os.path.join(run, "versions")) if name.startswith(".")]
    left += [name for name in os.listdir(run) if name.startswith(".")]
    print(f"{kills} kills, {within} of them within the stage of {takes:.2f} s, {switched} behind "
          f"the switch; {reader.looks} looks at {len(reader.versions)} versions, "
          f"{len(reader.wrong)} wrong")
    if reader.wrong or left or within < max(1, kills // 5):
        sys.exit("\n".join(reader.wrong[:10] + [f"left behind: {left}"]))


if __name__ == "__main__":
    main()
