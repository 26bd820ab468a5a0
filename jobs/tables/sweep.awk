# The table of sweep.sbatch. Lines have tabs: setting, validation %, test %; those of a setting stand together.

function spread(x, n) { # mean and deviation, as far as there are any
    if (n == 0) return sprintf("%8s %6s", "-", "-")
    if (n == 1) return sprintf("%8.3f %6s", x[1], "-")
    return sprintf("%8.3f %6.3f", mean(x, n), deviation(x, n))
}

function range(x, n) { return n ? sprintf("%8.3f %8.3f", least(x, n), most(x, n)) : sprintf("%8s %8s", "-", "-") }

function flush_setting() {
    if (!runs) return
    settings[++n] = setting
    row[n] = sprintf("%5d %s %s %s", runs, spread(test, tested), range(test, tested), spread(validation, validated))
    if (length(setting) > width) width = length(setting)
    runs = tested = validated = 0
}

BEGIN { FS = "\t"; width = 32 }

$1 != setting {
    flush_setting()
    setting = $1
}

{
    runs++
    if ($2 != "-") validation[++validated] = $2
    if ($3 != "-") test[++tested] = $3
}

END {
    flush_setting()
    printf "%-*s %5s %8s %6s %8s %8s %8s %6s\n", width, "setting", "runs", "test %", "+-", "lowest", "highest", "valid. %",
        "+-"
    for (i = 1; i <= n; i++) printf "%-*s %s\n", width, settings[i], row[i]
    print "+-: standard deviation of one run. Choose by validation; the test set is for reporting."
}
