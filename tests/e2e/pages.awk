# What a page in Markdown holds, as lines of fields with tabs between them. Usage: awk -v what=WHAT -f pages.awk PAGE
#   what=rows      HEAD <tab> CELL...      each row of each table, after the first cell of the table's head; - for nothing
#   what=anchors   ANCHOR                  of each heading, as GitHub makes them
#   what=targets   TARGET                  of each link and picture
#   what=sh        COMMAND                 each line of the blocks marked sh, without its comment
#   what=yaml|c|.. LINE                    of the blocks marked so
#   what=code      LINE                    of all blocks, and code between back quotes

function trim(text) {
    gsub(/^[ \t]+|[ \t]+$/, "", text)
    return text
}
function uncommented(text) {
    sub(/(^|[ \t]+)#.*$/, "", text)
    return trim(text)
}
function row(line,    n, i, cells, out) {
    gsub(/^\||\|[ \t]*$/, "", line)
    n = split(line, cells, "|")
    if (!in_table) {
        in_table = 1
        head = trim(cells[1])
        return
    }
    if (cells[1] ~ /^[ \t:-]+$/ && line ~ /--/)
        return
    out = head
    for (i = 1; i <= n; i++)
        out = out "\t" (trim(cells[i]) == "" ? "-" : trim(cells[i]))
    print out
}
function anchor(title) {
    title = tolower(title)
    gsub(/[^a-z0-9 _-]/, "", title)
    gsub(/ /, "-", title)
    print title
}
function targets(line) {
    while (match(line, /\]\([^)]*\)|(src|srcset|href)="[^"]*"/)) {
        print trim(substr(line, RSTART + (substr(line, RSTART, 1) == "]" ? 2 : index(substr(line, RSTART), "\"")),
            RLENGTH - (substr(line, RSTART, 1) == "]" ? 3 : index(substr(line, RSTART), "\"") + 1)))
        line = substr(line, RSTART + RLENGTH)
    }
}
function spans(line) {
    while (match(line, /`[^`]+`/)) {
        print substr(line, RSTART + 1, RLENGTH - 2)
        line = substr(line, RSTART + RLENGTH)
    }
}

/^```/ { block = block ? "" : (length($0) > 3 ? substr($0, 4) : "plain"); in_table = 0; next }
block {
    if (what == block && what == "sh") { if (uncommented($0) != "") print uncommented($0) }
    else if (what == block || what == "code") print
    next
}
/^\|/ { if (what == "rows") row($0) }
!/^\|/ { in_table = 0 }
/^#+ / && what == "anchors" { sub(/^#+ /, ""); anchor($0) }
what == "targets" { targets($0) }
what == "code" { spans($0) }
