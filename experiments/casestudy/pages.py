"""The case study as a page, and the same page as Markdown."""

from collections.abc import Callable, Mapping, Sequence
from statistics import mean, stdev
from typing import Any

from experiments.casestudy.claims import HEADINGS, PILLARS, Claim, Document
from experiments.casestudy.methods import ATTACKERS_PERCENT, CALM, METHODS, VALIDATION_PERCENT
from experiments.consensus.variants import VARIANTS
from qfl.apps.report.comparison import attack_section
from qfl.apps.report.energy import Range
from qfl.apps.report.figures import draw_bars
from qfl.apps.report.page import Page, Section, Table
from qfl.apps.report.sections import range_text

JOULES = ("validators compute", "validators transfer", "chain nodes", "IPFS nodes")


def make_page(document: Document, claims: Sequence[Claim]) -> Page:
    """Everything that was measured, the four pillars first."""
    size = document["size"]
    intro = (
        "QFLchain against plain quantum federated learning, the same on a flat chain, and classical federated learning "
        f"of the same size; seeds {', '.join(map(str, size['seeds']))}; measured in "
        f"{sum(document['seconds'].values()) / 60:.0f} minutes."
    )
    sections = [_pillars(claims), _what_is_compared(size)]
    makers: dict[str, Callable[[Any], Section]] = {
        "learning": _learning,
        "consensus": _consensus,
        "bytes": _bytes,
        "energy": _energy,
        "attacks": attack_section,
    }
    sections += [make(document[part]) for part, make in makers.items() if part in document]
    missing = [part for part in makers if part not in document]
    warnings = [f"Not measured yet: {', '.join(missing)}."] if missing else []
    return Page("Case study", intro, sections, warnings)


def to_markdown(page: Page) -> str:
    """The page's sentences, tables, and references to its figures."""
    parts = [f"# {page.title}", page.intro, *(f"**{warning}**" for warning in page.warnings)]
    for section in page.sections:
        parts.append(f"## {section.heading}")
        parts += section.texts
        parts += [f"![{picture.alt}]({picture.name}.png)" for picture in section.pictures]
        for table in section.tables:
            rows = [
                "| " + " | ".join(cell.replace("|", "/") for cell in row) + " |"
                for row in (table.headings, *table.rows)
            ]
            parts.append("\n".join([f"{table.caption}:\n", rows[0], "|" + "---|" * len(table.headings), *rows[1:]]))
    return "\n\n".join(parts) + "\n"


def _pillars(claims: Sequence[Claim]) -> Section:
    texts = [
        "Circulated: the figures that are told of the paper. Its definitions are not told with them, so each row "
        "states ours: what is measured, and against what. Accuracy is a difference in percentage points, everything "
        "else what changes against the baseline: less is better. Where several baselines are thinkable, all are shown."
    ]
    rows = {pillar: [claim.row for claim in claims if claim.pillar == pillar] for pillar in PILLARS}
    tables = [Table(pillar.capitalize(), HEADINGS, found, is_text=True) for pillar, found in rows.items() if found]
    return Section("The four pillars", texts, tables=tables)


def _what_is_compared(size: Mapping[str, Any]) -> Section:
    texts = [
        f"Learning: {size['clients']} clients, {size['rounds']} rounds on the digits, dealt out by a Dirichlet "
        "distribution (0.5); every method has the same clients' data, test set, number of steps and updates in 16-bit "
        f"lanes. Validators hold {VALIDATION_PERCENT} % of the training data. Attackers are {ATTACKERS_PERCENT} % of "
        "the clients, the same ones for every method; what they do is in docs/results/robustness.md.",
        f"Decisions: {size['deciding_clients']} updates, {size['validators']} validators, 4 seats; medians of "
        f"{size['repetitions']} rounds. Attacks on the protocol run on a chain of their own each.",
    ]
    rows = [(method.title, method.about) for method in METHODS.values()]
    return Section(
        "What is compared", texts, tables=[Table("Ways to learn", ("method", "what it is"), rows, is_text=True)]
    )


