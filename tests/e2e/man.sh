#!/usr/bin/env bash
# What is documented is what there is: options in --help, man pages and completion, keys of a configuration, exit
# statuses; and how wrong options are answered.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
pages=$(dirname "$(dirname "$LOCKSTEP")")/man
cd "$work"
PATH=$(dirname "$LOCKSTEP"):$PATH
mapfile -t commands < <("$LOCKSTEP" help --options | cut -f 2)
check "there are commands" [ ${#commands[@]} -ge 8 ]

# --- the table itself
# options COMMAND: long options, sorted
options() { "$LOCKSTEP" help --options "$1" | awk -F '\t' '$1 == "option" { print $3 }' | sort; }

for command in "${commands[@]}"; do
    "$LOCKSTEP" "$command" --help >help.txt
    # an option begins a line, behind its short form
    same "$command: options of --help" "$(options "$command")" \
        "$(sed -nE 's/^  (-., |    )(--[a-z0-9-]+).*/\2/p' help.txt | sort)"
    for option in --help --quiet --verbose; do
        check "$command takes $option" grep -qe "$option" help.txt
    done
    same "$command: no short option twice" "" \
        "$("$LOCKSTEP" help --options "$command" | awk -F '\t' '$1 == "option" && $2 != "-" { print $2 }' | sort | uniq -d)"
    check "$command --help tells the exit statuses" grep -qE 'Exit status: 0 .* 1 .* 2 ' <(tr -s ' \n' ' ' <help.txt)
done
"$LOCKSTEP" help --options config >keys
awk -F '\t' '$1 == "key" { print ($2 == "-" ? "" : $2 ".") $3 }' keys | sort >wanted
"$LOCKSTEP" help config | awk '
    /^  [a-z0-9_]+: / { layer = substr($1, 1, length($1) - 1) "." }
    /^[a-z][a-z0-9_.]*: / { print substr($1, 1, length($1) - 1) }
    /^    [a-z_]+: / && layer { print layer substr($1, 1, length($1) - 1) }' | sort >found
check "keys of help config" diff wanted found

# --- completion
# completions WORD...: what the last word may become
completions() { "$LOCKSTEP" --complete "$@" | cut -f 1; }

same "commands are completed" "$(printf '%s\n' "${commands[@]}" | sort)" "$(completions "" | grep -v '^-' | sort)"
same "a command is completed" train "$(completions tr)"
for command in "${commands[@]}"; do
    same "$command: options completed" "$(options "$command")" "$(completions "$command" -- | tr -d = | sort)"
done
same "words of an option" "auto bar lines never" "$(completions train --progress "" | xargs)"
same "words behind =" "--progress=bar" "$(completions train --progress=b)"
same "words of --on" "test train validation" "$(completions eval --on "" | xargs)"
same "words of a short option" "lines" "$(completions train -p l)"
same "words and files" "auto never :files" "$(completions train --resume "" | xargs)"
awk -F '\t' '$1 == "key" && $2 == "-" && $3 != "model" { print $3 "=" }' keys >wanted
check "keys of --set" diff wanted <(completions train --set "")
same "values of a key" "train.reduce=exact train.reduce=fp32" "$(completions train --set train.reduce= | xargs)"
same "values of a key behind --set=" "--set=train.ema.warmup=true" "$(completions train --set=train.ema.warmup=t)"
same "a folder as value" :folders "$(completions train --set data.dir=x)"
same "shipped networks" "lenet5" "$(completions configs le)"
same "configurations" :yaml "$(completions train "")"
same "topics of help" "config configs" "$(completions help config | sort | xargs)"
same "sections and keys" "train.schedule train.schedule.name" "$(completions help config train.s | grep -xE 'train.schedule(.name)?' | xargs)"
same "layers" "maxpool" "$(completions help maxp | grep -v '[.]')"
same "no key before something is written" "" "$(completions help "" | grep '[.]' || true)"
same "no topic twice in one list" "" "$(completions help conv | sort | uniq -d)"

# --- topics of help, against the table
# topic TOPIC...: what help says of it
topic() { "$LOCKSTEP" help "$@" >out 2>err || show err; }
# named PATTERN: keys of the table whose name, or layer and name, matches; begun: those that help printed
named() { awk -F '\t' -v p="$1" '$1 == "key" { name = ($2 == "-" ? "" : $2 ".") $3; if (name ~ p) print name }' keys | sort; }
begun() { sed -nE 's/^([a-z0-9_.]+): .*/\1/p' out | sort; }
for section in data train train.schedule train.optimizer checkpoint; do
    topic config $section
    same "help config $section: its keys and no other" "$(named "^${section}[.]")" "$(begun)"
done
while IFS= read -r key; do
    topic config "$key"
    same "help config $key: that key" "$key" "$(sed -nE '1s/: .*//p' out)"
    same "help config $key: no other" 1 "$(begun | wc -l)"
    last=${key##*.}
    if [ -z "$(named "^$last([.]|\$)")" ]; then # else that is meant
        topic "$last"
        check "help $last: explains $key" grep -qF "$key: " out
    fi
done < <(named '^[a-z]+[.]' | grep -E '^(data|train|eval|checkpoint|metrics)[.]')
awk -F '\t' '$1 == "layer" { print $2 }' keys >kinds
# a value that has keys of its own leads to those that all values share
topic lamb
check "help lamb leads to its section" grep -q 'help train.optimizer. explains all keys' out
topic best
same "a value without keys of its own leads nowhere" "" "$(grep 'explains all keys' out || true)"
topic layers
check "help layers: every kind, in order" diff kinds <(sed -nE 's/^  ([a-z0-9_]+)  +.*/\1/p' out)
while IFS= read -r kind; do
    topic "$kind"
    same "help $kind: the kind" "$kind" "$(sed -nE '1s/: .*//p' out)"
    same "help $kind: its options and no other" "$(named "^${kind}[.]")" \
        "$(sed -nE "s/^    ([a-z0-9_]+): .*/$kind.\1/p" out | grep -vx "$kind.model" | sort)"
    { sed -n '/^    model:$/,$p' out | sed 's/^    //' && echo "  - flatten" && echo "  - dense: 10"; } >example.yaml
    check "help $kind: the example has the layer (.example of src/nn/layers/$kind.c)" grep -qE "^  - $kind(:|\$)" example.yaml
    check "help $kind: the example is a configuration" "$LOCKSTEP" info example.yaml >/dev/null
    $ok || show example.yaml
done <kinds
topic config train.optimizer.lr
check "a key as it is written in a file" grep -q 'train: {optimizer: {lr: 0.001}}$' out
check "and on a command line" grep -q -- '--set train.optimizer.lr=0.001$' out
topic cosine
check "a value of a key names the key" grep -q '^train.schedule.name: ' out
check "and keys that go with it" grep -q '^train.schedule.min_lr: ' out
check "and no others" eval '! grep -q "^train.schedule.gamma: " out'
for word in MaxPooling2D:maxpool nn.Linear:dense BatchNormalization:batchnorm learning_rate:train.optimizer.lr Dropout:dropout; do
    topic "${word%:*}"
    check "help ${word%:*}: explains ${word#*:}" grep -q "^${word#*:}: " out
done
for word in CrossEntropyLoss layernorm adagrad; do # what is not there
    topic config $word
    same "help config $word: a line of advice" 1 "$(grep -c "^$word: " out)"
    same "help config $word: and no more" 1 "$(wc -l <out)"
done
topic batch
same "a word and what has its name" "train.global_batch eval.batch" "$(begun | sort -r | grep -x '.*[.].*' | xargs)"
topic train
check "help train is the command's" grep -q '^Usage: lockstep train ' out
check "and tells of the section" grep -q 'lockstep help config train' out
rm out err
same "an unknown command" "" "$(completions nonsense "")"
same "nothing to complete" "" "$("$LOCKSTEP" --complete)"

# --- man pages
if [ -e "$pages/lockstep.1" ]; then
    for command in "${commands[@]}"; do
        page=$pages/lockstep-$command.1
        check "$command has a man page: write src/cli/man/lockstep-$command.1.scd" [ -e "$page" ]
        $ok || continue
        check "lockstep(1) names $command" grep -qF "lockstep-$command" "$pages/lockstep.1"
        sed 's/\\-/-/g; s/\\f[BIR]//g' "$page" >page.txt
        # in its OPTIONS, an option is at the begin of a line or behind its short form
        same "$command: options of the man page" "$(options "$command")" \
            "$(sed -n '/^.SH OPTIONS/,/^.SH [^O]/p' page.txt | sed -nE 's/^(-., )?(--[a-z0-9-]+)(=.*)?$/\2/p' | sort)"
        for status in 0 1 2; do
            check "$command: the man page tells status $status" \
                grep -qx $status <(sed -n '/^.SH EXIT STATUS/,/^.SH SEE/p' page.txt)
        done
        for section in NAME SYNOPSIS DESCRIPTION EXAMPLES ENVIRONMENT "SEE ALSO"; do
            check "$command: the man page has $section" grep -qx ".SH $section" page.txt
        done
    done
    check "lockstep-train(1) tells status 75" grep -q '75' "$pages/lockstep-train.1"
    sed 's/\\-/-/g; s/\\f[BIR]//g; s/\\&//g' "$pages/lockstep-config.5" |
        awk '/^.SS / { layer = $2 "." } /^.SH / { inside = $2 == "KEYS" || $2 == "LAYERS" }
            inside && /^\.RS/ && before ~ /^[a-z][a-z0-9_.]*$/ { print layer before } { before = $0 }' | sort >found
    awk -F '\t' '$1 == "key" { print ($2 == "-" ? "" : $2 ".") $3 }' keys | sort >wanted
    check "keys in lockstep-config(5)" diff wanted found
    check "no placeholder is left" eval '! grep -l "^@[A-Z]*@" "$pages"/*'
    for page in "$pages"/lockstep*; do
        if command -v groff >/dev/null; then
            same "groff takes $(basename "$page")" "" "$(groff -ww -man -z "$page" 2>&1)"
        fi
        if command -v mandoc >/dev/null; then # an empty paragraph here and there is scdoc's way
            same "mandoc takes $(basename "$page")" "" \
                "$(mandoc -T lint -W warning "$page" | grep -v 'skipping paragraph macro')"
        fi
    done
else
    echo "man pages are not checked: scdoc was missing when this was configured"
fi

# --- completion in the shells
# answers SHELL LINE WANTED: what the shell offers
folder=$SOURCE/src/cli/completion
mkdir -p "some runs/one"
touch net.yaml other.txt
answers() {
    same "$1 completes '$2'" "$3" "$("$1_completes" "$2" | sort | xargs)"
}
# called by answers
# shellcheck disable=SC2317
bash_completes() {
    bash --norc -c '
        source "$1/lockstep.bash"
        compopt() { :; } # works only while the shell is completing
        COMP_LINE=$2 COMP_POINT=${#2} COMP_WORDBREAKS=$3
        _lockstep
        printf "%s\n" "${COMPREPLY[@]}"' bash "$folder" "$1" $' \t\n"\'><=;|&(:'
}
# shellcheck disable=SC2317
fish_completes() { fish --no-config -c "source '$folder/lockstep.fish'; complete -C '$1'" | cut -f 1; }
# zsh completes only inside its editor: here stand-ins for its functions print what they are given
# shellcheck disable=SC2317
zsh_completes() {
    zsh -f -c '
        _describe() { print -rl -- ${${(P)2}%%:*}; }
        _files() { print -r -- files; }
        compset() { :; }
        words=(${=2}) CURRENT=$#words PREFIX=$words[-1]
        [[ $2 != *" " ]] || words+=("") CURRENT=$#words PREFIX=""
        lockstep_file=$1/lockstep.zsh
        complete_it() { source $lockstep_file; }
        complete_it' zsh "$folder" "$1"
}
for shell in bash zsh fish; do
    command -v $shell >/dev/null || {
        echo "completion for $shell is not tried: no $shell here"
        continue
    }
    answers $shell "lockstep tr" train
    answers $shell "lockstep train --dr" --dry-run
    answers $shell "lockstep train --progress " "auto bar lines never"
    answers $shell "lockstep configs m" "$(basename -a -s .yaml "$SOURCE"/configs/m*.yaml | tr '\n' ' ' | sed 's/ $//')"
done
answers bash "lockstep train --out" "--out="
answers bash "lockstep train --progress=l" "lines"
answers bash "lockstep train --set train.optimizer.name=ada" "adadelta adam adamw"
answers bash "lockstep train n" "net.yaml"
answers bash "lockstep eval o" "other.txt"
same "bash completes a folder with a space" "some runs" "$(bash_completes "lockstep train --out so")"

# --- wrong command lines
# refuses WANTED ARGUMENT...: status 2 and that text
refuses() {
    local wanted=$1 status=0
    shift
    "$LOCKSTEP" "$@" >out 2>err </dev/null || status=$?
    same "lockstep $*: exit status" 2 $status
    check "lockstep $*: '$wanted'" grep -qF -- "$wanted" err
    $ok || show err
    same "lockstep $*: nothing on stdout" "" "$(cat out)"
}
refuses "unknown command 'trian'; did you mean 'train'?" trian
refuses "no help on 'evl'; did you mean 'eval'?" help evl
refuses "no help on 'maxp'; did you mean 'maxpool'?" help maxp
refuses "no help on 'train.optimiser'; did you mean 'train.optimizer'?" help config train.optimiser
refuses "no help on 'Dropot'; did you mean 'dropout'?" help Dropot
refuses '`lockstep help layers` the layers' help zzzzzzzzzz
refuses "unknown command 'conv2d'" help --options conv2d
refuses "unknown option '--outt'; did you mean '--out'?" train net.yaml --outt x
refuses "unknown option '--epochs'; did you mean '--set train.epochs=VALUE'?" train net.yaml --epochs 3
refuses "unknown option '--weight-decay'; did you mean '--set train.optimizer.weight_decay=VALUE'?" train --weight-decay=1
refuses "'--re' is ambiguous: --resume, --refit" train net.yaml --re never
refuses "--quiet takes no value" train net.yaml --quiet=3
refuses "--out: its value is missing: --out DIR" train net.yaml --out
refuses "-o: its value is missing" train net.yaml -o
refuses "unknown option '-x'" train net.yaml -qx
refuses "unknown option '-x'" pack -x a b
refuses "did you mean 'train.epochs'?" train "$config" --set train.epoch=3
refuses "one topic at a time" help train eval
refuses "one topic at a time" help config seed data

# --- quiet, verbose, colours
"$LOCKSTEP" info "$config" -v --set "data.dir=$golden" >out 2>err
"$LOCKSTEP" info "$config" --set "data.dir=$golden" >plain 2>plain.err
check "--verbose names the files read" grep -q "^lockstep: read .*odd.yaml" err
same "without it stderr is empty" "" "$(cat plain.err)"
check "--verbose leaves stdout as it is" cmp out plain
train quiet 1 --set train.max_steps=1 --quiet
same "train --quiet says nothing" "" "$(cat quiet.log)"
train loud 1 --set train.max_steps=1 --verbose
check "train --verbose names the files written" grep -q "^lockstep: wrote .*summary.json" loud.log
same "they train alike" "$(result quiet)" "$(result loud)"

# on_terminal ARGUMENT...: stderr is a terminal; its output
on_terminal() { script -qec "'$LOCKSTEP' $*" /dev/null </dev/null; }
if command -v script >/dev/null; then
    red=$'\033[1;31merror:'
    check "an error is red on a terminal" grep -qF "$red" <(TERM=xterm on_terminal trian)
    plain() { ! grep -q $'\033' <("$@"); } # a pipe would have the status of the command that is refused
    check "not with NO_COLOR" eval 'TERM=xterm NO_COLOR=1 plain on_terminal trian'
    check "not where TERM is dumb" eval 'TERM=dumb plain on_terminal trian'
    check "which is looked for where it is" eval '! TERM=xterm plain on_terminal trian'
    check "an empty NO_COLOR counts as none" grep -qF "$red" <(TERM=xterm NO_COLOR='' on_terminal trian)
else
    echo "colours are not tried: no script(1) here"
fi
"$LOCKSTEP" trian 2>err || true
check "no colour in a file" eval '! grep -q "$(printf "\033")" err'
"$LOCKSTEP" --version >version
for word in "lockstep [0-9]" compiler MPI HDF5 kernels; do
    check "--version tells $word" grep -q "^$word" version
done
LOCKSTEP_ISA=portable "$LOCKSTEP" --version >version
check "--version tells the instruction set asked for" grep -q "^kernels *portable" version
finish
