# Instructions of the kernels and of the model's entry points, what they call included, from a file of callgrind's with
# names and positions written out: -v isa=ISA.
/^cfn=/ { called = substr($0, 5) }
/^calls=/ {
    getline
    if (called ~ "^lks_[a-z0-9_]+_" isa "$") sub("_" isa "$", "", called)
    else if (called !~ /^lks_model_(train|collect|weights_changed)$/) next
    sum[called] += $2
}
END { for (name in sum) print name, sum[name] }
