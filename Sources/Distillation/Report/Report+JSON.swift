import JSON

/// `report.json`: fractions between 0 and 1, an *interval* as `{"value","low","high"}` with the ends of the 95 %
/// interval; what was not measured is `null`.
///
///     {"format": 1, "title", "task", "metric", "n", "labels": ["…"], "headline", "least_kept",
///      "serve": the name of the system to serve,
///      "draws": the names of the draws of training data, [] where there is one,
///      "systems": [{"name", "kind", the teacher first
///          "seeds", "draws": how many its numbers are the mean of, 0 where it has none,
///          "metrics": {name: interval, …}, over the seeds,
///          "difference": the interval of the deciding metric less the teacher's, "kept": of it by the teacher's,
///          "verdict": "better" | "worse" | "no gain" than the teacher, null of the teacher,
///          "requests_per_second", "throughput": [of each round], "bytes", "parameters", "notes": ["…"],
///          "runs": [{"seed", "draw": from 1, "contents": hash of the folder's files, "metrics": {"task", "n", name: number, …},
///              "intervals": {name: interval of this run alone, …}, "kept": interval}],
///          "confusions": [{"label", "predicted", "count", "share"}], the most frequent first,
///          "calibration": [{"low", "high", "n", "confidence", "accuracy"}],
///          "out_of_scope": {"threshold", "kept", "accuracy", "accuracy_of_kept", "recall", "auroc"}}],
///      "distillation": {"student", "without", "difference": interval, "verdict"} or null,
///      "alternatives": [{"student": the first one, "without": another system, "difference": interval, "verdict"}],
///      "missing": [{"name", "reason"}], "warnings": ["…"],
///      "texts": [{"text", "text_pair"}], some of those tested on,
///      "setting": {"processor", "instruction_set", "threads", "timed", "seed", "resamples",
///          "data": [{"role", "name", "n", "hash"}]}}
extension Report {
    package var json: String {
        JSONText.object([
            ("format", 1), ("title", title), ("task", task.rawValue), ("metric", metric), ("n", examples),
            ("labels", labels), ("headline", headline), ("least_kept", leastKept), ("serve", recommended),
            ("draws", draws),
            ("systems", rows.map(json)),
            ("distillation", gain.map { json($0.without) }), ("alternatives", alternatives.map(json)),
            ("missing", missing.map { JSONText.object([("name", $0.name), ("reason", $0.reason)]) }),
            ("warnings", warnings),
            ("texts", texts.map { JSONText.object([("text", $0.text), ("text_pair", $0.pair)]) }),
            (
                "setting",
                JSONText.object([
                    ("processor", setting.processor), ("instruction_set", setting.instructionSet),
                    ("threads", setting.threads), ("timed", setting.timedTexts), ("seed", seed),
                    ("resamples", resamples),
                    (
                        "data",
                        setting.files.map {
                            JSONText.object([
                                ("role", $0.role), ("name", $0.name), ("n", $0.examples), ("hash", $0.hash),
                            ])
                        }
                    ),
                ])
            ),
        ]).json
    }

    /// The name of the system that the headline recommends.
    package var recommended: String { served.system.name }

    /// The system that the headline recommends.
    var served: Row {
        if case .serve(let row) = recommendation { row } else { teacher }
    }

    private func json(_ alternative: Alternative) -> JSONText {
        JSONText.object([
            ("student", rows.first { $0.system.kind == .student }?.system.name), ("without", alternative.system.name),
            ("difference", alternative.difference.text), ("verdict", alternative.verdict.rawValue),
        ])
    }

    private func json(_ row: Row) -> JSONText {
        let system = row.system
        return JSONText.object([
            ("name", system.name), ("kind", system.kind.rawValue),
            ("seeds", system.seeds), ("draws", system.draws),
            ("metrics", JSONText.object(row.metrics.map { ($0.name, $0.interval.text) })),
            ("difference", row.difference?.text), ("kept", row.kept?.text), ("verdict", row.verdict?.rawValue),
            ("requests_per_second", system.requestsPerSecond), ("throughput", system.throughput),
            ("bytes", system.bytes), ("parameters", system.parameters), ("notes", system.notes),
            (
                "runs",
                zip(system.runs, row.runs).map { run, numbers in
                    JSONText.object([
                        ("seed", run.seed), ("draw", run.draw), ("contents", run.contents), ("metrics", run.metrics),
                        ("intervals", JSONText.object(numbers.metrics.map { ($0.name, $0.interval.text) })),
                        ("kept", numbers.kept?.text),
                    ])
                }
            ),
            (
                "confusions",
                (system.confusion?.confusions(20) ?? []).map {
                    JSONText.object([
                        ("label", label($0.gold)), ("predicted", label($0.predicted)), ("count", $0.count),
                        ("share", $0.share),
                    ])
                }
            ),
            (
                "calibration",
                system.calibration.map { calibration in
                    calibration.bins.map {
                        JSONText.object([
                            ("low", $0.lower), ("high", $0.upper), ("n", $0.count), ("confidence", $0.confidence),
                            ("accuracy", $0.accuracy),
                        ])
                    }
                }
            ),
            ("out_of_scope", system.outOfScope?.json),
        ])
    }

    func label(_ index: Int) -> String { labels.indices.contains(index) ? labels[index] : "label \(index)" }
}

extension Interval {
    fileprivate var text: JSONText { JSONText.object([("value", estimate), ("low", lower), ("high", upper)]) }
}
