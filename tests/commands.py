"""Running commands of `hhfast` in tests, and a small sweep for them."""

from typer.testing import CliRunner

from hhfast.cli.app import app

SCAN = """\
model = "hodgkin_huxley"
t_stop = 30.0
integrator = "exp_euler"
rows_per_batch = 4
[stimulus]
kind = "step"
start = 5.0
[axes]
g_Na = { linspace = [80, 160, 3] }
"stimulus.amplitude" = { values = [0, 3, 10, 20] }
[record]
features = ["spike_count", "latency"]
"""


def hhfast(*words):
    """The result of a command: exit_code, stdout, stderr, output."""
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(*words):
    """The one line with which a command refuses bad input."""
    result = hhfast(*words)
    assert result.exit_code == 2, result.output
    assert result.stdout == ""
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith("error: ")
    return result.stderr.strip()


def names(folder):
    return sorted(path.name for path in folder.iterdir())
