# Statistics of samples, for the tables of this folder: awk functions, put before a program by with_statistics().
# A sample is x[1] to x[n].

function mean(x, n,  i, sum) {
    for (i = 1; i <= n; i++) sum += x[i]
    return sum / n
}

# The standard deviation of a sample, so n is at least 2.
function deviation(x, n,  i, m, sum) {
    m = mean(x, n)
    for (i = 1; i <= n; i++) sum += (x[i] - m) ^ 2
    return sqrt(sum / (n - 1))
}

# The standard error of the mean.
function standard_error(x, n) { return deviation(x, n) / sqrt(n) }

function least(x, n,  i, found) {
    found = x[1]
    for (i = 2; i <= n; i++) if (x[i] < found) found = x[i]
    return found
}

function most(x, n,  i, found) {
    found = x[1]
    for (i = 2; i <= n; i++) if (x[i] > found) found = x[i]
    return found
}

# The probability that Student's t with so many degrees of freedom lies between -t and t: the finite sums of Abramowitz &
# Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
function t_inside(t, freedom,  angle, square, term, sum, i) {
    angle = atan2(t, sqrt(freedom))
    square = freedom / (freedom + t * t) # of the angle's cosine
    term = freedom % 2 ? sqrt(square) : 1
    for (i = freedom % 2 ? 3 : 2; i <= freedom; i += 2) {
        sum += term
        term *= square * (i - 1) / i
    }
    sum *= sin(angle)
    return freedom % 2 ? (angle + sum) * 2 / 3.14159265358979324 : sum
}

# The t between which and -t that share of the distribution lies: 0.95 for an interval of 95 %.
function t_bound(share, freedom,  low, high, i) {
    for (high = 1; t_inside(high, freedom) < share; high *= 2) low = high
    for (i = 0; i < 60; i++)
        if (t_inside((low + high) / 2, freedom) < share) low = (low + high) / 2; else high = (low + high) / 2
    return high
}
