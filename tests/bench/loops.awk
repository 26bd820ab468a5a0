# Innermost loops of `objdump -d --no-show-raw-insn` that have multiply-adds on 512-bit vectors: for each function and
# number of multiply-adds the most instructions that such a loop has, and the accesses of vectors on the stack.
function is_innermost(i,   j) {
    for (j = 1; j <= loops; j++)
        if (j != i && from[j] >= from[i] && to[j] <= to[i]) return 0
    return 1
}
function end_of_function(   i, k, products, spilled, key) {
    for (i = 1; i <= loops; i++) {
        if (!is_innermost(i)) continue
        products = spilled = 0
        for (k = from[i]; k <= to[i]; k++) {
            if (text[k] ~ /^vfn?m(add|sub)[0-9]*ps.*zmm/) products++
            if (text[k] ~ /^vmov.*zmm/ && text[k] ~ /\(%rsp|-0x[0-9a-f]+\(%rbp/) spilled++
        }
        key = name " " products
        if (to[i] - from[i] + 1 > most[key]) most[key] = to[i] - from[i] + 1
        stack[key] += spilled
    }
    loops = lines = 0
    delete line_of
}
/^[0-9a-f]+ <.*>:$/ {
    end_of_function()
    name = substr($2, 2, length($2) - 3)
    sub(/_avx512.*/, "", name)
}
/^ *[0-9a-f]+:/ {
    address = $1
    sub(/:/, "", address)
    line_of[address] = ++lines
    text[lines] = $0
    sub(/^ *[0-9a-f]+:[ \t]*/, "", text[lines])
    if ($2 ~ /^j/ && ($3 in line_of)) {
        loops++
        from[loops] = line_of[$3]
        to[loops] = lines
    }
}
END {
    end_of_function()
    for (key in most) {
        split(key, part, " ")
        if (part[2] >= 8) print "avx512", key, most[key], stack[key]
    }
}
