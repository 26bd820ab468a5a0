#!/usr/bin/env bash
# The version stands in CMakeLists.txt, and what else names it agrees; CITATION.cff has the form of CFF 1.2.0.
# Usage: versions.sh SOURCE_DIR
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"
cd "$1"

version=$(sed -nE 's/^project\([a-z]+ VERSION ([0-9]+\.[0-9]+\.[0-9]+) .*/\1/p' CMakeLists.txt)
[[ $version =~ ^[0-9]+\.[0-9]+\.[0-9]+$ ]] || echo "CMakeLists.txt:1: project(... VERSION MAJOR.MINOR.PATCH" | report "no version"
minor=${version%.*}
# names FILE PATTERN WANTED: each line that the pattern fits, whose first group is the version; there has to be one
names() {
    [ -e "$1" ] || return 0
    awk -v file="$1" -v pattern="$2" -v wanted="$3" '
        $0 ~ pattern {
            found = 1
            match($0, /[0-9]+\.[0-9]+(\.[0-9]+)?/)
            got = substr($0, RSTART, RLENGTH)
            if (got != wanted) print file ":" FNR ": " got ", where CMakeLists.txt has " wanted
        }
        END { if (!found) print file ":1: no line like " pattern }' "$1"
}
recipe=jobs/packaging/spack/spack_repo/lockstep/packages/lockstep/package.py
{
    names CITATION.cff '^version: ' "$version"
    names "$recipe" '^ *version[(]"[0-9.]+", tag="v[0-9.]+"[)]$' "$version" | head -n 1 # the newest is the first
    names jobs/packaging/spack/spack.yaml '- lockstep@[0-9]' "$version"
    names jobs/packaging/spack/spack.yaml 'spec: lockstep@=' "$version"
    names include/lockstep/README.md 'find_package[(]lockstep ' "$minor"
    names tests/consumer/CMakeLists.txt 'find_package[(]lockstep ' "$minor"
} | report "another version than CMakeLists.txt has"

# --- the changelog: Unreleased, then versions with their days, newest first, that of CMakeLists.txt on top
awk -v version="$version" '
    function wrong(text) { print FILENAME ":" FNR ": " text }
    /^## / {
        n++
        if (n == 1) { if ($0 != "## [Unreleased]") wrong("the first section is not [Unreleased]"); next }
        if ($0 !~ /^## \[[0-9]+\.[0-9]+\.[0-9]+\] - [0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]$/) { wrong("not ## [X.Y.Z] - YYYY-MM-DD"); next }
        if (n == 2 && $2 != "[" version "]") wrong("not " version ", which CMakeLists.txt has")
        if (last != "" && $4 > last) wrong("younger than the section above it")
        last = $4
    }
    /^### / && $2 !~ /^(Added|Changed|Deprecated|Removed|Fixed|Security)$/ { wrong("no heading of Keep a Changelog") }
    END { if (n < 2) wrong("no section of " version) }' CHANGELOG.md | report "CHANGELOG.md"

# --- the citation
released=$(sed -nE '/^## \[[0-9]/{s/.* - //p;q}' CHANGELOG.md)
if /usr/bin/python3 -c 'import yaml' 2>/dev/null; then
    /usr/bin/python3 - "$released" <<'PYTHON' | report "CITATION.cff"
import re, sys, yaml

KEYS = set("""abstract authors cff-version commit contact date-released doi identifiers keywords license license-url
message preferred-citation references repository repository-artifact repository-code title type url version""".split())
PERSON = set("address affiliation alias city country email family-names fax given-names name-particle name-suffix "
             "orcid post-code region tel website".split())
ENTITY = set("address alias city country date-end date-start email fax location name orcid post-code region tel "
             "website".split())
text = open("CITATION.cff", encoding="utf-8").read()

def wrong(key, what):
    lines = [i for i, line in enumerate(text.splitlines(), 1) if line.startswith(key + ":")]
    print(f"CITATION.cff:{lines[0] if lines else 1}: {key}: {what}")

# As the schema reads it, a date or a number is text.
class Loader(yaml.SafeLoader):
    yaml_implicit_resolvers = {}

cff = yaml.load(text, Loader)
for key in {"authors", "cff-version", "message", "title"} - set(cff):
    wrong(key, "is required")
for key in set(cff) - KEYS:
    wrong(key, "is no key of CFF 1.2.0")
for key in set(cff) & {"abstract", "message", "title", "version", "license"}:
    if not isinstance(cff[key], str) or not cff[key].strip():
        wrong(key, "is no text")
if cff.get("cff-version") != "1.2.0":
    wrong("cff-version", "is not 1.2.0")
if cff.get("type", "software") not in ("software", "dataset"):
    wrong("type", "is neither software nor dataset")
if not re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])", cff.get("date-released", "")):
    wrong("date-released", "is no YYYY-MM-DD")
elif cff["date-released"] != sys.argv[1]:
    wrong("date-released", f"is not {sys.argv[1]}, the day of this version in CHANGELOG.md")
if cff.get("license") != "MIT":
    wrong("license", "is not that of LICENSE: MIT")
for key in ("authors", "keywords"):
    entries = cff.get(key)
    if not isinstance(entries, list) or not entries or any(entries.count(e) > 1 for e in entries):
        wrong(key, "is no list of different entries")
for author in cff.get("authors") or []:
    if not isinstance(author, dict) or not author or set(author) - (ENTITY if "name" in author else PERSON):
        wrong("authors", f"{author} is neither a person nor an entity")
PYTHON
else
    echo "CITATION.cff is not read: python3-yaml is not installed"
fi
finish
