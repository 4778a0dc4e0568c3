"""read_only.py FOLDER COMMAND...: runs a command as somebody who may not write into the folder, which is made. Prints
"exit code N", and what is in the folder afterwards."""
import os
import pathlib
import subprocess
import sys

folder = pathlib.Path(sys.argv[1])
folder.mkdir(parents=True, exist_ok=True)
folder.chmod(0o555)
# Root may write everywhere; nobody may not.
user = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}
result = subprocess.run(sys.argv[2:], stderr=subprocess.PIPE, text=True, **user)
folder.chmod(0o755)
print(result.stderr, end="")
print(f"exit code {result.returncode}; in the folder: {sorted(os.listdir(folder))}")
