"""Tables and the chart of ops/bench/results/results.json."""

import contest

SHAPES = ["1x16", "1x128", "1x384", "8x128", "32x32", "mixed"]
PRECISIONS = ["fp32", "bf16", "int8"]
COLORS = {"distillery": "#d9480f", "onnxruntime": "#1971c2", "openvino": "#2f9e44", "pytorch": "#868e96"}


def base(label):
    return label.split(",")[0]


def best(entry, name):
    """A contender's summary, of the way of batching that suits it best."""
    return min((v for k, v in entry["contenders"].items() if base(k) == name), key=lambda v: v["median_ms"])


def names(entry):
    result = []
    for label in entry["contenders"]:
        if base(label) not in result:
            result.append(base(label))
    return [name for name in COLORS if name in result]


def ratio(entry):
    """How many times our time the best peer takes."""
    peers = [best(entry, name)["median_ms"] for name in names(entry) if name != "distillery"]
    return min(peers) / best(entry, "distillery")["median_ms"]


def of_peak(entry):
    """The share of the precision's peak of the same cores in the same run, by the operations that ours really computes."""
    return entry["gflop"] / (best(entry, "distillery")["median_ms"] * 1e-3) / entry["peak_gflops"]


def engine_line(shape, entry):
    """A line of the table that is shown while measuring."""
    parts = [f"{k} {v['median_ms']:.1f} (p99 {v['p99_ms']:.1f})" for k, v in entry["contenders"].items()]
    count = entry["contenders"]["distillery"]["passes"]
    return (
        f"{shape:6} ms: {' | '.join(parts)} | best peer / ours {ratio(entry):.2f} | of the peak {of_peak(entry):.0%} "
        f"| {count} passes"
    )


def engine_tables(results):
    """Markdown tables of the comparison of engines."""
    lines = []
    entries = results.get("engines", {})
    for precision in PRECISIONS:
        for threads in (1, 2):
            found = {s: entries[k] for s in SHAPES if (k := f"{precision} {threads} {s}") in entries}
            if not found:
                continue
            order = names(next(iter(found.values())))
            computes = next(iter(found.values()))["computes"]
            heads = [n if computes.get(n, precision) == precision else f"{n} (runs {computes[n]})" for n in order]
            lines.append(f"\n{precision}, {threads} thread{'s' if threads > 1 else ''}: median (p99), ms\n")
            lines.append(f"| shape | {' | '.join(heads)} | best peer / ours | of the peak | passes |")
            lines.append("|---" * (len(order) + 4) + "|")
            for shape, entry in found.items():
                cells = [f"{best(entry, n)['median_ms']:.1f} ({best(entry, n)['p99_ms']:.1f})" for n in order]
                passes = best(entry, "distillery")["passes"]
                lines.append(f"| {shape} | {' | '.join(cells)} | {ratio(entry):.2f} | {of_peak(entry):.0%} | {passes} |")
    return lines


def chart(results, path):
    """Speed relative to ours, by precision and number of threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    entries = results.get("engines", {})
    rows = [p for p in PRECISIONS if any(k.startswith(p) for k in entries)]
    columns = sorted({int(k.split()[1]) for k in entries})
    figure, axes = pyplot.subplots(
        len(rows), len(columns), figsize=(5.5 * len(columns), 2.6 * len(rows)), squeeze=False, sharey=True
    )
    for row, precision in enumerate(rows):
        for column, threads in enumerate(columns):
            axis = axes[row][column]
            found = {s: entries[k] for s in SHAPES if (k := f"{precision} {threads} {s}") in entries}
            if not found:
                axis.set_visible(False)
                continue
            order = [n for n in COLORS if any(n in names(e) for e in found.values())]
            width = 0.8 / max(1, len(order))
            for index, name in enumerate(order):
                places, heights = [], []
                for place, entry in enumerate(found.values()):
                    if name in names(entry):
                        places.append(place + (index - (len(order) - 1) / 2) * width)
                        ours = best(entry, "distillery")["median_ms"]
                        heights.append(ours / best(entry, name)["median_ms"])
                axis.bar(places, heights, width * 0.92, color=COLORS[name], label=name)
            axis.axhline(1, color=COLORS["distillery"], linewidth=0.8)
            axis.set_xticks(range(len(found)), list(found))
            axis.set_title(f"{precision}, {threads} thread{'s' if threads > 1 else ''}", fontsize=10)
            axis.spines[["top", "right"]].set_visible(False)
            if column == 0:
                axis.set_ylabel("speed, ours = 1")
    figure.legend(
        [pyplot.Rectangle((0, 0), 1, 1, color=color) for color in COLORS.values()],
        list(COLORS),
        loc="lower center",
        ncols=len(COLORS),
        frameon=False,
        fontsize=9,
    )
    cpu = results.get("machine", {}).get("cpu", "")
    figure.suptitle(f"DistilBERT-base to logits, {cpu}, medians of alternating passes; higher is faster", fontsize=10)
    figure.tight_layout(rect=(0, 0.04, 1, 1))
    figure.savefig(path, dpi=110)


def rest(results):
    """The other measurements, as ops/bench's scripts have worded them."""
    lines = []
    for section in sorted(set(results) - {"engines", "machine"}):
        lines.append(f"\n{section}\n")
        for key, entry in sorted(results[section].items()):
            lines.append(f"- {key}: {entry['text']}")
    return lines


def write():
    """Prints everything that was measured, and writes ops/bench/results/results.md and engines.png."""
    results = contest.load_results()
    if not results:
        return
    machine = results["machine"]
    lines = ["# Measured beside the peers", ""]
    lines += ["Written by `ops/bench/run --report` from results.json; ops/bench/README.md says what was measured how.", ""]
    lines.append(f"{machine['cpu']}, {machine['cpus']} CPUs, {', '.join(machine['instruction_sets'])}.")
    lines += contest.remarks(machine)
    lines += engine_tables(results) + rest(results)
    text = "\n".join(lines) + "\n"
    (contest.RESULTS.parent / "results.md").write_text(text)
    if results.get("engines"):
        chart(results, contest.RESULTS.parent / "engines.png")
    print(text)
