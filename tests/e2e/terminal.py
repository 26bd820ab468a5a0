"""Runs a program on a terminal of its own, and prints what stands there when it has ended, how many lines were too long for
it, the cursor's column, and the program's exit status.

usage: terminal.py COLUMNSxROWS [ACTION...] -- COMMAND...

Each action waits for a text on the screen and then does something: "TEXT=>80x24" gives the terminal another size, and
"TEXT=>^C" types that. Of ECMA-48's control functions those are obeyed that move and erase; any other is an error.
"""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time


class Screen:
    def __init__(self, columns, rows):
        self.columns, self.rows, self.x, self.y = columns, rows, 0, 0
        self.lines = [[" "] * columns for _ in range(rows)]
        self.left, self.wraps = b"", 0

    def resize(self, columns, rows):
        # As terminals do that do not wrap lines anew: they are cut, and the cursor's line stays in sight.
        while self.y >= rows:
            self.lines.pop(0)
            self.y -= 1
        self.lines = [(line + [" "] * columns)[:columns] for line in self.lines[:rows]]
        self.lines += [[" "] * columns for _ in range(rows - len(self.lines))]
        self.columns, self.rows, self.x = columns, rows, min(self.x, columns - 1)

    def feed(self, data):
        text = self.left + data
        cut = re.search(rb"(\x1b(\[[0-9;?]*)?|[\xc0-\xff][\x80-\xbf]{0,2})$", text)
        whole = text[: cut.start()] if cut and not self.complete(cut.group()) else text
        self.left = text[len(whole):]
        for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b.?|[^\x1b]", whole.decode()):
            self.obey(part)

    @staticmethod
    def complete(part):
        return part[0] >= 0xC0 and len(part) == (2 if part[0] < 0xE0 else 3 if part[0] < 0xF0 else 4)

    def obey(self, part):
        if part == "\r":
            self.x = 0
        elif part == "\n":
            self.y += 1
            if self.y == self.rows:
                self.lines.append([" "] * self.columns)
                self.lines.pop(0)
                self.y -= 1
        elif part == "\x1b[H":
            self.x = self.y = 0
        elif part == "\x1b[2J":
            self.lines = [[" "] * self.columns for _ in range(self.rows)]
        elif part == "\x1b[J":
            self.obey("\x1b[K")
            self.lines[self.y + 1:] = [[" "] * self.columns for _ in range(self.rows - self.y - 1)]
        elif part == "\x1b[K":
            self.lines[self.y][self.x:] = [" "] * (self.columns - self.x)
        elif re.fullmatch(r"\x1b\[[0-9]+A", part):
            self.y = max(0, self.y - int(part[2:-1]))
        else:
            assert len(part) == 1 and part >= " ", f"the terminal does not know {part!r}"
            if self.x == self.columns:
                self.obey("\n")
                self.x = 0
                self.wraps += 1
            self.lines[self.y][self.x] = part
            self.x += 1

    def text(self):
        return "\n".join("".join(line).rstrip() for line in self.lines)


def set_size(terminal, columns, rows):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def size_of(text):
    return tuple(int(n) for n in text.split("x"))


split = sys.argv.index("--")
screen = Screen(*size_of(sys.argv[1]))
actions = [action.split("=>", 1) for action in sys.argv[2:split]]
child, terminal = pty.fork()
if child == 0:
    set_size(0, screen.columns, screen.rows)
    os.execvp(sys.argv[split + 1], sys.argv[split + 1:])
set_size(terminal, screen.columns, screen.rows)
end = time.time() + 120
while True:
    try:
        data = os.read(terminal, 65536) if select.select([terminal], [], [], 1)[0] else None
    except OSError:
        break  # the other end is closed
    if data == b"":
        break
    if data:
        screen.feed(data)
    if actions and actions[0][0] in screen.text():
        what = actions.pop(0)[1]
        if what == "^C":
            os.write(terminal, b"\x03")
        else:
            screen.resize(*size_of(what))
            set_size(terminal, *size_of(what))
    if time.time() > end:
        os.kill(child, signal.SIGKILL)
status = os.waitpid(child, 0)[1]
print(screen.text())
print("wraps", screen.wraps)
print("cursor", screen.x)
print("status", os.waitstatus_to_exitcode(status))
