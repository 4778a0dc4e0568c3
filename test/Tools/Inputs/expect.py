"""Runs a command and checks its exit code: expect.py CODE COMMAND..."""
import subprocess
import sys

wanted, command = int(sys.argv[1]), sys.argv[2:]
code = subprocess.run(command).returncode
if code != wanted:
    sys.exit(f"exit code {code}, expected {wanted}: {' '.join(command)}")
