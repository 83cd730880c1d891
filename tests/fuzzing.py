"""Seeded damage to files, and what must never come of it: executions, tracebacks, hangs, leaks, wrong rows, memory."""

# ruff: noqa: T201  (the counts are printed)
import random
import re
import signal
import sys
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from hhfast.errors import InputError

SECRET = "/etc/passwd"  # every machine has it, and no result is to hold it
PATIENCE = 5  # seconds for a case
MEMORY = 500e6  # bytes that it may take
_ACTS = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "subprocess.Popen",
    "pty.spawn",
    "socket.connect",
)
_watched = None  # the counts of the cases that run now


class Hang(BaseException):
    """A case that takes too long; no `except Exception` holds it up."""


def _audit(event, arguments):
    if _watched is None:
        return
    if event in _ACTS:
        _watched["executions"] += 1
    elif event == "open" and str(arguments[0]) == SECRET:
        _watched["leaks"] += 1
    elif event == "import" and str(arguments[0]).startswith("evil"):
        _watched["executions"] += 1


sys.addaudithook(_audit)


@contextmanager
def watched(counts):
    """Count in `counts` what the code inside does that no file may make it do."""
    global _watched  # noqa: PLW0603  an audit hook cannot be taken away again

    def late(number, frame):
        raise Hang

    before, _watched = signal.signal(signal.SIGALRM, late), counts
    try:
        yield
    finally:
        _watched = None
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _resident(peak=False):
    """Bytes of memory that this process has now, or had at most since it was forgotten; 0 where the system tells not."""
    if sys.platform != "linux":
        return 0
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{'VmHWM' if peak else 'VmRSS'}:\s*(\d+) kB", status)[1])


def _forget_peak():
    if sys.platform == "linux":
        Path("/proc/self/clear_refs").write_text("5")


