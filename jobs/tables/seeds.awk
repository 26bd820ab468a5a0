# The table of seeds.sh. Lines have tabs: seed, validation %, test %, seconds, ranks x threads, digest, number of test
# images, shifted %. Variables: name of the recipe, together (% of all networks at once, or -), looks (at an
# image, or 0), where (the part of the data that these two are of).

function column(c, title) { # it is there where any run has a figure
    if (count[c]) {
        of[++columns] = c
        titles[columns] = title
    }
}

function pick(c, what,  i, x) {
    for (i = 1; i <= count[c]; i++) x[i] = figure[c, i]
    if (what == "mean") return mean(x, count[c])
    if (what == "standard deviation") return deviation(x, count[c])
    if (what == "standard error") return standard_error(x, count[c])
    return what == "least" ? least(x, count[c]) : most(x, count[c])
}

function cell(c, what) { # one run has no spread
    return count[c] > (what == "mean" ? 0 : 1) ? sprintf("%.3f", pick(c, what)) : "-"
}

function line(what,  i, text) {
    text = sprintf("%-18s", what)
    for (i = 1; i <= columns; i++) text = text sprintf(" %12s", cell(of[i], what))
    print text
}

function run_line(r,  i, value, text) {
    text = sprintf("%-18s", seed[r])
    for (i = 1; i <= columns; i++) {
        value = row[r, of[i]]
        text = text sprintf(" %12s", value == "-" ? "-" : sprintf("%.3f", value))
    }
    printf "%s  %-15s  %.16s\n", text, layout[r], digest[r]
}

function markdown(  i, c, head, rule, body) {
    head = "| recipe | seeds |"
    rule = "| --- | ---: |"
    body = sprintf("| %s | %d |", name, NR)
    for (i = 1; i <= columns; i++) {
        c = of[i]
        head = head " " titles[i] " |"
        rule = rule " ---: |"
        if (c == SECONDS) body = body " " sprintf(pick(c, "mean") < 10 ? "%.2f" : "%.0f", pick(c, "mean")) " |"
        else if (count[c] < 2) body = body " " cell(c, "mean") " |"
        else body = body " " cell(c, "mean") " ± " cell(c, "standard deviation") " (" cell(c, "standard error") "; " \
            cell(c, "least") " to " cell(c, "most") ") |"
    }
    if (together != "-") {
        head = head " ensemble % |"
        rule = rule " ---: |"
        body = body sprintf(" %.3f |", together)
    }
    print head " weights of seed " seed[1] " |\n" rule " --- |\n" body sprintf(" `%.16s` |", digest[1])
    print "%: mean ± standard deviation (standard error; least to most)"
}

BEGIN { FS = "\t"; VALIDATION = 1; TEST = 2; SECONDS = 3; SHIFTED = 4 }

{
    seed[NR] = $1
    row[NR, VALIDATION] = $2
    row[NR, TEST] = $3
    row[NR, SECONDS] = $4
    row[NR, SHIFTED] = $8
    layout[NR] = $5
    digest[NR] = $6
    if ($4 == "-") resumed++
    if ($5 != layout[1]) mixed = 1
    for (c = 1; c <= 4; c++) if (row[NR, c] != "-") figure[c, ++count[c]] = row[NR, c]
}

END {
    column(VALIDATION, "validation %")
    column(TEST, "test %")
    column(SHIFTED, "shifted %")
    column(SECONDS, "seconds")
    text = sprintf("%-18s", "seed")
    for (i = 1; i <= columns; i++) text = text sprintf(" %12s", titles[i])
    print text "  ranks x threads  weights_sha256"
    for (r = 1; r <= NR; r++) run_line(r)
    line("mean")
    line("standard deviation")
    line("standard error")
    line("least")
    line("most")
    seen = "on " where " images" (looks ? ", mean of " looks " looks at each" : "")
    if (together != "-") printf "%-18s %12.3f  %d networks together %s\n", "ensemble", together, NR, seen
    if (looks) print "shifted: " seen
    print "seconds: of training steps" (resumed ? "; not known of " resumed " of " NR " runs, which were stopped and went on" : "")
    if (mixed) print "the seconds are of different numbers of ranks and threads: their mean tells little"
    if (count[VALIDATION] && count[TEST]) print "choose by validation; the test set is for reporting"
    print ""
    markdown()
}
