"""What the numbers were measured on, and with."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
from pathlib import Path


def machine() -> dict[str, str]:
    """Processor, system and versions, as text."""
    return {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        **{name: _version(name) for name in ("numpy", "numba", "llvmlite")},
        "g++": _gcc(),
        "load before": f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    if not cpuinfo.exists():
        return platform.processor()
    text = cpuinfo.read_text()
    value = {k.strip(): v.strip() for k, _, v in (line.partition(":") for line in text.splitlines())}
    vectors = next((name for name in ("avx512f", "avx2", "avx") if f" {name} " in text), "")
    return " ".join([value.get("model name", platform.machine()), vectors.upper().removesuffix("F")]).strip()


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _gcc() -> str:
    try:
        return subprocess.run(["g++", "-dumpfullversion"], check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
