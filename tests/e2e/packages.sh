#!/usr/bin/env bash
# The Debian packages, made of this build: what is in them and what they depend on, what lintian says, the same bytes when
# they are made again; installed in a scratch root they train, answer and are removed without a trace. And the module.
# shellcheck source=tests/e2e/lib.sh
source "$(dirname "$0")/lib.sh"
need cpack dpkg dpkg-deb dpkg-shlibdeps strip jq
build=$(dirname "$(dirname "$LOCKSTEP")")
[ -e "$build/CPackConfig.cmake" ] || skip "this build has no packages: it is instrumented"
version=$("$LOCKSTEP" --version | sed -nE '1s/^lockstep ([0-9.]+).*/\1/p')
# What the build said is installed where: /usr/lib, or a folder for this architecture where it was configured for /usr.
lib=usr/$(sed -n 's/^CMAKE_INSTALL_LIBDIR:[A-Z]*=//p' "$build/CMakeCache.txt")

# packed FOLDER OPTION... All is built already; only with make does cpack look that up. gzip is done sooner than xz.
packed() {
    cpack -G DEB -D CPACK_CMAKE_GENERATOR=Ninja -D CPACK_DEBIAN_COMPRESSION_TYPE=gzip --config "$build/CPackConfig.cmake" -B "$@" >"$work/cpack.log" 2>&1 || { show "$work/cpack.log" && false; }
}
check "packed" packed "$work/packages"
$ok || finish
cd "$work/packages"
rm -rf _CPack_Packages
same "three packages" 3 "$(find . -name '*.deb' | wc -l)"
soname=$(objdump -p "$build/liblockstep.so" | awk '$1 == "SONAME" { print $2 }')
library=lib${soname#lib}
library=${library/.so./}
mv lockstep_*.deb program.deb
mv "${library}_"*.deb library.deb
mv liblockstep-dev_*.deb development.deb

# --- what is in them
# holds PACKAGE: its files, without documents that each has
holds() { dpkg-deb --fsys-tarfile "$1.deb" | tar -tf - | grep -v '/$' | sed 's,^\./,,' | grep -v ^usr/share/doc/ | sort; }
# all but what is for the source
pages=(README.md CHANGELOG.md LICENSE CITATION.cff {include/lockstep,jobs/packaging,src,src/{export,import,report,tensorboard}}/README.md)
beside() {
    { printf '%s\n' "${pages[@]}" && cd "$SOURCE" && find configs jobs tests/consumer src/report/*.png -type f \
        ! -path 'jobs/packaging/*' ! -name quickstart.sh ! -name install-deps.sh; } | sed 's,^,usr/share/lockstep/,'
}
manual() { if [ -e "$build/man" ]; then (cd "$build/man" && find . -name '*.[15]' | sed -E 's,^\./(.*)\.(.)$,usr/share/man/man\2/\1.\2.gz,'); fi; }
completion() { printf '%s\n' usr/share/{bash-completion/completions/lockstep,fish/vendor_completions.d/lockstep.fish,zsh/vendor-completions/_lockstep}; }
same "the program's package" "" "$(diff <({ echo usr/bin/lockstep && beside && manual && completion; } | sort) <(holds program) || true)"
same "the library's" "" "$(diff <(printf '%s\n' "$lib/$soname" "$lib/liblockstep.so.$version" \
    usr/share/lintian/overrides/"$library" | sort) <(holds library) || true)"
headers() { (cd "$SOURCE/include" && find lockstep -name '*.h') | sed 's,^,usr/include/,'; }
same "that for development" "" "$(diff <({ printf '%s\n' "$lib"/{liblockstep.{a,so},pkgconfig/lockstep.pc} \
    "$lib"/cmake/lockstep/lockstepConfig{,-release,Version}.cmake && headers; } | sort) <(holds development) || true)"
for name in program library development; do
    package=$(dpkg-deb -f $name.deb Package)
    documents=(changelog.Debian.gz changelog.gz copyright)
    [ $name != program ] || documents=(README.md "${documents[@]}")
    [ $name != development ] || documents+=(examples/{CMakeLists.txt,loop.c,network.cpp,predict.c,train.c})
    same "$name: documents" "$(printf '%s\n' "${documents[@]}")" \
        "$(dpkg-deb --fsys-tarfile $name.deb | tar -tf - "./usr/share/doc/$package" | sed -n "s,/\$,&,; /[^/]\$/s,^./usr/share/doc/$package/,,p" | sort)"
    same "$name: all is root's, and readable" "" \
        "$(dpkg-deb -c $name.deb | awk '$2 != "root/root" || $1 !~ /^(drwxr-xr-x|-rw[-x]r-[-x]r-[-x]|lrwxrwxrwx)$/')"
    same "$name: version" "$version" "$(dpkg-deb -f $name.deb Version | sed 's/-[^-]*$//')"
    check "$name: changelog of this version" grep -q "^lockstep ($(dpkg-deb -f $name.deb Version)) " \
        <(dpkg-deb --fsys-tarfile $name.deb | tar -xOf - "./usr/share/doc/$package/changelog.Debian.gz" | gzip -dc)
done

# --- what they depend on
# depends PACKAGE: names, one a line
depends() { dpkg-deb -f "$1.deb" Depends | tr ',' '\n' | sed -E 's/^ *//; s/ .*//' | sort -u; }
# owner: packages of files, one a line; dpkg may know a file by the name that it had before /usr was merged. It is slow,
# and asked once for all.
owner() {
    local files
    mapfile -t files
    { dpkg -S "${files[@]}" "${files[@]#/usr}" "${files[@]/#\/lib/\/usr\/lib}" 2>/dev/null || true; } | sed 's/:.*//' | sort -u
}
linked() {
    awk 'NR == FNR { if ($1 == "NEEDED") needed[$2] = 1; next } ($1 in needed) && $3 { print $3 }' <(objdump -p "$1") <(ldd "$1") | owner
}
launcher=$(readlink -f "$3" | owner)
same "the program: its libraries' packages and the launcher's" "" \
    "$(comm -23 <({ linked "$LOCKSTEP" && echo "$launcher"; } | sort -u) <(depends program))"
check "the program needs no library package" eval '! depends program | grep -q lockstep'
same "the library: its libraries' packages" "$(linked "$build/liblockstep.so")" "$(depends library)"
check "development: the very library" grep -qF "$library (= $(dpkg-deb -f library.deb Version))" <(dpkg-deb -f development.deb Depends)
# The compiler brings its own libraries and the C library's; Debian's libjpeg-dev brings the one of its choice.
same "development: packages of all that a static program links" "" "$(comm -23 \
    <(sed -n 's/^Libs.private: //p' "$build/lockstep.pc" | tr ' ' '\n' | grep '^/' | grep -v /gcc/ | owner | grep -v '^libc6-dev' | sort -u) \
    <({ depends development && dpkg-query -W -f '${Depends}\n' libjpeg-dev 2>/dev/null | sed 's/[ ,].*//'; } | sort -u))"
check "programs linked to it will depend on its package" grep -q "^liblockstep ${soname#liblockstep.so.} $library (>= $version-" \
    <(dpkg-deb --ctrl-tarfile library.deb | tar -xOf - ./shlibs)

# --- what Debian's own checker says
if command -v lintian >/dev/null; then
    suppressed=()
    # A build for /usr/local has what is for one architecture in /usr/lib: as it asked for.
    [[ $lib = */*-linux-gnu* ]] || suppressed=(--suppress-tags "pkg-config-multi-arch-wrong-dir,pkg-config-unavailable-for-cross-compilation")
    [ -e "$build/man/lockstep.1" ] || suppressed+=(--suppress-tags no-manual-page)
    check "lintian" lintian --fail-on error,warning "${suppressed[@]}" ./*.deb >"$work/lintian.log" 2>&1
    $ok || show "$work/lintian.log"
else
    echo "lintian is not installed: not asked"
fi

# --- one made again, later, elsewhere on earth: the same bytes
TZ=Pacific/Chatham packed "$work/again" -D CPACK_COMPONENTS_ALL=program || true
check "the same bytes again" cmp program.deb "$work/again"/lockstep_*.deb

# --- installed in a root of their own
root=$work/root
mkdir -p "$root"/var/lib/dpkg/{info,updates,triggers}
touch "$root"/var/lib/dpkg/{status,available}
(cd "$root" && find . | sort) >"$work/before"
# There is no Debian around them: what they depend on is here, and their scripts only call ldconfig.
in_root() { dpkg --root="$root" --force-depends --force-not-root --force-script-chrootless --log=/dev/null "$@" >"$work/dpkg.log" 2>&1; }
check "installed" in_root --install ./{program,library,development}.deb
$ok || show "$work/dpkg.log"
built=$LOCKSTEP
trained built 2 --threads 1 --set train.max_steps=3
LOCKSTEP=$root/usr/bin/lockstep
trained installed 1 --threads 2 --set train.max_steps=3
same "the installed program trains to the same bits" "$(result built)" "$(result installed)"
check "the shipped configurations are the program's" cmp <("$built" configs smoke) "$root/usr/share/lockstep/configs/smoke.yaml"
links_lead "$root/usr/share/lockstep"
check "the licence is the package's copyright" grep -q '^License: Expat$' "$root/usr/share/lockstep/LICENSE"
check "README.md is among its documents" cmp "$root"/usr/share/{doc/lockstep,lockstep}/README.md
check "bash completes" eval '[ -n "$(PATH=$root/usr/bin:$PATH bash -c ". \"\$1\"; complete -p lockstep" - "$root/usr/share/bash-completion/completions/lockstep")" ]'
[ ! -e "$build/man/lockstep.1" ] || check "manual pages are whole" gzip -t "$root"/usr/share/man/man?/*.gz
eval "mpicc -ffp-contract=off \"$SOURCE/tests/consumer/predict.c\" $(PKG_CONFIG_PATH=$root/$lib/pkgconfig pkg-config --cflags --libs lockstep) \
    -o \"$work/predict\"" >"$work/pkg.log" 2>&1 || show "$work/pkg.log"
printf 'P5 28 28 255\n' >"$work/digit.pgm"
{ gzip -dc "$golden/t10k-images-idx3-ubyte.gz" || true; } | head -c 800 | tail -c 784 >>"$work/digit.pgm"
same "a program built against them answers" "$("$built" predict "$work/built" "$work/digit.pgm" --top 1 --format csv 2>/dev/null | awk -F , 'NR > 1 { print $4 }')" \
    "$(cd "$work" && LD_LIBRARY_PATH=$root/$lib ./predict built digit.pgm | awk '{ print $2 }')"
check "removed" in_root --purge lockstep "$library" liblockstep-dev
same "nothing stays" "" "$( (cd "$root" && find . | sort) | comm -13 "$work/before" - | grep -v '^./var/lib/dpkg' || true)"

# --- one archive of all, unpacked in a folder with another name
check "an archive" cpack -G TGZ -D CPACK_CMAKE_GENERATOR=Ninja --config "$build/CPackConfig.cmake" -B "$work/archive" >"$work/cpack.log" 2>&1
$ok || show "$work/cpack.log"
mkdir "$work/moved away"
tar -xzf "$work"/archive/lockstep-"$version"-*.tar.gz -C "$work/moved away" --strip-components=1
same "it is one tree" "bin include $(cut -d / -f 2 <<<"$lib") share" "$(cd "$work/moved away" && echo *)"
LOCKSTEP="$work/moved away/bin/lockstep"
trained unpacked 1 --threads 2 --set train.max_steps=3
same "its program trains to the same bits" "$(result built)" "$(result unpacked)"
LOCKSTEP=$built
check "its module is there" [ -e "$work/moved away/share/lockstep/modulefiles/lockstep/$version.lua" ]

# --- the environment module
check "the module is installed" env DESTDIR="$work/stage" cmake --install "$build" --prefix /opt/lockstep --component module >"$work/install.log" 2>&1
module=$work/stage/opt/lockstep/share/lockstep/modulefiles/lockstep/$version.lua
same "it has no gap" "" "$(grep -n '@' "$module" || true)"
if command -v lua5.4 >/dev/null; then
    # Lmod's functions, that say what they were asked for
    cat >"$work/lmod.lua" <<'LUA'
for _, name in ipairs{"help", "whatis", "conflict"} do _G[name] = function() end end
function myFileName() return arg[2] end
function pathJoin(a, b) return a .. "/" .. b end
function setenv(name, value) print(name .. "=" .. value) end
prepend_path = setenv
dofile(arg[1])
LUA
    same "what it sets" "$(printf '%s\n' LOCKSTEP_HOME=/opt/lockstep/share/lockstep PATH=/opt/lockstep/bin \
        "LD_LIBRARY_PATH=/opt/lockstep/${lib#usr/}" "PKG_CONFIG_PATH=/opt/lockstep/${lib#usr/}/pkgconfig" CMAKE_PREFIX_PATH=/opt/lockstep)" \
        "$(lua5.4 "$work/lmod.lua" "$module" "${module#"$work/stage"}")"
else
    echo "lua5.4 is not installed: the module is not run"
fi

# --- recipes of other tools, as far as they can be read without these
check "the Spack recipe is Python" /usr/bin/python3 -c 'import ast, sys; ast.parse(open(sys.argv[1]).read())' \
    "$SOURCE/jobs/packaging/spack/spack_repo/lockstep/packages/lockstep/package.py"
same "its source is the clone that it is in" "$(realpath "$SOURCE")" "$(/usr/bin/python3 -c 'import pathlib, re, sys
recipe = pathlib.Path(sys.argv[1]).resolve()
print(recipe.parents[int(re.search(r"parents\[(\d)\]", recipe.read_text())[1])])' \
    "$SOURCE/jobs/packaging/spack/spack_repo/lockstep/packages/lockstep/package.py")"
# Both build images install the same packages, which are those of install-deps.sh; file and dpkg-dev are for cpack
listed() { awk '/apt-get install/ && !n { n = 1; on = 1 } on { print; if (!/\\$/) exit }' "$SOURCE/jobs/packaging/$1" | grep -v 'rm -rf' |
    tr -d '\\&' | tr ' ' '\n' | grep -vE '^(RUN|apt-get|install|-.*|)$' | sort; }
same "Docker and Apptainer build with the same packages" "$(listed Dockerfile)" "$(listed lockstep.def)"
same "with all that a build needs" "" "$(comm -13 <(listed Dockerfile) \
    <(sed -n '/^need "gcc/,/^if/p' "$SOURCE/jobs/install-deps.sh" | sed -nE 's/^ *(need|wish) ("([^"]*)"|([^ ]*)).*/\3\4/p' | tr ' ' '\n' | grep -v curl | sort))"
finish
