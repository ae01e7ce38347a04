#!/usr/bin/env python3
"""Minimax polynomials of the vector math: writes src/kernel/vmath_coef.h.

Each row: name, function of z, weight of the error (error = |p(z) - f(z)| * weight(z)), interval,
degree, storage type. Remez exchange on a dense Chebyshev grid, 60 digits; the coefficients are
rounded from the lowest upwards, refitting the rest after each rounding, and the error written
beside the result is that of the rounded polynomial. Needs mpmath."""
import sys
from mpmath import mp, mpf, cos, sin, exp, log, erf, erfc, tanh, sqrt, pi, lu_solve, matrix, floor, frexp

mp.dps = 60
GRID = 600


def rounded(x, bits):
    """x to the nearest number of `bits` bits."""
    if x == 0:
        return x
    m, e = frexp(x)
    return mp.nint(m * mpf(2) ** bits) * mpf(2) ** (e - bits)


def remez(xs, fs, ws, lowest, degree):
    """Coefficients of x^lowest..x^degree that minimise max |ws (p - fs)| on the grid xs."""
    n = degree - lowest + 1
    ref = [round((1 - float(cos(pi * i / n))) / 2 * (len(xs) - 1)) for i in range(n + 1)]
    for i in range(1, n + 1):               # distinct, also at the crowded ends
        ref[i] = max(ref[i], ref[i - 1] + 1)
    ref = [min(r, len(xs) - 1 - (n - i)) for i, r in enumerate(ref)]
    for _ in range(60):
        a = matrix(n + 1, n + 1)
        b = matrix(n + 1, 1)
        for r, i in enumerate(ref):
            for j in range(n):
                a[r, j] = xs[i] ** (lowest + j)
            a[r, n] = (-1) ** r / ws[i]
            b[r] = fs[i]
        c = lu_solve(a, b)
        coef = [c[j] for j in range(n)]
        err = [ws[i] * (poly(coef, x) * x ** lowest - fs[i]) for i, x in enumerate(xs)]
        best = exchange(err, n + 1)
        if max(abs(e) for e in err) <= abs(c[n]) * mpf('1.0001') or best is None or best == ref:
            break
        ref = best
    return coef


def exchange(err, count):
    """Indices of `count` alternating extrema of err, the largest included."""
    runs = []
    for i, e in enumerate(err):
        if runs and (err[runs[-1]] > 0) == (e > 0):
            if abs(e) > abs(err[runs[-1]]):
                runs[-1] = i
        else:
            runs.append(i)
    while len(runs) > count:
        runs.pop(0 if abs(err[runs[0]]) < abs(err[runs[-1]]) else -1)
    return runs if len(runs) == count else None


def poly(coef, x):
    s = mpf(0)
    for c in reversed(coef):
        s = s * x + c
    return s


def fit(f, weight, lo, hi, degree, bits):
    lo, hi = mpf(lo), mpf(hi)
    xs = [(lo + hi) / 2 - (hi - lo) / 2 * cos(pi * (i + mpf(1) / 2) / GRID) for i in range(GRID)]
    fs, ws = [f(x) for x in xs], [weight(x) for x in xs]
    done = []
    for k in range(degree + 1):
        if k and bits > 30 and k > 2:          # in double only the low ones matter
            rest = remez(xs, [v - poly(done, x) for v, x in zip(fs, xs)], ws, k, degree)
            done += [rounded(c, bits) for c in rest]
            break
        rest = remez(xs, [v - poly(done, x) for v, x in zip(fs, xs)], ws, k, degree)
        done.append(rounded(rest[0], bits))
    err = max(abs(w * (poly(done, x) - v)) for x, v, w in zip(xs, fs, ws))
    return done, err


def hexfloat(c, bits):
    return float(c).hex() + ('f' if bits == 24 else '')


def atanh_tail(z):
    """(log((1+s)/(1-s)) - 2 s) / s^3 with z = s^2"""
    s = sqrt(z)
    return (log((1 + s) / (1 - s)) - 2 * s) / s ** 3


HALF_LN2 = log(2) / 2 * mpf('1.0005')
QUARTER_PI = pi / 4 * mpf('1.0005')
S_MAX = ((sqrt(2) - 1) / (sqrt(2) + 1)) ** 2 * mpf('1.0005')


def exp_tail(r):
    return (exp(r) - 1 - r) / r ** 2 if abs(r) > mpf(10) ** -20 else mpf(1) / 2 + r / 6


