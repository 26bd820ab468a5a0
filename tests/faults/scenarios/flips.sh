# shellcheck shell=bash
# a bit of one rank's memory flips: weights, moments, averages, running moments, frozen layers, images, labels

# Bytes of network.yaml's arrays. Tensors in the order of `lockstep info`: conv1 (175 + 7, frozen), bn1 (7 + 7, and 7 + 7
# running moments), dense1 (1,120 + 10), four bytes each. Nothing else that the program asks for has this size.
readonly flat=5360 frozen_first=0 frozen_size=728 running_first=784 running_size=56 trained_first=840 trained_size=4520
readonly images_all=2000 image_bytes=784
kinds_of_memory=(weights moments averages running frozen images labels)

prepare() {
    noticed=0 unused=0
}
remark() { echo "   $noticed noticed, $unused never used again"; }

# What flips, as SIZE:NUMBER:BYTE:BIT in $flip: a bit of the kind of memory that the seed's turn has.
choose_bit() {
    local size number first length
    what=${kinds_of_memory[$((seed % ${#kinds_of_memory[@]}))]}
    size=$flat number=1 first=0 length=$flat
    case $what in
    weights) first=$trained_first length=$trained_size ;;
    frozen) first=$frozen_first length=$frozen_size ;;
    running) first=$running_first length=$running_size ;;
    moments) pick 2 && number=$((REPLY + 2)) first=$trained_first length=$trained_size ;;
    averages) number=4 ;;
    images)
        size=$(((images_all * (rank + 1) / ranks - images_all * rank / ranks) * image_bytes))
        length=$size
        ;;
    labels) size=$((images_all * (rank + 1) / ranks - images_all * rank / ranks)) length=$size ;;
    esac
    pick "$length" && first=$((first + REPLY))
    pick 8 && flip=$size:$number:$first:$REPLY
}

# The flip comes at a step's message, or up to some milliseconds later. A single rank sends no message: there it is the
# line that a step adds to metrics.jsonl.
flip_somewhere() {
    local at when moment=(FAULT_CALLS=step)
    pick 48 && at=$((REPLY + 1))
    pick 2
    case $REPLY in
    0) when="flip" ;;
    1) when="flip-after" ;;
    esac
    [ "$ranks" -gt 1 ] || moment=(FAULT_CALLS=write "FAULT_PATH=*/metrics.jsonl")
    pick 3000
    life "$ranks" "${moment[@]}" "FAULT_AT=$at" "FAULT_DO=$when" "FAULT_RANK=$rank" "FAULT_FLIP=$flip" "FAULT_DELAY=$((REPLY < 1500 ? 0 : REPLY))"
    flipped_at=$at
}

try() {
    pick 3 && ranks=$((REPLY + 1))
    pick "$ranks" && rank=$REPLY
    choose_bit
    flip_somewhere
    case $status in
    76)
        noticed=$((noticed + 1))
        check_message
        ;;
    0) # it came after the end, or what flipped was never used again: then the results are right as they are
        unused=$((unused + 1))
        case $what in
        images | labels) ;;
        *) [ "$(steps_since)" -le 2 ] || fail "$what of rank $rank: a bit flipped at step $flipped_at, and nobody noticed" ;;
        esac
        ;;
    *) fail "$what of rank $rank: the life ends with $status" ;;
    esac
    settle
    judge
}

# Steps that began after the flip.
steps_since() { sed '1,/^FAULT flipped/d' "$trial/faults" | grep -cE '^[0-9]+ (step|write) ' || true; }

# The message names the rank. What every step reads is noticed by the second step that begins after the flip; where lines of
# metrics.jsonl tell of steps, an epoch's line may be among them.
check_message() {
    local told
    grep -q '^FAULT flipped' "$trial/faults" || fail "nothing flipped, and yet it ends with 76"
    told=$(tail -n 1 "$trial/run/faults.jsonl" 2>/dev/null || true)
    [ "$(jq -r '.rank' <<<"$told" 2>/dev/null)" = "$rank" ] || fail "$what of rank $rank of $ranks: faults.jsonl says $told"
    case $what in
    images | labels) ;;
    *) [ "$(steps_since)" -le $((ranks > 1 ? 2 : 3)) ] || fail "$what of rank $rank: noticed after $(steps_since) steps" ;;
    esac
}
