"""Write docs/reference/contracts.md from the documentation in contracts/interfaces: `make reference`."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import solcx

from qfl.chain.compiler import ROOT, SETTINGS, SOLC

PAGE = ROOT / "docs" / "reference" / "contracts.md"
HEAD = """# Contract reference

Written by `make reference` from the interfaces' NatSpec; change it there. How the parts fit is in
[protocol.md](../protocol.md).
"""
MEMBERS = {
    "FunctionDefinition": "Functions",
    "EventDefinition": "Events",
    "ErrorDefinition": "Errors",
    "StructDefinition": "Structs",
    "EnumDefinition": "Enums",
}
"""Kinds of documented things, in the order of the page, and their headings."""
Node = dict[str, Any]


def render() -> str:
    """The whole page."""
    paths = sorted((ROOT / "contracts" / "interfaces").glob("*.sol"))
    sources = {str(path.relative_to(ROOT)): {"content": path.read_text()} for path in paths}
    settings = {**SETTINGS, "outputSelection": {"*": {"": ["ast"]}}}
    request = {"language": "Solidity", "sources": sources, "settings": settings}
    compiled = solcx.compile_standard(request, solc_binary=SOLC, base_path=str(ROOT), allow_paths=str(ROOT))
    parts = [part for path in sources for part in _file(Path(path), compiled["sources"][path]["ast"])]
    return "\n".join([HEAD, *parts]).rstrip() + "\n"


def _file(path: Path, tree: Node) -> Iterator[str]:
    """An interface: what it is for, its members by kind, then the file's own structs and enums."""
    interfaces = [node for node in tree["nodes"] if node["nodeType"] == "ContractDefinition"]
    yield f"## {path.stem}\n"
    yield f"[{path}](../../{path})\n"
    for interface in interfaces:
        about = _tags(interface)
        yield "\n".join(text for tag in ("title", "notice", "dev") for _, text in about.get(tag, [])) + "\n"
    members = [*(member for interface in interfaces for member in interface["nodes"]), *tree["nodes"]]
    for kind, heading in MEMBERS.items():
        if found := [member for member in members if member["nodeType"] == kind]:
            yield f"### {path.stem}: {heading.lower()}\n"
            yield from (_member(member) for member in found)
            yield ""


def _member(node: Node) -> str:
    """One entry: signature, what it is, its parameters and results."""
    about = _tags(node)
    text = " ".join(text for tag in ("notice", "dev") for _, text in about.get(tag, []))
    lines = [f"- `{_signature(node)}`" + (f": {text}" if text else "")]
    lines += [f"    - `{name}`: {text}" for name, text in about.get("param", [])]
    lines += [f"    - returns {text}" for text in _results(node, about)]
    return "\n".join(lines)


def _results(node: Node, about: dict[str, list[tuple[str, str]]]) -> Iterator[str]:
    """`@return` names its value where the value has a name."""
    names = [result["name"] for result in node.get("returnParameters", {}).get("parameters", [])]
    for name, (first, rest) in zip(names, about.get("return", []), strict=False):
        yield f"`{name}`: {rest}" if name and first == name else f"{first} {rest}".strip()


def _signature(node: Node) -> str:
    name = node["name"]
    if node["nodeType"] == "EnumDefinition":
        return f"{name} {{ {', '.join(member['name'] for member in node['members'])} }}"
    if node["nodeType"] == "StructDefinition":
        return f"{name} {{ {'; '.join(map(_variable, node['members']))} }}"
    signature = f"{name}({', '.join(map(_variable, node['parameters']['parameters']))})"
    if results := node.get("returnParameters", {}).get("parameters"):
        signature += f" returns ({', '.join(map(_variable, results))})"
    return signature


def _variable(node: Node) -> str:
    kind = re.sub(r"^(struct|enum|contract) ", "", node["typeDescriptions"]["typeString"])
    indexed = " indexed" if node.get("indexed") else ""
    return f"{kind}{indexed} {node['name']}".strip()


def _tags(node: Node) -> dict[str, list[tuple[str, str]]]:
    """NatSpec by tag: (first word, rest) of params and returns, ("", text) of the others."""
    written = (node.get("documentation") or {}).get("text", "")
    tags: dict[str, list[tuple[str, str]]] = {}
    for tag, text in re.findall(r"@(\w+)\s+(.*?)(?=\n\s*@|\Z)", written, re.DOTALL):
        joined = " ".join(text.split())
        first, _, rest = joined.partition(" ")
        tags.setdefault(tag, []).append((first, rest) if tag in ("param", "return") else ("", joined))
    return tags


if __name__ == "__main__":
    page = Path(sys.argv[1]) if len(sys.argv) > 1 else PAGE
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(render())
    print(page)
