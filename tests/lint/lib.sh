# shellcheck shell=bash
# Sourced by the lint scripts: arguments, findings, and C source without comments and strings.
# Each script takes the source folder (and, where it needs one, the build folder) so that tests/lint/planted.sh can
# run it on a copy with a violation in it.
set -euo pipefail
shopt -s lastpipe # so that report counts at the end of a pipe
export LC_ALL=C

findings=0

# Reports standard input, one finding a line, under a rule that says what is wrong and what to do.
report() {
    local lines
    lines=$(cat)
    [ -n "$lines" ] || return 0
    echo "lint: $1"
    printf '%s\n' "$lines" | sed 's/^/    /'
    findings=$((findings + 1))
}

finish() {
    [ "$findings" -eq 0 ] || exit 1
    exit 0
}

skip() {
    echo "skipped: lint/$(basename "$0" .sh): $*"
    exit 77
}

# Every file of the project, wherever the tree came from: no build results, data or runs.
project_files() {
    find . \( -name .git -o -path ./build -o -path ./data -o -path ./runs \) -prune -o -type f -print | sed 's,^\./,,' | sort
}

# C source as "file:line:text": comments and strings blanked, continued lines joined to the first. Include lines keep
# their file names.
code() {
    [ $# -gt 0 ] || return 0
    perl -0777 -ne '
        s{(^[ \t]*\#[ \t]*include[^\n]*)|("(?:\\.|[^"\\\n])*"|\x27(?:\\.|[^\x27\\\n])*\x27)|(/\*.*?\*/)|(//[^\n]*)}{
            defined $1 ? $1 : defined $2 ? "\"\"" : defined $3 ? "\n" x ($3 =~ tr/\n//) : ""}gmse;
        s{((?:[^\n]*\\\n)+[^\n]*)}{my $t = $1; my $n = ($t =~ tr/\n//); $t =~ s/\\\n/ /g; $t . "\n" x $n}ge;
        my $line = 0;
        for (split /\n/) { ++$line; print "$ARGV:$line:$_\n" if /\S/ }' "$@"
}

# Code of all C files below the given folders, except below those after "--".
code_in() {
    local folder files=() without=no skipped=()
    for folder; do
        if [ "$folder" = -- ]; then
            without=yes
        elif [ $without = yes ]; then
            skipped+=(-path "$folder" -prune -o)
        fi
    done
    local where=()
    for folder; do
        [ "$folder" != -- ] || break
        [ ! -d "$folder" ] || where+=("$folder")
    done
    mapfile -t files < <(find "${where[@]}" "${skipped[@]}" -name '*.[ch]' -print | sort)
    code "${files[@]}"
}

# What src/ was compiled to, and what the build wrote beside it, from the compile commands, one symbol a line, between
# tabs: source file, section ("*UND*" where the file uses what another defines), g or l (global or local), F or O
# (function or object), name. Symbols that the compiler or a sanitizer made count for nothing. Run in the source folder.
symbols() { # symbols BUILD_DIR
    local root objects=() sources=()
    root=$(pwd)
    mapfile -t sources < <(jq -r --arg src "$root/src/" \
        --arg made "$1/src/" '.[] | select((.file | startswith($src) or startswith($made)) and (.command | contains(" -o ")))
         | .directory + "/" + (.command | capture(" -o (?<o>([^ \\\\]|\\\\.)+)").o | gsub("\\\\(?<c>.)"; .c)), .file' \
        "$1/compile_commands.json")
    [ ${#sources[@]} -gt 0 ] || return 0
    for ((i = 0; i < ${#sources[@]}; i += 2)); do objects+=("${sources[i]}"); done
    objdump -t "${objects[@]}" | perl -e '
        my ($root, $made, %source) = @ARGV;
        my $file;
        while (<STDIN>) {
            if (/^(.*):\s+file format/) { $file = $source{$1}; $file =~ s,^(\Q$made\E|\Q$root\E)/,,; next }
            my ($flags, $section, $name) = /^[0-9a-f]+ (.{7}) (\S+)\t[0-9a-f]+ (?:\.(?:hidden|internal|protected) )?(\S+)$/ or next;
            next if $name =~ /^\.|^(__|_)?(a|ub|g?co|l)san|__gcov|__odr_asan|^__func__/;
            print join("\t", $file, $section, $flags =~ /^[gu]/ ? "g" : $section eq "*COM*" ? "g" : "l",
                       $flags =~ /F/ ? "F" : "O", $name), "\n" if $section eq "*UND*" || $flags =~ /[FO]/ || $section eq "*COM*";
        }' "$root" "$1" "${sources[@]}"
}
