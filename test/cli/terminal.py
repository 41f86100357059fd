"""
Runs a command at a terminal of its own: python3 terminal.py EXPECTED ANSWER COMMAND...

Once it has said EXPECTED it gets ANSWER, in which `^C` stands for that key. What it says goes to
standard output; the exit code is its own, or 128 + n after signal n.
"""

import os
import pty
import sys

expected, answer, command = sys.argv[1].encode(), sys.argv[2].encode().replace(b"^C", b"\x03"), sys.argv[3:]
child, terminal = pty.fork()
if child == 0:
    os.execvp(command[0], command)
said = b""
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:  # EIO: nobody holds the other end any more.
        break
    if not part:
        break
    os.write(1, part)
    said += part
    if expected and expected in said:
        os.write(terminal, answer)
        expected = b""
_, status = os.waitpid(child, 0)
sys.exit(os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