ROWS = [
    # name, f(z), weight, interval, degree, bits, formula
    ('EXP_F64', exp_tail, lambda r: r * r * exp(-r), (-HALF_LN2, HALF_LN2), 10, 53,
     'exp(r) = 1 + r + r^2 p(r)'),
    ('LOG_F64', atanh_tail, lambda z: z, (0, S_MAX), 6, 53,
     'log((1+s)/(1-s)) = 2s + s^3 p(s^2)'),
    ('LOGDD_F64', lambda z: (atanh_tail(z) / 2 - mpf(1) / 3 - z / 5) / z ** 2, lambda z: z ** 3,
     (0, S_MAX), 7, 53, 'log((1+s)/(1-s)) / 2s = 1 + z/3 + z^2/5 + z^3 p(z), z = s^2'),
    ('SIN_F64', lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, (0, QUARTER_PI ** 2), 5,
     53, 'sin(r) = r + r^3 p(r^2)'),
    ('COS_F64', lambda z: (cos(sqrt(z)) - 1 + z / 2) / z ** 2, lambda z: z ** 2,
     (0, QUARTER_PI ** 2), 5, 53, 'cos(r) = 1 - r^2/2 + r^4 p(r^2)'),
    ('ERF_F64', lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: 1, (0, 1), 12, 53,
     'erf(x) = x + x p(x^2), |x| <= 1'),
    ('ERFC_F64', lambda t: log(erfc(t + 1)), lambda t: erfc(t + 1), (0, mpf('4.95')), 18, 53,
     'erf(x) = 1 - exp(p(x - 1)), 1 <= x <= 5.95'),
    ('EXP_D32', exp_tail, lambda r: r * r * exp(-r), (-HALF_LN2, HALF_LN2), 5, 53,
     'exp(r) = 1 + r + r^2 p(r), for f32 in double'),
    ('LOG_D32', atanh_tail, lambda z: z, (0, S_MAX), 3, 53,
     'log((1+s)/(1-s)) = 2s + s^3 p(s^2), for f32 in double'),
    ('SIN_D32', lambda z: (sin(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, (0, QUARTER_PI ** 2), 3,
     53, 'sin(r) = r + r^3 p(r^2), for f32 in double'),
    ('COS_D32', lambda z: (cos(sqrt(z)) - 1 + z / 2) / z ** 2, lambda z: z ** 2,
     (0, QUARTER_PI ** 2), 3, 53, 'cos(r) = 1 - r^2/2 + r^4 p(r^2), for f32 in double'),
    ('EXP_F32', exp_tail, lambda r: r * r * exp(-r), (-HALF_LN2, HALF_LN2), 4, 24,
     'exp(r) = 1 + r + r^2 p(r)'),
    ('TANH_F32', lambda z: (tanh(sqrt(z)) / sqrt(z) - 1) / z, lambda z: z, (0, mpf('0.36')), 4, 24,
     'tanh(x) = x + x^3 p(x^2), |x| <= 0.6'),
    ('ERF_F32', lambda z: erf(sqrt(z)) / sqrt(z) - 1, lambda z: 1, (0, 1), 6, 24,
     'erf(x) = x + x p(x^2), |x| <= 1'),
    ('ERFC_F32', lambda t: log(erfc(t + 1)), lambda t: erfc(t + 1), (0, mpf('3')), 7, 24,
     'erf(x) = 1 - exp(p(x - 1)), 1 <= x <= 4'),
]


def emit(name, coef, err, bits, formula, lo, hi):
    out = ['/* %s; [%.4f, %.4f]; error < 2^%d */' %
           (formula, float(lo), float(hi), int(mp.ceil(log(err, 2))))]
    text = ['FIRST(%s)' % hexfloat(coef[-1], bits)]
    text += ['STEP(%s)' % hexfloat(c, bits) for c in reversed(coef[:-1])]
    line = '#define DP_VM_%s(FIRST, STEP)' % name
    lines = [line]
    for t in text:
        if len(lines[-1]) + len(t) > 94 or lines[-1] == line:
            lines.append('    ' + t)
        else:
            lines[-1] += ' ' + t
    return out + [l + ' \\' for l in lines[:-1]] + lines[-1:]


def two_over_pi():
    mp.dps = 420
    bits = int(floor(2 / pi * mpf(2) ** 1280))
    return ['0x%08x' % ((bits >> (1280 - 32 * (i + 1))) & 0xffffffff) for i in range(40)]


def main():
    out = ['/* vmath_coef.h: written by scripts/coefficients.py; do not edit.',
           ' * Horner lists, highest coefficient first. */', '/* clang-format off */',
           '#ifndef DP_KERNEL_VMATH_COEF_H', '#define DP_KERNEL_VMATH_COEF_H', '']
    for name, f, weight, (lo, hi), degree, bits, formula in ROWS:
        coef, err = fit(f, weight, lo, hi, degree, bits)
        print(name, 'error 2^%.2f' % float(log(err, 2)), file=sys.stderr)
        out += emit(name, coef, err, bits, formula, lo, hi) + ['']
    words = two_over_pi()
    out += ['/* the first 1,280 bits of 2/pi */', '#define DP_VM_TWO_OVER_PI \\']
    for i in range(0, 40, 7):
        out.append('    ' + ', '.join(words[i:i + 7]) + (', \\' if i + 7 < 40 else ''))
    out += ['', '#endif']
    sys.stdout.write('\n'.join(out) + '\n')


main()
