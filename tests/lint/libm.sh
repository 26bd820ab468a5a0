#!/usr/bin/env bash
# No function of the C library's mathematics whose result differs between CPUs and versions: only those that IEEE 754
# or the C standard define to the bit. Usage: libm.sh FILE..., the static library and the program.
# shellcheck source=tests/lint/lib.sh
source "$(dirname "$0")/lib.sh"

exact='a?bs|fabs|fma|sqrt|floor|ceil|trunc|rint|nearbyint|round|roundeven|l?lrint|l?lround|copysign|fmin|fmax|fdim|fmod|remainder|remquo'
exact+='|frexp|ldexp|scalbl?n|ilogb|logb|modf|nextafter|nexttoward|nextup|nextdown|nan'
# feclearexcept and its like, and classification (isnan, __fpclassify), compute nothing
harmless='fe(clear|get|set|test|raise|hold|update|enable|disable)[a-z]*|is(nan|inf)|finite|signbit|__(fpclassify|signbit|isnan|isinf|finite|issignaling|iseqsig)'
fixed="^(($exact)[fl]?|($harmless)[fl]?)$"

library=$(gcc -print-file-name=libm.so.6)
libm=$(nm -D --defined-only "$library" | awk '$2 ~ /[TtWiV]/ { print $3 }' | sed 's/@.*//' | sort -u)
[ "$(wc -l <<<"$libm")" -gt 100 ] || report "cannot list the functions of $library" <<<"$libm"
forbidden=$(grep -Ev "$fixed" <<<"$libm")

for file; do
    # an undefined symbol may carry a version: expf@GLIBC_2.27
    nm -A -u "$file" | sed 's/@.*//' | awk -v file="$(basename "$file")" -v list="$forbidden" '
        BEGIN { n = split(list, names, "\n"); for (i = 1; i <= n; i++) bad[names[i]] = 1 }
        ($NF in bad) || $NF ~ /^_ZGV/ || $NF ~ /_finite$/ { print $0 }' |
        report "functions whose bits libm does not fix; use base/math.h"
done
finish
