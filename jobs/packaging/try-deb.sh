#!/usr/bin/env bash
# Tries the Debian packages on a bare Debian, which it makes in a folder of its own.
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<'TEXT'
Usage: jobs/packaging/try-deb.sh [--suite SUITE] [--keep] FOLDER

FOLDER has the three packages that cpack made (README.md beside this). As root, with debootstrap and network:
makes a bare Debian (SUITE, bookworm unless told otherwise) below TMPDIR, installs lockstep there with apt, trains a small
network alone and under mpirun, reads manual pages, asks for completions; installs liblockstep-dev and builds
tests/consumer by CMake and by pkg-config, with a user who is not root; then purges all and looks for what stayed.
--keep leaves the folder, and prints its name. Needs some 1.5 GB of disk and several minutes.
TEXT
}

suite=bookworm keep=no folder=''
while [ $# -gt 0 ]; do
    case $1 in
    -h | --help) usage && exit 0 ;;
    --suite) suite=${2-} && shift 2 ;;
    --keep) keep=yes && shift ;;
    -*) usage >&2 && exit 2 ;;
    *) folder=$1 && shift ;;
    esac
done
die() {
    echo "try-deb: error: $*" >&2
    exit 1
}
project=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
if [ -z "$folder" ] || [ -z "$suite" ]; then usage >&2 && exit 2; fi
[ "$(id -u)" -eq 0 ] || die "root is needed, for a Debian of its own: sudo $0 $folder"
command -v debootstrap >/dev/null || die "no debootstrap: apt-get install debootstrap"
for package in lockstep_ 'liblockstep[0-9]' liblockstep-dev_; do
    [ "$(find "$folder" -maxdepth 1 -name "$package*.deb" | wc -l)" -eq 1 ] || die "not one package $package*.deb in $folder"
done

root=$(mktemp -d "${TMPDIR:-/tmp}/try-deb-XXXXXX")
mounted=no
leave() {
    rm -f "$root.log"
    [ $mounted = no ] || umount "$root/proc" || { echo "try-deb: $root/proc is still mounted, $root is left" >&2 && return; }
    if [ $keep = yes ]; then echo "try-deb: kept in $root"; else rm -rf --one-file-system "$root"; fi
}
trap leave EXIT
say() { echo "=== $*"; }
failures=0
check() { # check WHAT COMMAND...
    if "${@:2}"; then echo "ok: $1"; else echo "FAILED: $1" && failures=$((failures + 1)); fi
}
in_root() { chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy="$http_proxy"} "$@" </dev/null; }
as_user() { chroot --userspec=1000:1000 "$root" env -i PATH=/usr/bin:/bin HOME=/home/user LC_ALL=C \
    OMPI_MCA_rmaps_base_oversubscribe=1 OMPI_MCA_btl_vader_single_copy_mechanism=none bash -c "cd && $1" </dev/null; }
