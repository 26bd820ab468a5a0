# Completion of lockstep's command lines for fish: the program itself says what is possible.

function __lockstep_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    for line in ($words[1] --complete $words[2..] "$word" 2>/dev/null)
        switch $line
            case :files :yaml
                __fish_complete_path $word
            case :folders
                __fish_complete_directories $word ''
            case '*'
                echo $line
        end
    end
end

complete -c lockstep -f -a '(__lockstep_complete)'
