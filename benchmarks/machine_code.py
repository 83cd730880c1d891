"""Counting the arithmetic of a time step in a kernel's machine code (x86, AT&T syntax)."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

ITEM_BITS = {"float64": 64, "float32": 32}
_REGISTER_BITS = {"x": 128, "y": 256, "z": 512}
_FMA = re.compile(r"v?fn?m(add|sub)\d*[ps][ds]$")
_PLAIN = re.compile(r"v?(add|sub|mul|div|sqrt|min|max)[ps][ds]$")
_MOVE = re.compile(r"v?p?(mov|broadcast)\w*$")
Instruction = tuple[str, str]  # mnemonic, operands


@dataclass(frozen=True)
class StepCount:
    """What one time step costs: `flops` per neuron; the others are instructions per step of one vector of neurons.

    stack : accesses to the stack, that is to values (and constants) that found no register. moves : copies between
    registers. lanes : neurons in a register of `bits` (1: not vectorised).
    """

    flops: float
    instructions: float
    divisions: float
    loads_and_stores: float
    stack: float
    moves: float
    lanes: int
    bits: int


@dataclass
class _Block:
    entry: bool  # of a function
    code: list[Instruction] = field(default_factory=list)
    follows: list[int] = field(default_factory=list)


@dataclass
class _Loop:
    header: int
    body: set[int]


def count_step(assembly: str, dtype: str, *, depth: int, block_lanes: int) -> StepCount | None:
    """Count the arithmetic in the loop over time steps; None where none is found.

    depth : at what depth of nested loops the steps are (1: outermost). block_lanes : lanes that one time step of the
    code advances.
    """
    blocks = _blocks(assembly)
    loops = _loops(blocks)
    arithmetic = [sum(_is_arithmetic(m) for m, _ in b.code) for b in blocks]
    at_depth = [x for x in loops if sum(x.header in y.body for y in loops) == depth]
    if not at_depth:
        return None
    step = max(at_depth, key=lambda x: sum(arithmetic[k] for k in x.body))
    inside = sorted((x for x in loops if x is not step and x.header in step.body), key=lambda x: len(x.body))
    total: Counter[str] = Counter()
    packed = any(_is_packed(m) for k in step.body for m, _ in blocks[k].code)
    bits = _width([i for k in step.body for i in blocks[k].code]) if packed else ITEM_BITS[dtype]
    for k in step.body:
        around = [x for x in inside if k in x.body]  # innermost first
        loop_code = [i for j in around[0].body for i in blocks[j].code] if around else []
        if around and packed and not any(_is_packed(m) for m, _ in loop_code):
            continue  # a rare loop over single lanes: a spike has happened
        lanes = _lanes_per_passage(loop_code, dtype) if packed else min(len(around), 1)
        for name, n in _count(blocks[k].code, dtype).items():
            total[name] += n / (lanes or block_lanes)
    lanes = bits // ITEM_BITS[dtype]
    rest = [total[name] * lanes for name in ("instructions", "divisions", "memory", "stack", "moves")]
    return StepCount(total["flops"], *rest, lanes, bits) if total["flops"] else None


def _blocks(assembly: str) -> list[_Block]:
    """Basic blocks with what may follow each."""
    blocks, labels = [_Block(entry=True)], {}
    for line in assembly.splitlines():
        text = line.split("#")[0].strip()
        label = re.match(r"([.\w$]+):$", text)
        if label:
            blocks.append(_Block(entry=not label[1].startswith(".L")))
            labels[label[1]] = len(blocks) - 1
        elif text and not text.startswith("."):
            mnemonic, *rest = text.split(None, 1)
            blocks[-1].code.append((mnemonic, rest[0] if rest else ""))
            if mnemonic.startswith(("j", "ret", "ud2")):
                blocks.append(_Block(entry=False))
    for k, block in enumerate(blocks):
        last, target = block.code[-1] if block.code else ("", "")
        if last.startswith("j") and target in labels:
            block.follows.append(labels[target])
        if not last.startswith(("jmp", "ret", "ud2")) and k + 1 < len(blocks):
            block.follows.append(k + 1)
    return blocks


def _loops(blocks: list[_Block]) -> list[_Loop]:
    """Natural loops, one for each header: back edges are those to a block that dominates their start."""
    dominators = _dominators(blocks)
    before = _before(blocks, set(dominators))
    bodies: dict[int, set[int]] = {}
    for k, dominating in dominators.items():
        for header in blocks[k].follows:
            if not dominating >> header & 1:
                continue
            body, todo = bodies.setdefault(header, {header}), [k]
            while todo:
                b = todo.pop()
                if b not in body:
                    body.add(b)
                    todo += before[b]
    return [_Loop(h, b) for h, b in bodies.items()]


def _before(blocks: list[_Block], reachable: set[int]) -> dict[int, list[int]]:
    before: dict[int, list[int]] = {k: [] for k in reachable}
    for k in reachable:
        for f in blocks[k].follows:
            before[f].append(k)
    return before


def _dominators(blocks: list[_Block]) -> dict[int, int]:
    """Reachable block -> bits of the blocks through which every way to it leads."""
    reachable: set[int] = set()
    todo = [k for k, block in enumerate(blocks) if block.entry]
    while todo:
        k = todo.pop()
        if k not in reachable:
            reachable.add(k)
            todo += blocks[k].follows
    before = _before(blocks, reachable)
    everything = (1 << len(blocks)) - 1
    found = {k: 1 << k if blocks[k].entry else everything for k in sorted(reachable)}
    changed = True
    while changed:
        changed = False
        for k, old in found.items():
            if blocks[k].entry:
                continue
            new = everything
            for b in before[k]:
                new &= found[b]
            new |= 1 << k
            changed, found[k] = changed or new != old, new
    return found


def _is_packed(mnemonic: str) -> bool:
    return _is_arithmetic(mnemonic) and mnemonic.endswith(("pd", "ps"))


def _is_arithmetic(mnemonic: str) -> bool:
    return bool(_FMA.match(mnemonic) or _PLAIN.match(mnemonic))


def _width(code: list[Instruction]) -> int:
    """The commonest register width of packed arithmetic."""
    found = Counter(_bits(o) for m, o in code if _is_packed(m))
    return found.most_common(1)[0][0]


def _bits(operands: str) -> int:
    register = re.search(r"%([xyz])mm", operands)
    return _REGISTER_BITS[register[1]] if register else 0


def _count(code: list[Instruction], dtype: str) -> Counter[str]:
    """Flops, and vector instructions by kind, of straight code."""
    n: Counter[str] = Counter()
    for mnemonic, operands in code:
        if not _bits(operands):
            continue
        in_memory = "(" in operands
        n["memory"] += in_memory
        n["stack"] += "(%rsp" in operands or "(%rbp" in operands
        if _MOVE.match(mnemonic):
            n["moves"] += not in_memory
            continue
        n["instructions"] += 1
        if _is_arithmetic(mnemonic):
            lanes = _bits(operands) // ITEM_BITS[dtype] if _is_packed(mnemonic) else 1
            n["flops"] += lanes * (2 if _FMA.match(mnemonic) else 1)
            n["divisions"] += bool(re.match(r"v?(div|sqrt)", mnemonic))
    return n


def _lanes_per_passage(body: list[Instruction], dtype: str) -> int:
    """Lanes by which a loop over lanes advances: its counter's step, scaled as in its addresses; 0: not such a loop."""
    for mnemonic, operands in body:
        step = re.match(r"\$(-?\d+), %(\w+)$", operands)
        if not (step and mnemonic in ("addq", "subq", "add", "sub")):
            continue
        register = step[2]
        used = [int(s or 1) for _, o in body for s in re.findall(rf"\((?:%\w+)?,\s*%{register}(?:,\s*(\d))?\)", o)]
        used += [1 for m, o in body if f"(%{register}" in o and _bits(o)]
        if used and register != "rsp":
            stride = abs(int(step[1])) * Counter(used).most_common(1)[0][0]
            return stride * 8 // ITEM_BITS[dtype]
    return 0