def attempt(counts, name, action):
    """One case: it may succeed, or be refused in one line."""
    _forget_peak()
    before = _resident()
    _in_time(counts, name, action)
    taken = _resident(peak=True) - before
    counts["most MB"] = max(counts["most MB"], taken // 1_000_000)
    if taken > MEMORY:
        counts["memory"] += 1
        print(name, f"takes {taken / 1e6:.0f} MB")


def _in_time(counts, name, action):
    signal.setitimer(signal.ITIMER_REAL, PATIENCE)
    try:
        action()
        counts["accepted"] += 1
    except InputError as error:
        line = str(error)
        counts["refused"] += 1
        if len(line) > 300 or not line.isprintable():
            counts["bad messages"] += 1
            print(name, "message", repr(line[:400]))
    except Hang:
        counts["hangs"] += 1
        print(name, "hangs")
    except WrongRows as wrong:
        counts["wrong rows"] += 1
        print(name, wrong)
    except Exception as error:  # noqa: BLE001
        counts["tracebacks"] += 1
        print(name, type(error).__name__, str(error)[:200])
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


class WrongRows(Exception):
    """Values that are not those of the file."""


def verdict(counts):
    """What must be zero."""
    return {
        key: counts[key]
        for key in ("executions", "tracebacks", "hangs", "leaks", "wrong rows", "bad messages", "memory")
    }


def run_cases(kind, cases, seed, one):
    """`one(chance, case)` gives the action of a case; the counts of all, printed."""
    counts = Counter()
    with watched(counts):
        for case in range(cases):
            chance = random.Random(f"{kind} {seed} {case}")
            attempt(counts, f"{kind} seed {seed} case {case}:", one(chance, case))
    counts["executions"] += len([path for path in Path().iterdir() if "OWNED" in path.name])
    print(f"{kind}: {cases} cases, {dict(sorted(counts.items()))}")
    return verdict(counts)


# --- mutations of text -----------------------------------------------------------------------------------------------
NASTY = [
    "9" * 400, "-" + "9" * 5000, "1e309", "-1e308", "1e-320", "nan", "inf", "-inf", "0", "-0.0", "1e15", "9223372036854775808", "true",
    "1979-05-27", "07:32:00", '""', "''", "[]", "{}", "[[[[]]]]", "[" * 1500, "{a=" * 400, "a." * 3000 + "a", '"\\u0000"', '"\\u001b[31m"',
    "\x00", "\x1b[2J", "\ufeff", "\u202e", "١٢٣", '"' + "x" * 100_000 + '"', "__import__('os').system('touch OWNED')",
    '"__import__(\'os\').system(\'touch OWNED\')"', "open('/etc/passwd').read()", "evil.run()", "V.__class__", "lambda: 1",
    '"""\nimport os\nos.system("touch OWNED")\n"""', "'; import os; os.system('touch OWNED') #", "1/0", "V**(1/0)", "log(-1)", "sqrt(-1)",
    "exp(" * 30 + "V" + ")" * 30, "(" * 3000, "((V+1)**900)**900", "V<1", "1 if V<0 else 2", "max(1, log(0))", "10**10**10",
    "1_000_000_000_000", "[1, 2, 1e15]", "{ linspace = [0, 1, 1000000000] }", "{ arange = [1, 1e15, 1e-3] }",
    "{ logspace = [0, 1, 100000000] }", "{ values = [] }", "{ zip = {} }", "{ uniform = [1, 0] }", '"/dev/zero"', '"/dev/stdin"',
    '"a\\u0000b"', '"../../../../etc/passwd"', "~", "\\", "%s%n", "{0}", "${HOME}",
]  # fmt: skip
NUMBERS = [
    "0",
    "-1",
    "1",
    "2",
    "3.5",
    "1e-3",
    "1e-12",
    "1e3",
    "1e6",
    "1e12",
    "-1e300",
    "1e300",
    "1000000",
    "123456789012345678",
]
_WORD = re.compile(r"[A-Za-z_][A-Za-z_0-9.]*|-?\d[\d.eE+-]*|\"[^\"\n]*\"|[\[\]{}=,]")


def mutated(text, chance, others=()):
    """A text with one to four changes of the kinds that break readers."""
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        words = list(_WORD.finditer(text))
        lines = text.splitlines(keepends=True)
        kind = chance.randrange(10)
        if kind > 7 and words:  # a number for a number, which may pass
            numbers = [word for word in words if word[0][-1].isdigit()] or words
            word = chance.choice(numbers)
            text = text[: word.start()] + chance.choice(NUMBERS) + text[word.end() :]
        elif kind <= 2 and words:
            word = chance.choice(words)
            text = text[: word.start()] + chance.choice(NASTY) + text[word.end() :]
        elif kind == 3 and len(words) > 1:
            a, b = sorted(chance.sample(words, 2), key=lambda word: word.start())
            text = text[: a.start()] + b[0] + text[a.end() : b.start()] + a[0] + text[b.end() :]
        elif kind == 4 and lines:
            k = chance.randrange(len(lines))
            text = "".join(lines[:k] + lines[k : k + 1] * chance.choice((0, 2, 50)) + lines[k + 1 :])
        elif kind == 5 and lines:
            lines.insert(
                chance.randrange(len(lines) + 1),
                f"{chance.choice(('a', 'float', 'evil', 'kind', 'every'))} = {chance.choice(NASTY)}\n",
            )
            text = "".join(lines)
        elif kind == 6 and text:
            at = chance.randrange(len(text))
            text = (
                text[:at]
                + chr(chance.choice((0, 10, 34, 39, 92, 127, 0x2028, 0xFFFD, chance.randrange(32, 127))))
                + text[at + 1 :]
            )
        elif others:
            other = chance.choice(others).splitlines(keepends=True)
            k = chance.randrange(len(other))
            text += "".join(other[k : k + chance.randrange(1, 8)])
    return text


def damaged(data, chance):
    """Bytes with a flip, a cut, a hole, or a piece moved."""
    data = bytearray(data)
    for _ in range(chance.choice((1, 1, 3))):
        at = chance.randrange(len(data))
        kind = chance.randrange(6)
        if kind <= 2:
            data[at] ^= 1 << chance.randrange(8)
        elif kind == 3:
            del data[at:]
        elif kind == 4:
            data[at : at + chance.randrange(1, 64)] = bytes(chance.randrange(64))
        else:
            data[at:at] = data[: chance.randrange(1, 64)]
        data = data or bytearray(b"x")
    return bytes(data)
