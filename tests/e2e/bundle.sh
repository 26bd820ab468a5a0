#!/usr/bin/env bash
# A run as one archive: it is the same each time, its manifest and signature hold, and a stranger verifies it with
# nothing but the archive and the data. Archives that were changed, or made to do harm, are refused.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need jq sha256sum tar
cd "$work"
mkdir home away unpacked
export TMPDIR=$work/home

# ends STATUS WORDS ARGUMENT...: the program ends so, and says so
ends() {
    local wanted=$1 words=$2 status=0
    shift 2
    "$LOCKSTEP" "$@" >log 2>&1 </dev/null || status=$?
    same "$*: exit status" "$wanted" $status
    check "$* says '$words'" grep -qF -- "$words" log
    $ok || show log
}

trained run 2 --threads 1 --set data.validation=0.2 --set eval.test_weights=best
ends 0 "chain $(key run chain_sha256 | cut -c 1-16) to step" bundle run a.tar
ends 0 "chain" bundle run b.tar
check "the same run gives the same archive" cmp a.tar b.tar
tar -C unpacked -xf a.tar
check "the manifest holds" bash -c 'cd unpacked && sha256sum --quiet -c MANIFEST'
same "the manifest has all files" "$(cd unpacked && find . -type f ! -name MANIFEST | sed 's,^./,,' | sort)" \
    "$(sed 's/^[0-9a-f]*  //' unpacked/MANIFEST)"
same "bundle.json: the chain" "$(key run chain_sha256)" "$(jq -r .chain_sha256 unpacked/bundle.json)"
same "bundle.json: a data file" "$(sha256sum <"$golden/train-labels-idx1-ubyte.gz" | cut -d ' ' -f 1)" \
    "$(jq -r '."train-labels-idx1-ubyte.gz"' unpacked/bundle.json)"

# --- a stranger: another folder, data elsewhere
cp "$golden"/*.gz away
mv run moved
ends 0 "test results and summary" replay a.tar --data-dir away
"$MPIEXEC" -n 3 "$LOCKSTEP" replay a.tar --data-dir away --threads 1 --quiet >quiet 2>/dev/null
same "three ranks, quiet: the verdict alone" "1 1" "$(wc -l <quiet) $(grep -c '^verified:  .* on 3 ranks' quiet)"
check "nothing of it stays" [ -z "$(ls home)" ]

# --- a signature
if command -v ssh-keygen >/dev/null; then
    ssh-keygen -q -t ed25519 -N '' -C ann -f key
    echo "ann@example.org $(cut -d ' ' -f 1,2 key.pub)" >allowed_signers
    ssh-keygen -q -Y sign -f key -n lockstep a.tar 2>/dev/null
    verify=(ssh-keygen -q -Y verify -f allowed_signers -I ann@example.org -n lockstep -s a.tar.sig)
    check "the signature holds" "${verify[@]}" <a.tar
    cp a.tar c.tar
    poke c.tar 3000 101
    check "it is not that of another archive" [ -z "$("${verify[@]}" <c.tar >log 2>&1 && cat log)" ]
fi

# --- archives that are not what they were
poke b.tar -1500 101
ends 1 "lockstep: error: b.tar" replay b.tar --data-dir away
head -c 9000 a.tar >cut.tar
ends 1 "is no archive that lockstep wrote, or is damaged" replay cut.tar --data-dir away
echo extra >unpacked/run/extra
tar --format=ustar -C unpacked -cf more.tar MANIFEST run/config.yaml run/extra
ends 1 "is not what MANIFEST says" replay more.tar --data-dir away
tar --format=ustar -C unpacked -cf less.tar MANIFEST run/config.yaml bundle.json
ends 1 "less.tar: MANIFEST names README.txt, which is not there" replay less.tar --data-dir away
gzip -k less.tar
# shellcheck disable=SC2016 # quotes of the message
ends 1 'less.tar.gz: is gzip data, not a run folder or an archive of `lockstep bundle`: `gunzip less.tar.gz` unpacks it' \
    replay less.tar.gz --data-dir away
ends 1 "not a run folder" replay moved/config.yaml
# shellcheck disable=SC2016
ends 1 '`lockstep replay a.tar` checks it' info a.tar
mkdir evil
ln -s /etc/passwd evil/link
echo x >evil/x
tar --format=ustar -C evil -cf link.tar link
ends 1 "it has something else than plain files" replay link.tar --data-dir away
tar --format=ustar -C evil -P --transform 's,^,../,' -cf up.tar x
ends 1 "a name in it is not plain" replay up.tar --data-dir away
tar --format=ustar -C evil -P --transform 's,^,/tmp/,' -cf root.tar x
ends 1 "a name in it is not plain" replay root.tar --data-dir away
check "nothing was unpacked" [ -z "$(ls home)" ]

# --- changed, and the manifest made to fit
repacked() { # repacked OUT: what is in forged
    (cd forged && find run bundle.json README.txt -type f | LC_ALL=C sort | xargs sha256sum >MANIFEST)
    # shellcheck disable=SC2046 # names without spaces
    tar --format=ustar -C forged -cf "$1" MANIFEST $(cut -c 67- forged/MANIFEST)
}
mkdir forged
tar -xf a.tar -C forged
repacked same.tar
ends 0 "test results and summary" replay same.tar --data-dir away
for key in chain_sha256 state_sha256 data_digest format; do
    sed -i "s/\"$key\": \"...../\"$key\": \"00000/" forged/bundle.json
    repacked other.tar
    ends 1 "bundle.json: its $key is not that of the run" replay other.tar --data-dir away
    tar -xf a.tar -C forged
done
cp moved/checkpoints/step-00000031.h5 forged/run/checkpoints/step-00000031.h5
poke forged/run/checkpoints/step-00000031.h5 5000 101
repacked other.tar
ends 1 "lockstep: error: other.tar: run/checkpoints/step-00000031.h5" replay other.tar --data-dir away
tar -xf a.tar -C forged
rm forged/run/summary.json
repacked less.tar
ends 0 "there is no summary.json: the run is not done, or its results were taken out" replay less.tar --data-dir away

# --- a signal ends a replay, and nothing of the bundle stays
for signal in INT TERM; do
    env --default-signal=INT "$LOCKSTEP" replay a.tar --data-dir away --threads 1 >log 2>&1 </dev/null &
    for _ in $(seq 600); do
        if catches_term; then break; fi
        sleep 0.01
    done
    kill -s $signal $!
    status=0
    wait $! || status=$?
    same "SIG$signal: exit status" 75 $status
    check "SIG$signal: said" grep -q "stopped on a signal after step 1: nothing differed so far" log
    $ok || show log
    check "SIG$signal: nothing stays" [ -z "$(ls home)" ]
done

# --- a run that does not fit itself
cp -r moved edited
sed -i '3s/"accuracy":0.[0-9]*/"accuracy":0.99/' edited/metrics.jsonl
ends 1 "metrics.jsonl: line 3" bundle edited no.tar
check "no archive is made" [ ! -e no.tar ]
finish
