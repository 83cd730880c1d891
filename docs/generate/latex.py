"""Formulas of models and stimuli as LaTeX."""

import ast
import math

GREEK = {
    "alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "kappa", "lambda", "mu", "nu", "xi", "pi",
    "rho", "sigma", "tau", "phi", "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Sigma", "Phi", "Psi",
    "Omega",
}  # fmt: skip
FUNCTIONS = {"log": r"\ln", "tanh": r"\tanh", "sinh": r"\sinh", "cosh": r"\cosh", "min": r"\min", "max": r"\max",
             "sin": r"\sin"}  # fmt: skip
COMPARISONS = {ast.Lt: "<", ast.LtE: r"\le", ast.Gt: ">", ast.GtE: r"\ge", ast.Eq: "=", ast.NotEq: r"\ne"}
SUM, SIGN, PRODUCT, POWER, ATOM = range(5)  # how tightly an expression holds together


def latex(text: str) -> str:
    """A formula of our grammar."""
    return _print(ast.parse(text.replace("^", "**"), mode="eval").body)[0]


def symbol(name: str) -> str:
    """A name: `g_Na` with a subscript, `alpha_m` with the Greek letter, `m_inf` at infinity."""
    head, *rest = name.split("_")
    if not rest:
        return _word(head)
    if rest[-1] == "inf":
        inner = ",".join(map(_word, rest[:-1]))
        return f"{_word(head)}_{{{inner + ',' if inner else ''}" + r"\infty}"
    return f"{_word(head)}_{{{','.join(map(_word, rest))}}}"


def _word(word: str) -> str:
    if word in GREEK:
        return f"\\{word}"
    return word if len(word) == 1 else rf"\mathrm{{{word}}}"


def _number(value: float) -> str:
    if value == 2e-3 * math.pi:
        return r"\frac{2\pi}{1000}"
    text = f"{value:.10g}"
    mantissa, e, power = text.partition("e")
    if not e:
        return text
    return ("" if mantissa == "1" else mantissa + r" \cdot ") + f"10^{{{int(power)}}}"


def _within(node: ast.expr, least: int) -> str:
    """A part, in parentheses where it holds together less than what is around it."""
    text, holds = _print(node)
    return text if holds >= least else rf"\left({text}\right)"


def _print(node: ast.expr) -> tuple[str, int]:
    """(LaTeX, how tightly it holds together)."""
    match node:
        case ast.Constant(value=value):
            text = _number(value)
            return text, PRODUCT if "cdot" in text else ATOM
        case ast.Name(id=name):
            return symbol(name), ATOM
        case ast.BinOp(left=left, op=ast.Add(), right=right):
            return f"{_within(left, SUM)} + {_within(right, PRODUCT)}", SUM
        case ast.BinOp(left=left, op=ast.Sub(), right=right):
            return f"{_within(left, SUM)} - {_within(right, PRODUCT)}", SUM
        case ast.BinOp(left=left, op=ast.Mult(), right=right):
            sign = r"\cdot" if isinstance(right, ast.Constant) else r"\,"
            first, holds = _print(left)
            if holds == SUM:
                first, holds = rf"\left({first}\right)", ATOM
            return f"{first} {sign} {_within(right, PRODUCT)}", SIGN if holds == SIGN else PRODUCT
        case ast.BinOp(left=left, op=ast.Div(), right=right):
            return rf"\frac{{{_print(left)[0]}}}{{{_print(right)[0]}}}", POWER
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return f"{_within(left, ATOM)}^{{{_print(right)[0]}}}", POWER
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return f"-{_within(operand, PRODUCT)}", SIGN
        case ast.UnaryOp(operand=operand):
            return _print(operand)
        case ast.IfExp(test=test, body=body, orelse=other):
            cases = rf"{_print(body)[0]} & {_print(test)[0]} \\ {_print(other)[0]} & \text{{otherwise}}"
            return rf"\begin{{cases}} {cases} \end{{cases}}", ATOM
        case ast.Compare(left=left, ops=ops, comparators=comparators):
            pairs = (f" {COMPARISONS[type(op)]} {_print(c)[0]}" for op, c in zip(ops, comparators, strict=True))
            return _print(left)[0] + "".join(pairs), SUM
        case ast.BoolOp(op=op, values=values):
            word = r" \text{ and } " if isinstance(op, ast.And) else r" \text{ or } "
            return word.join(_print(v)[0] for v in values), SUM
        case ast.Call(func=ast.Name(id=name), args=args):
            return _call(name, args)
    raise ValueError(ast.unparse(node))


def _call(name: str, args: list[ast.expr]) -> tuple[str, int]:
    texts = [_print(a)[0] for a in args]
    if name == "window":  # of a stimulus: 1 between two times, else 0
        return rf"\left[{texts[2]} \le t < {texts[3]}\right]", ATOM
    if name == "exp":
        return f"e^{{{texts[0]}}}", POWER
    if name == "sqrt":
        return rf"\sqrt{{{texts[0]}}}", ATOM
    if name == "abs":
        return rf"\left|{texts[0]}\right|", ATOM
    function = FUNCTIONS.get(name, rf"\operatorname{{{name}}}" if len(name) > 1 else name)
    return rf"{function}\left({', '.join(texts)}\right)", ATOM
