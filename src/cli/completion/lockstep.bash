# shellcheck shell=bash
# Completion of lockstep's command lines for bash: the program itself says what is possible.

_lockstep_names() { # _lockstep_names WORD OPTION_OF_COMPGEN...
    local name
    compopt -o filenames
    while IFS= read -r name; do COMPREPLY+=("$name"); done < <(compgen "${@:2}" -- "$1")
}

_lockstep() {
    local line=${COMP_LINE:0:COMP_POINT} words word lead="" candidate
    read -ra words <<<"$line"
    case $line in *[[:space:]]) words+=("") ;; esac
    word=${words[-1]}
    # where "=" ends a word, bash replaces only what stands behind it
    case $COMP_WORDBREAKS in *=*) case $word in *=*) lead=${word%"${word##*=}"} ;; esac ;; esac
    COMPREPLY=()
    while IFS=$'\t' read -r candidate _; do
        case $candidate in
        :files) _lockstep_names "${word##*=}" -f ;;
        :folders) _lockstep_names "${word##*=}" -d ;;
        :yaml)
            _lockstep_names "${word##*=}" -d
            _lockstep_names "${word##*=}" -f -X '!*.y*ml'
            ;;
        *) COMPREPLY+=("${candidate#"$lead"}") ;;
        esac
    done < <("${words[0]}" --complete "${words[@]:1}" 2>/dev/null)
    # behind --out= or data.dir= the same word goes on
    case ${#COMPREPLY[@]}:${COMPREPLY[0]-} in 1:*=) compopt -o nospace ;; esac
}

complete -F _lockstep lockstep
