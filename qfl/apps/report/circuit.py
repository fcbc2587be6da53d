"""A circuit as an SVG drawing: wires from left to right, every gate as far left as its wires are free."""

from html import escape

from qfl.quantum.circuit import Circuit, Feature, Operation

STEP, PITCH, BOX, LEFT = 52, 40, 34, 46
"""Pixels: between columns, between wires, a box's width, and for the wires' names."""
MOST_COLUMNS = 40
CONTROLLED = {"cnot": 1, "cx": 1, "cz": 1, "cy": 1, "crx": 1, "cry": 1, "crz": 1, "cu1": 1, "cu3": 1, "toffoli": 2}
"""How many of a gate's first wires are controls."""


def draw_circuit(circuit: Circuit, title: str) -> str:
    """An SVG element in the ink of the page around it; `title` is what is read out. Z is measured at the end."""
    columns = _columns(circuit)
    start = 0 if circuit.start == "ground" else 1
    last = start + max(columns, default=-1) + 1
    width, height = LEFT + STEP * (last + 1) + 10, PITCH * circuit.wires + 10
    parts = [_wire(wire, width) for wire in range(circuit.wires)]
    if start:
        parts.append(_tall_box(0, circuit.wires, f"{circuit.features} amplitudes"))
    for column, operation in zip(columns, circuit.operations, strict=False):
        parts += _gate(operation, _x(start + column))
    parts += [_box(_x(last), wire, "Z") for wire in range(circuit.wires)]
    return (
        f'<svg role="img" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" fill="none" stroke="currentColor" font-family="monospace" font-size="11">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _columns(circuit: Circuit) -> list[int]:
    """The column of each gate, up to the first that does not fit."""
    free, columns = [0] * circuit.wires, list[int]()
    for operation in circuit.operations:
        spanned = range(min(operation.wires), max(operation.wires) + 1)
        column = max(free[wire] for wire in spanned)
        if column >= MOST_COLUMNS:
            break
        columns.append(column)
        for wire in spanned:
            free[wire] = column + 1
    return columns


def _gate(operation: Operation, x: int) -> list[str]:
    """A box for each target; a dot for each control, and a line that joins them."""
    count = CONTROLLED.get(operation.gate, 0)
    controls, targets = operation.wires[:count], operation.wires[count:]
    parts = [f'<line x1="{x}" x2="{x}" y1="{_y(min(operation.wires))}" y2="{_y(max(operation.wires))}"/>']
    parts += [f'<circle cx="{x}" cy="{_y(wire)}" r="4" fill="currentColor"/>' for wire in controls]
    if operation.gate in ("cnot", "cx", "toffoli"):
        return parts + [_plus(x, wire) for wire in targets]
    name = operation.gate[1:] if controls else operation.gate
    name += "(x)" if any(isinstance(angle, Feature) for angle in operation.angles) else ""
    return parts + [_box(x, wire, name.upper().replace("(X)", "(x)")) for wire in targets]


def _wire(wire: int, width: int) -> str:
    y = _y(wire)
    return f'<line x1="{LEFT - 12}" x2="{width}" y1="{y}" y2="{y}" stroke-opacity="0.5"/>' + _text(18, y, f"q{wire}")


def _box(x: int, wire: int, name: str) -> str:
    y = _y(wire)
    return f'<rect x="{x - BOX // 2}" y="{y - 13}" width="{BOX}" height="26" rx="3" fill="Canvas"/>{_text(x, y, name)}'


def _tall_box(column: int, wires: int, name: str) -> str:
    x, middle = _x(column), (_y(0) + _y(wires - 1)) // 2
    height = PITCH * (wires - 1) + 26
    box = f'<rect x="{x - BOX // 2}" y="{_y(0) - 13}" width="{BOX}" height="{height}" rx="3" fill="Canvas"/>'
    return box + f'<g transform="rotate(-90 {x} {middle})">{_text(x, middle, name)}</g>'


def _plus(x: int, wire: int) -> str:
    y = _y(wire)
    return f'<circle cx="{x}" cy="{y}" r="9" fill="Canvas"/><path d="M{x - 9} {y}H{x + 9}M{x} {y - 9}V{y + 9}"/>'


def _text(x: int, y: int, text: str) -> str:
    return f'<text x="{x}" y="{y + 4}" text-anchor="middle" fill="currentColor" stroke="none">{escape(text)}</text>'


def _x(column: int) -> int:
    return LEFT + STEP // 2 + STEP * column


def _y(wire: int) -> int:
    return PITCH // 2 + 5 + PITCH * wire
