# What the scripts of this folder share: where things are kept, and how they are made. Sourced in the repository's root
# after ops/common.bash and ops/server.bash, not run.

# Models that only measurements use, as a model repository, and the peers' files.
bench_models() {
    echo "$(models_folder)/../bench/models"
}

# Writes a DistilBERT-base with seeded random weights and MiniLM's vocabulary, which has its size, once.
make_checkpoint() {
    local folder
    folder=$(bench_models)/distilbert-base
    ops/fetch-texts "$(models_folder)/../texts"
    [ ! -d "$folder/1" ] || return 0
    step "writing a DistilBERT-base with random weights"
    mkdir -p "$folder"
    rm -rf "$folder/.partial"
    PYTHONPATH=ops PYTHONDONTWRITEBYTECODE=1 "${1:-python3}" -c '
import sys, seeded_checkpoint
seeded_checkpoint.SeededCheckpoint(
    family="distilbert", layers=6, hidden=768, heads=12, intermediate=3072, vocabulary=30522, labels=2, prefixed=True,
    seed=11,
).write(sys.argv[1])' "$folder/.partial"
    cp "$(models_folder)/../texts/vocab.txt" "$folder/.partial/vocab.txt"
    mv "$folder/.partial" "$folder/1"
}

# Installs the peers, makes their models, builds ours, and sets `python`, `models`, `texts` and `binaries`.
prepare_peers() {
    python=$(ops/bench/setup)/bin/python
    export PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=ops/bench
    models=$(bench_models)
    texts=$(models_folder)/../texts
    make_checkpoint "$python"
    if [ ! -s "$models/../onnx/distilbert-int8.xml" ]; then
        step "making the peers' models (a minute)"
        quietly "$models/prepare.log" "$python" ops/bench/prepare.py "$models" "$texts/texts.jsonl" ||
            fail "the peers' models cannot be made"
    fi
    local program
    for program in benchmarks "$@"; do
        quietly .build/bench.log swift build -c release --product "$program" || fail "the build failed"
    done
    binaries=$(swift build -c release --show-bin-path)
}
