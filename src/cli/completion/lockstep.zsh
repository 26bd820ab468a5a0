#compdef lockstep
# Completion of lockstep's command lines for zsh: the program itself says what is possible.

local line candidate described
local -a finished unfinished
while IFS= read -r line; do
    candidate=${line%%$'\t'*}
    described=${candidate//:/\\:}${${line#*$'\t'}:+:${line#*$'\t'}} # a colon parts the two
    case $candidate in
    (:files) compset -P '*='; _files ;;
    (:yaml) _files -g '*.y(a|)ml' ;;
    (:folders) compset -P '*='; _files -/ ;;
    (*=) unfinished+=("$described") ;; # waits for a value
    (*) finished+=("$described") ;;
    esac
done < <(${(Q)words[1]} --complete "${(@Q)words[2,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)
(( $#unfinished )) && _describe 'lockstep' unfinished -S ''
(( $#finished )) && _describe 'lockstep' finished
return 0
