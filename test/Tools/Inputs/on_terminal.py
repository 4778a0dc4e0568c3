"""Runs a command whose standard error is a terminal, and prints what it wrote there, with \\r and \\e for
carriage return and escape: on_terminal.py COMMAND..."""
import os
import pty
import subprocess
import sys

ours, theirs = pty.openpty()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=theirs)
os.close(theirs)
text = b""
try:
    while piece := os.read(ours, 4096):
        text += piece
except OSError:  # the other end is closed
    pass
print(text.decode().replace("\r", "\\r").replace("\x1b", "\\e"))
sys.exit(process.wait())
