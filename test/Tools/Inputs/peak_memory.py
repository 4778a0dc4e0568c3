"""peak_memory.py MEGABYTES COMMAND...: runs a compile that prints JSON while this process holds that much memory, and
prints whether the peak that it reports is less."""
import json
import subprocess
import sys

held = b"x" * (int(sys.argv[1]) << 20)
peak = json.loads(subprocess.run(sys.argv[2:], check=True, capture_output=True).stdout)["peak_bytes"]
print(f"{peak >> 20} MB:", "its own" if 0 < peak < len(held) else "its parent's")
