# The comparison of seeds.sh, from two files, of A and of B. Lines have tabs: seed, validation %, test %, seconds, ranks x
# threads, digest, number of test images. Variables: a and b, the names of the two.

function refuse(text) {
    print "seeds.sh: error: " text >"/dev/stderr"
    refused = 1
    exit 1
}

function signed(value,  text) {
    text = sprintf("%+.3f", value)
    sub(/^-0\.000$/, "+0.000", text)
    return text
}

function spread(x, n) { return sprintf("%.3f +- %.3f", mean(x, n), deviation(x, n)) }

# A line for the figure in that column, over the seeds that have it in both. Returns the number of these.
function compare(c, title,  n, i, x, y, d, error, t, half, p) {
    for (i = 1; i <= seeds; i++)
        if (of_a[seed[i], c] != "-" && of_b[seed[i], c] != "-") {
            x[++n] = of_a[seed[i], c]
            y[n] = of_b[seed[i], c]
            d[n] = y[n] - x[n]
        }
    if (n < 2) return n
    error = standard_error(d, n)
    t = mean(d, n) < 0 ? -mean(d, n) : mean(d, n)
    if (error > 0) p = 1 - t_inside(t / error, n - 1)
    else p = t > 0 ? 0 : 1 # all pairs differ by the same
    half = t_bound(0.95, n - 1) * error
    printf "%-12s %6d %20s %20s %10s   %20s   %s\n", title, n, spread(x, n), spread(y, n), signed(mean(d, n)),
        signed(mean(d, n) - half) " to " signed(mean(d, n) + half), p < 0.0001 ? "below 0.0001" : sprintf("%.4f", p)
    return n
}

BEGIN { FS = "\t" }

FNR == NR {
    for (c = 2; c <= 4; c++) of_a[$1, c] = $c
    images[$1] = $7
    order[++n_a] = $1
    next
}

!($1 in images) {
    only_b = only_b " " $1
    next
}

{
    if (images[$1] > 0 && $7 > 0 && images[$1] != $7)
        refuse("they were tested on different sets: on " images[$1] " and on " $7 " images")
    for (c = 2; c <= 4; c++) of_b[$1, c] = $c
    seed[++seeds] = $1
    shared[$1] = 1
}

END {
    if (refused) exit 1
    for (i = 1; i <= n_a; i++) if (!(order[i] in shared)) only_a = only_a " " order[i]
    if (seeds < 2) refuse("a paired comparison wants two seeds that both have; they share " seeds + 0)
    print "A: " a "\nB: " b
    if (only_a != "") print "only in A, left out: seeds" only_a
    if (only_b != "") print "only in B, left out: seeds" only_b
    printf "%-12s %6s %20s %20s %10s   %20s   %s\n", "", "pairs", "A", "B", "B - A", "95 % interval", "p"
    pairs = compare(2, "validation %") + compare(3, "test %")
    compare(4, "seconds")
    if (pairs < 2) refuse("no accuracy is known of two seeds of both")
    print "+-: standard deviation of one run. Interval and p: paired by seed, Student's t, two-sided"
}
