"""Runs tests in parallel, each in a process of its own, so that a fault on the GPU fails only one.

    run_tests.py SAPNET_TESTS SPEC

Prints the output of failed tests. Exit code 0: all passed.
"""
import concurrent.futures
import os
import re
import subprocess
import sys
import time

AT_ONCE = max(1, len(os.sched_getaffinity(0)) // 2)
ENVIRONMENT = dict(os.environ, OMP_NUM_THREADS="2")


def names(program, spec):
    for options in (["--list-test-names-only"], ["--list-tests", "--verbosity", "quiet"]):  # Catch2 2, Catch2 3
        result = subprocess.run([program, *options, spec], capture_output=True, text=True)
        found = [line.strip() for line in result.stdout.splitlines() if line.strip()]
        if found and not result.stderr:
            return found
    sys.exit(f"run_tests.py: no test matches {spec}")


def run(program, name):
    start = time.monotonic()
    result = subprocess.run([program, "--warn", "NoTests", re.sub(r"([\\,[\]])", r"\\\1", name)], env=ENVIRONMENT,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    return name, result, time.monotonic() - start


def main():
    program, spec = sys.argv[1:]
    failed = []
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for done in concurrent.futures.as_completed([pool.submit(run, program, name) for name in names(program, spec)]):
            name, result, seconds = done.result()
            print(f"{seconds:6.1f} s  exit code {result.returncode}  {name}", flush=True)
            if result.returncode:
                print(result.stdout, flush=True)
                failed.append(name)
    if failed:
        sys.exit("failed: " + "; ".join(failed))


if __name__ == "__main__":
    main()