def _learning(runs: Sequence[Mapping[str, Any]]) -> Section:
    cases = list(dict.fromkeys(run["case"] for run in runs))
    found = {
        (method, case): [run["accuracy"] for run in runs if (run["method"], run["case"]) == (method, case)]
        for method in METHODS
        for case in cases
    }
    picture = draw_bars(
        "accuracy",
        "Final test accuracy by method, calm and under each attack; bars are means of the seeds.",
        "test accuracy, %",
        [case if case == CALM else f"{ATTACKERS_PERCENT} % {case}" for case in cases],
        {METHODS[method].title: [100 * mean(found[method, case]) for case in cases] for method in METHODS},
        {METHODS[method].title: [100 * _spread(found[method, case]) for case in cases] for method in METHODS},
    )
    rows = [(METHODS[m].title, *(_with_spread(found[m, case]) for case in cases)) for m in METHODS]
    ours = [run for run in runs if run["method"] == "qflchain"]
    left_out = [
        (
            case,
            *(
                _with_spread([run[name] for run in ours if run["case"] == case])
                for name in ("honest_left_out", "attackers_left_out")
            ),
        )
        for case in cases
    ]
    tables = [
        Table("Final test accuracy in %, mean and standard deviation of the seeds", ("method", *cases), rows),
        Table("Updates that QFLchain's committee left out, in %", ("case", "honest", "attackers'"), left_out),
    ]
    return Section("Accuracy, calm and under attack", pictures=[picture], tables=tables)


def _consensus(results: Mapping[str, Any]) -> Section:
    lines = {
        "latency in one process, s": ("wall_seconds", "{:.3f}"),
        "latency with a machine each, s": ("critical_seconds", "{:.3f}"),
        "messages": ("messages", "{:,.0f}"),
        "bytes on the wire": ("wire_bytes", "{:,.0f}"),
        "gas on the beacon": ("gas_beacon", "{:,.0f}"),
        "updates a validator verifies": ("updates_verified", "{:.1f}"),
        "verification, CPU s a validator": ("verify_cpu_seconds", "{:.4f}"),
        "disk, bytes a validator": ("disk_bytes", "{:,.0f}"),
    }
    variants = [variant for variant in VARIANTS if variant.name in results]
    medians = {v.name: {n: f["median"] for n, f in results[v.name]["figures"].items()} for v in variants}
    rows = [
        (title, *(pattern.format(medians[variant.name][figure]) for variant in variants))
        for title, (figure, pattern) in lines.items()
    ]
    picture = draw_bars(
        "latency",
        "Seconds from the end of the reveals to the decision, by way to decide.",
        "seconds to the decision",
        [variant.title for variant in variants],
        {
            "one process": [medians[variant.name]["wall_seconds"] for variant in variants],
            "a machine each": [medians[variant.name]["critical_seconds"] for variant in variants],
        },
    )
    headings = ("figure", *(variant.title for variant in variants))
    text = "Definitions of every figure: docs/results/measurements.md. Medians."
    return Section("A round's decision", [text], [picture], [Table("One decision, by way to decide", headings, rows)])


def _bytes(document: Mapping[str, Any]) -> Section:
    rows = [
        (
            line["way"],
            ", ".join("-" if count is None else str(count) for count in line["rounds"]),
            f"{line['content_a_round']:,.0f}",
            f"{line['bytes_a_round']:,.0f}",
            f"{line['bytes']['mean']:,.0f}",
        )
        for line in document["summary"]
    ]
    headings = ("updates", "rounds needed, by seed", "content a round", "everything a round", "in all")
    text = "An update alone, in float32 and unsigned, is what a plain client without a chain sends: the content column."
    caption = f"Bytes a client sends until {document['target']:.0%} test accuracy"
    return Section("What a client sends", [text], tables=[Table(caption, headings, rows)])


def _energy(document: Mapping[str, Any]) -> Section:
    accounts = {name: parts for name, parts in document["joules_a_round"].items() if name != "bitcoin"}
    parts = list(dict.fromkeys(part for found in accounts.values() for part in found))
    rows = [(part, *(_joules(found.get(part)) for found in accounts.values())) for part in parts]
    shown = {name: [_middle(accounts[name][part]) for part in JOULES] for name in ("committee", "flat vote")}
    picture = draw_bars(
        "energy",
        "Joules of a round that are not the clients', by part: QFLchain's committees beside a flat vote.",
        "joules a round, middle of the range",
        JOULES,
        shown,
    )
    text = "Processor seconds and bytes are measured, joules follow from constants (docs/results/energy.md)."
    headings = ("joules a round, low to high", *accounts)
    return Section("Energy", [text], [picture], [Table("Energy of one round", headings, rows)])


def _spread(values: Sequence[float]) -> float:
    return stdev(values) if len(values) > 1 else 0.0


def _with_spread(values: Sequence[float]) -> str:
    return f"{100 * mean(values):.1f} ± {100 * _spread(values):.1f}"


def _joules(joules: Mapping[str, float] | None) -> str:
    return "" if joules is None else range_text(Range(joules["low"], joules["high"]))


def _middle(joules: Mapping[str, float]) -> float:
    return (joules["low"] + joules["high"]) / 2
