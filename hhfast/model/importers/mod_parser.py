"""The NMODL parser of the `neuron` package, loaded by itself: without NEURON, which runs what it finds in a folder."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from functools import lru_cache
from pathlib import Path
from typing import Any

from hhfast.errors import InputError
from hhfast.model.importers.mod_text import ModText

_MISSING = "importing .mod files needs the NMODL parser of NEURON: " + (
    "it has no package for Windows, so import them on Linux, macOS or in WSL"
    if sys.platform == "win32"
    else "pip install 'hhfast[import]'"
)


@lru_cache(maxsize=1)
def _parser() -> Any:
    """The extension module. `import neuron` would start NEURON, and load a libnrnmech from the working folder."""
    if "neuron.nmodl._nmodl" in sys.modules:
        return sys.modules["neuron.nmodl._nmodl"]
    spec = importlib.util.find_spec("neuron")
    if spec is None or spec.origin is None:
        raise InputError(_MISSING)
    root = Path(spec.origin).parent
    files = [f for f in (root / "nmodl").glob("_nmodl*") if f.suffix in (".so", ".pyd")]
    if not files:
        raise InputError(f"{_MISSING} (version 9 or later; the one installed has none)")
    # Where the parser finds its table of units.
    os.environ.setdefault("NMODLHOME", str(root / ".data" / "share" / "nrn"))
    own = importlib.util.spec_from_file_location("_nmodl", files[0])
    assert own is not None
    assert own.loader is not None
    module = importlib.util.module_from_spec(own)
    own.loader.exec_module(module)
    return module


def parse_mod(text: ModText) -> Any:
    """The parse tree of a file. Raises `InputError` with the place where it is no NMODL."""
    try:
        return _parser().NmodlDriver().parse_string(text.code)
    except RuntimeError as error:
        message = " ".join(str(error).replace("NMODL Parser Error :", "").split())
        place = re.search(r"\[Location : (\d+)", message)
        line = f":{place[1]}" if place else ""
        raise InputError(f"{text.path.name}{line}: not NMODL: {message.partition('[')[0].strip()[:120]}") from None
