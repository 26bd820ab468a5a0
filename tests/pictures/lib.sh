# shellcheck shell=bash
# Sourced by run.sh: pictures are made, answered, judged. Expects $lockstep, $make_pictures, $images,
# $labels, $work, $run, $width.
# shellcheck disable=SC2154 # those

digits_in() { echo $(($(stat -c %s "$1") - 8)); }

# made KIND COUNT: pictures and answers into $work/KIND
made() {
    rm -rf "${work:?}/$1"
    mkdir -p "$work/$1"
    "$make_pictures" "$1" "$work/$1" "$images" "$labels" "$2" "$width"
}

# Forms become photos, under the names that answers has with .jpg.
photographed() {
    local file seed=0
    for file in "$work"/form/*.png; do
        bash "$(dirname "${BASH_SOURCE[0]}")/photograph.sh" "$file" "${file%.png}.jpg" $((seed += 1)) "$width"
        rm "$file"
    done
    sed -i 's/\.png\t/.jpg\t/' "$work/form/answers"
}

# answered KIND [OPTION...]: the program's answers in $work/KIND/found, a JSON object a line. Pictures that it refuses
# are named in $work/KIND/log.
answered() {
    local kind=$1
    shift
    cut -f 1 "$work/$kind/answers" | sed "s,^,$work/$kind/," >"$work/$kind/names"
    "$lockstep" predict "$run" --files-from "$work/$kind/names" --format json "$@" >"$work/$kind/found" 2>"$work/$kind/log" </dev/null || true
}

# counts KIND: pictures, right, refused, wrong, wrong and unsure, right and unsure
counts() {
    jq -r '[(.file | sub(".*/"; "")), .class, ((.unsure // []) | length)] | @tsv' "$work/$1/found" |
        awk -F '\t' 'FILENAME != "-" { want[$1] = $2; n++; next }
            $1 in want { said++; good = want[$1] == $2; right += good; wrong += !good
                good_unsure += good && $3; bad_unsure += !good && $3 }
            END { print n, right + 0, n - said, wrong + 0, bad_unsure + 0, good_unsure + 0 }' "$work/$1/answers" -
}

heading() {
    printf '%-12s %8s %8s %8s %6s %14s %14s\n' kind pictures 'right %' refused wrong 'unsure: wrong' 'right'
}

# judged KIND: its line of the table
judged() {
    counts "$1" | awk -v kind="$1" '{ printf "%-12s %8d %8.2f %8d %6d %14s %14s\n", kind, $1, 100 * $2 / $1, $3, $4,
        $4 ? sprintf("%.1f %%", 100 * $5 / $4) : "-", $2 ? sprintf("%.2f %%", 100 * $6 / $2) : "-" }'
}

# cmp_plain COUNT: how many of the plain pictures' prepared pixels are the data set's
cmp_plain() {
    local n
    n=$(digits_in "$labels")
    tail -c +17 "$images" | od -An -v -tu1 -w784 | awk -v n="$n" -v count="$1" '
        int(i * n / count) == NR - 1 && i < count { $1 = $1; gsub(" ", ","); print "[" $0 "]"; i++ }' |
        paste - <(jq -c .pixels "$work/plain/found") | awk '{ same += $1 == $2 } END { print same + 0 " of " NR }'
}

# whole lines|form: numbers that are right from first to last digit
whole() {
    jq -r -n '[inputs] | group_by(.file)[] | (.[0].file | sub(".*/"; "")) + "\t" +
        (group_by(.line) | map(sort_by(.place) | map(.class | tostring) | join("")) | join(" ")) + "\t" +
        (map((.unsure // []) | length | select(. > 0)) | length | tostring)' "$work/$1/found" |
        awk -F '\t' -v kind="$1" 'FILENAME != "-" { want[$1] = $2; touch[$1] = $3 > 0; next }
            { got[$1] = $2; unsure[$1] = $3 > 0 }
            END {
                for (f in want) {
                    k = touch[f]; n[k]++; good = got[f] "" == want[f] ""; right[k] += good; right_unsure += good && unsure[f]
                    wrong_unsure += !good && unsure[f]
                    parts = split(want[f], w, " "); split(got[f], g, " ")
                    for (i = 1; i <= parts; i++) {
                        each[k] += length(w[i])
                        if (length(w[i]) == length(g[i]))
                            for (c = 1; c <= length(w[i]); c++) digit[k] += substr(w[i], c, 1) == substr(g[i], c, 1)
                    }
                }
                for (k = 0; k < 2; k++)
                    if (n[k])
                        printf "%s%s: %d of %d whole (%.1f %%), %d of %d digits\n", kind, k ? " with digits that touch" : "",
                            right[k], n[k], 100 * right[k] / n[k], digit[k], each[k]
                all = n[0] + n[1] - right[0] - right[1]
                printf "%s: with an unsure digit %d of the %d that are wrong, %d of the %d that are right\n", kind,
                    wrong_unsure, all, right_unsure, right[0] + right[1]
            }' "$work/$1/answers" -
}
