# shellcheck shell=bash
# the disk is full: a file system that is too small, then a larger one (as root; else the calls fail)

# What a run needs, in KiB, is about this much; the seed decides where in it the space ends.
readonly needed=400

try() {
    local size
    pick $needed && size=$((REPLY + 8))
    mkdir "$trial/run"
    if mount -t tmpfs -o "size=${size}k" lockstep-faults "$trial/run" 2>/dev/null; then
        life 1
        mount -o remount,size=64m "$trial/run"
    else
        pick 200
        life 1 "FAULT_CALLS=open,write,mkdir,symlink" "FAULT_AT=$((REPLY + 1))" FAULT_FOR=0 FAULT_DO=ENOSPC
    fi
    [ "$status" -le 1 ] || fail "a disk of $size KiB: the life ends with $status"
    [ "$status" -eq 0 ] || grep -q 'lockstep: error: .*No space left' "$trial/log" || fail "no message names the full disk"
    settle
    judge
    umount "$trial/run" 2>/dev/null || true
}
