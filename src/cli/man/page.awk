# Fills a page's source in scdoc's format from the tables of `lockstep help --options`, so that neither the list of
# commands, nor the options, nor the keys of a configuration are written twice.
# Usage: awk -v topic=COMMAND -f page.awk TABLES PAGE.scd

BEGIN { FS = "\t" }

# what scdoc would take for its own, in all but headings
function plain(text) {
    gsub(/[\\_*]/, "\\\\&", text)
    return text
}

# with a capital, unless it begins with a word of a program's language, such as auto (default), max(x, 0) or lr
function sentence(text) {
    if (text ~ /^[a-z][a-z-]* [a-z]/)
        text = toupper(substr(text, 1, 1)) substr(text, 2)
    return plain(text) "."
}

# words in capitals stand for something else
function usage(text,    out) {
    while (match(text, /[A-Z][A-Z_]*/)) {
        out = out plain(substr(text, 1, RSTART - 1)) "_" plain(substr(text, RSTART, RLENGTH)) "_"
        text = substr(text, RSTART + RLENGTH)
    }
    return out plain(text)
}

function synopsis(    i) {
    for (i = 1; i <= n_usages; i++)
        print "*lockstep " topic "* [_OPTION_]... " usages[i] (i < n_usages ? "++" : "")
    if (!n_usages)
        print "*lockstep " topic "* [_OPTION_]..."
}

NR == FNR && $1 == "command" { summaries[$2] = $3; commands = commands "*lockstep-" $2 "*(1)\n\t" plain($3) "\n\n" }
NR == FNR && $1 == "usage" { usages[++n_usages] = usage($2) }
NR == FNR && $1 == "option" {
    options = options ($2 == "-" ? "" : "*" $2 "*, ") "*" $3 "*" ($4 == "-" ? "" : "=" "_" plain($4) "_") "\n\t" plain($5) ".\n\n"
}
NR == FNR && $1 == "layer" {
    example = $9
    gsub(/\\n/, "\n  ", example)
    sub(/\n  $/, "", example)
    layers = layers "## " $2 "\n\n" sentence($8) "\n\n```\nmodel:\n  " example "\n```\n\n"
}
NR == FNR && $1 == "key" {
    row = "*" plain($3) "*\n\t" sentence($8) "++\n" plain($4)
    row = row ($6 == "-" ? "" : $6 == "required" ? "; required" : "; default *" plain($6) "*")
    row = row ($7 == "-" ? "" : "; only with " plain($7)) "\n\n"
    if ($2 == "-")
        keys = keys row
    else
        layers = layers row
}
NR == FNR { next }

/^@SUMMARY@$/ { print "lockstep-" topic " - " plain(summaries[topic]); next }
/^@SYNOPSIS@$/ { synopsis(); next }
/^@COMMANDS@$/ { printf "%s", commands; next }
/^@OPTIONS@$/ { printf "%s", options; next }
/^@KEYS@$/ { printf "%s", keys; next }
/^@LAYERS@$/ { printf "%s", layers; next }
{ print }
