"""What editors and type checkers see of hhfast: real types, found mistakes; and what help() tells."""

import dataclasses
import inspect
import os
import pickle
import re
import runpy
import subprocess
import sys
import types
from pathlib import Path

import cloudpickle
import pytest

import hhfast as hh

ROOT = Path(__file__).parent.parent
SCRIPTS = ROOT / "tests" / "typing"


def errors(script):
    """(line, code) of what mypy finds in a script of tests/typing."""
    command = [sys.executable, "-m", "mypy", "--follow-imports=silent", str(script)]
    env = os.environ | {"MYPYPATH": str(ROOT)}
    found = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert found.returncode in (0, 1), found.stderr
    lines = re.findall(r"^(\S+?):(\d+): error: .*\[([\w-]+)\]$", found.stdout, re.MULTILINE)
    assert all(Path(path).name == script.name for path, _, _ in lines), found.stdout
    return {(int(line), code) for _, line, code in lines}


def test_a_correct_script_has_no_errors_and_runs(tmp_path, monkeypatch, capsys):
    assert errors(SCRIPTS / "correct.py") == set()
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(SCRIPTS / "correct.py"))
    assert "did you mean 'hodgkin_huxley'?" in capsys.readouterr().out


def test_mistakes_are_found():
    """Each that the script has, on its line, and no other."""
    lines = (SCRIPTS / "mistakes.py").read_text().splitlines()
    told = {(k, code) for k, line in enumerate(lines, 1) for code in re.findall(r"  # ([\w-]+)$", line)}
    assert len(told) == 12
    assert errors(SCRIPTS / "mistakes.py") == told


@pytest.mark.core
def test_a_function_that_uses_hhfast_can_be_sent_to_a_worker():
    """As Dask and joblib send it: by cloudpickle, the module `hh` among its globals."""

    def count(currents):
        step = hh.Step(currents)
        return hh.simulate("hodgkin_huxley", stimulus=step, t_stop=20.0, record=[hh.SpikeCount()])["spike_count"]

    space = {"__name__": "__main__", "__builtins__": __builtins__, "hh": hh}  # of a notebook: pickled by value
    sent = pickle.loads(cloudpickle.dumps(types.FunctionType(count.__code__, space)))
    assert sent([0.0, 10.0]).tolist() == [0, 2]


@pytest.mark.parametrize("first", ["hhfast.batch.simulate", "hhfast.analysis.fi_curve", "hhfast.analysis.bifurcations"])
def test_public_functions_are_not_hidden_by_modules_of_their_name(first):
    code = f"import {first}, hhfast\nprint(callable(hhfast.{first.split('.')[-1]}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "True\n"


def test_public_names_are_sorted_and_documented():
    """Each class and function has a docstring of its own, not the one that dataclasses write."""
    stub = (ROOT / "hhfast" / "__init__.pyi").read_text()
    listed = re.findall(r'^    "(\w+)",$', stub, re.MULTILINE)
    assert listed == sorted(listed)
    assert listed == hh.__all__
    for name in hh.__all__:
        value = getattr(hh, name)
        if inspect.isclass(value) or inspect.isfunction(value):
            assert value.__doc__, name
            assert not value.__doc__.startswith(f"{name}("), name


@pytest.mark.parametrize("name", hh.stimuli)
def test_the_help_of_a_stimulus_is_its_own(name):
    """Its signature has its parameters by name with their defaults, its docstring says what each is."""
    public = {entry: getattr(hh, entry) for entry in hh.__all__}
    (function,) = (value for key, value in public.items() if key.lower() == name.replace("_", ""))
    assert inspect.isfunction(function)
    signature = inspect.signature(function)
    kind = hh.stimuli[name]
    if kind.remade is None:  # else the function makes kinds with parameters for each of its steps
        assert set(signature.parameters) == {*kind.tables, *kind.parameters}
    for parameter, (default, _) in kind.parameters.items():
        if parameter not in signature.parameters:
            continue
        given = signature.parameters[parameter].default
        assert given == (inspect.Parameter.empty if default is None else default) or given != given  # noqa: PLR0124
    assert "ms" in function.__doc__
    assert "per cell" in function.__doc__ or "n_cells" in function.__doc__
    assert function.__doc__ != kind.__class__.__doc__
    for parameter in signature.parameters:
        assert parameter in function.__doc__


def test_stimuli_are_pickled():
    again = pickle.loads(pickle.dumps(hh.Step(amplitude=3.0, start=1.0)))
    settings = {"t_stop": 10.0, "record": [hh.Final()], "integrator": "euler"}
    V = [hh.simulate("hodgkin_huxley", stimulus=s, **settings)["V_final"][0] for s in (again, hh.Step(3.0, 1.0))]
    assert V[0] == V[1]


# Told once, by the function that others refer to.
SHARED = {"model", "sample", "params", "method", "tol", "watch", "threshold", "cap", "max_amplitude"}


@pytest.mark.parametrize("name", [n for n in hh.__all__ if inspect.isfunction(getattr(hh, n))])
def test_the_help_of_a_function_names_its_parameters_and_errors(name):
    """Each parameter, unless the docstring refers to that of another function, and what is raised."""
    function = getattr(hh, name)
    if hasattr(function, "kind"):
        return  # a stimulus: above
    text = function.__doc__
    assert "InputError" in text
    refers = re.search(r"(as in|are those of|As) `(hhfast\.)?\w+`", text)
    kinds = (inspect.Parameter.VAR_KEYWORD,)
    names = {p.name for p in inspect.signature(function).parameters.values() if p.kind not in kinds}
    assert not {n for n in names - (SHARED if refers else set()) if not re.search(rf"\b{n}\b", text)}


def test_every_public_dataclass_names_its_fields():
    """In its docstring, as help() and the documentation show it: `name`, or name : what it is."""
    for name in hh.__all__:
        kind = getattr(hh, name)
        if inspect.isclass(kind) and dataclasses.is_dataclass(kind):
            told = inspect.getdoc(kind) or ""
            for field in dataclasses.fields(kind):
                if not field.name.startswith("_"):
                    assert re.search(rf"\b{field.name}\b", told), f"{name}: {field.name}"
