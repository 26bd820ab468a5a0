# shellcheck shell=bash
# Figures of runs for tables, shared by the scripts that train several seeds, which source it: what summaries say, and
# awk with statistics over it.

tables=$(dirname "${BASH_SOURCE[0]}")

# with_statistics NAME ARGUMENT...: the table tables/NAME.awk, which has the functions of statistics.awk
with_statistics() { awk -f "$tables/statistics.awk" -f "$tables/$1.awk" "${@:2}"; }

# summary_values KEY... -- RUN...: of each run folder's summary a line, with tabs between the values; - for null and for
# what it does not have
summary_values() {
    local keys=()
    while [ "$1" != -- ]; do keys+=("$1") && shift; done
    shift
    [ $# -gt 0 ] || return 0
    awk -v keys="${keys[*]}" '
        function flush_run(  i, line) {
            for (i = 1; i <= n; i++) line = line (i > 1 ? "\t" : "") (key[i] in value ? value[key[i]] : "-")
            print line
            split("", value)
        }
        BEGIN { n = split(keys, key, " ") }
        FNR == 1 && NR > 1 { flush_run() }
        match($0, /^ *"[a-z0-9_]+": /) {
            name = substr($0, 1, RLENGTH)
            text = substr($0, RLENGTH + 1)
            gsub(/[ ":]/, "", name)
            sub(/,$/, "", text)
            gsub(/^"|"$/, "", text)
            if (text != "null") value[name] = text
        }
        END { flush_run() }' "${@/%//summary.json}"
}

# run_figures RUN...: a line each, with tabs: accuracy on validation and test images in per cent, both of the weights that
# the run is tested with; seconds of training; ranks x threads; digest of the weights; number of test images. - where there
# is none. A run that was stopped has no seconds: its summary knows those since it went on.
run_figures() {
    summary_values test_validation_accuracy validation_accuracy test_accuracy train_seconds resumed_from world_size \
        threads_per_rank weights_sha256 test_total -- "$@" | awk -F '\t' -v OFS='\t' '
        function percent(share) { return share == "-" ? "-" : sprintf("%.6f", 100 * share) }
        { print percent($1 != "-" ? $1 : $2), percent($3), $5 == "-" ? $4 : "-", $6 " x " $7, $8, $9 }'
}

# run_name RUN: that of its configuration
run_name() { sed -n 's/^name: //p' "$1/config.yaml"; }