# apt ARGUMENT...: what it says only where it fails
apt() {
    in_root apt-get -qq -y "$@" >"$root/home/apt.log" 2>&1 || { tail -n 20 "$root/home/apt.log" >&2 && die "apt-get $* failed"; }
}
packages() { in_root dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' | awk '$1 == "ii" { print $2 }' | sort; }
files() { (cd "$root" && find . -xdev \( -path ./proc -o -path ./home -o -path ./tmp -o -path ./var/cache -o -path ./var/log \
    -o -path ./var/lib/apt -o -path ./var/lib/dpkg -o -path ./debs \) -prune -o -print | sort); }

say "a bare Debian ($suite)"
# The proxy that this machine's apt has, if any.
eval "$(apt-config shell http_proxy Acquire::http::Proxy)"
export http_proxy
debootstrap --variant=minbase "$suite" "$root" >"$root.log" 2>&1 || { tail -n 20 "$root.log" >&2 && die "debootstrap failed"; }
rm -f "$root.log"
chmod 755 "$root" # mktemp lets nobody else in
mount -t proc proc "$root/proc"
mounted=yes
mkdir "$root/debs"
cp "$folder"/*.deb "$root/debs"
in_root useradd --create-home --uid 1000 --shell /bin/bash user
apt update
apt install --no-install-recommends man-db zsh bash-completion
packages >"$root/home/before"
files >"$root/home/files"

say "lockstep, with what it depends on"
apt install --no-install-recommends "/debs/$(basename "$folder"/lockstep_*.deb)"
packages | comm -13 "$root/home/before" - | xargs echo "installed:"
check "the library is not among them" test ! -e "$root/usr/include/lockstep"
check "all of the program's libraries are found" in_root bash -c '! ldd /usr/bin/lockstep | grep "not found"'
as_user 'lockstep --version | head -n 1'
cp -r "$project/tests/golden" "$project/tests/consumer" "$root/home/user/"
chown -R 1000:1000 "$root/home/user"
for ranks in 1 2; do
    check "trains on $ranks ranks, as a user" as_user "mpirun -n $ranks lockstep train \
        /usr/share/lockstep/configs/smoke.yaml --set data.dir=golden --out run$ranks --progress never >train.log 2>&1 ||
        { tail train.log && false; }"
done
check "to the same bits, those of the README" [ "$(as_user "sed -n 's/.*\"weights_sha256\": \"\(.*\)\".*/\1/p' run1/summary.json run2/summary.json" |
    grep -v test | sort | uniq -c | sed 's/^ *//')" = "2 $(sed -n 's/^  "weights_sha256": "\(.*\)",$/\1/p' "$project/README.md" | head -n 1)" ]
check "jobs/local.sh trains with it" as_user "/usr/share/lockstep/jobs/local.sh -n 2 /usr/share/lockstep/configs/smoke.yaml \
    --set data.dir=golden --set train.max_steps=2 --out run3 --progress never >train.log 2>&1 || { tail train.log && false; }"
check "every command has a manual page" as_user 'for command in $(lockstep help --options | cut -f 2); do
    man -w "lockstep-$command" >/dev/null && man "lockstep-$command" | grep -q "^NAME" || exit 1; done; man 5 lockstep-config | grep -q "^NAME"'
check "man -k finds it" as_user 'man -k lockstep | grep -q "^lockstep-train (1)"'
check "bash completes" as_user '. /usr/share/bash-completion/bash_completion && _completion_loader lockstep; complete -p lockstep >/dev/null'
check "zsh completes" as_user 'zsh -c "autoload -Uz compinit && compinit -u && [[ -n \${_comps[lockstep]} ]]"'

say "the library, and programs of others"
apt install --no-install-recommends gcc g++ libc6-dev make cmake pkg-config \
    "/debs/$(basename "$folder"/liblockstep[0-9]*.deb)" "/debs/$(basename "$folder"/liblockstep-dev_*.deb)"
check "the loader knows the library" in_root bash -c 'ldconfig -p | grep -q "liblockstep\.so\."'
check "by CMake" as_user '{ cmake -S consumer -B made && cmake --build made; } >make.log 2>&1 || { tail -n 20 make.log && false; }'
check "by pkg-config" as_user 'mpicc consumer/predict.c $(pkg-config --cflags --libs lockstep) -o predict'
check "by pkg-config, static" as_user 'mpicc consumer/predict.c $(pkg-config --cflags lockstep) -l:liblockstep.a \
    $(pkg-config --static --libs lockstep | sed s/-llockstep//) -o predict_static'
check "the shared one needs the library's package, the static one none" as_user 'ldd predict | grep -q "liblockstep.so.* => .*/lib/" &&
    ! ldd predict_static | grep -q liblockstep'
check "C++ answers" as_user 'made/network'
check "a run within another program" as_user "mpirun -n 2 made/train /usr/share/lockstep/configs/smoke.yaml run4 data.dir=golden"
check "to the same bits" as_user "lockstep diff run1 run4 | grep -q ^identical"

say "removed"
apt purge lockstep 'liblockstep*'
apt autoremove --purge
check "nothing of it stays" eval '[ -z "$(files | comm -13 "$root/home/files" - | grep -i lockstep)" ]'
files | grep -i lockstep || true
echo "try-deb: $failures failures"
[ $failures -eq 0 ]
