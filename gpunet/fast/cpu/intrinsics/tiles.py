"""The LLVM of products of matrices: tiles of sums that stay in registers."""

from typing import Any

from ..jit import vectors
from .emit import Emitter


def _tile(e: Emitter, rows, columns, out, o, so, X, x, xi, xk, M, m, ms, count) -> None:
    from numba.core import cgutils

    builder, kind, n = e.builder, e.vector(2), o.type(e.vector(2).count)
    out, X, M = e.data(2, out), e.data(5, X), e.data(9, M)
    n_rows, n_vectors = (e.sig.args[k].literal_value for k in (0, 1))
    offsets, sums = [], []
    for i in range(n_rows):
        row = builder.add(o, builder.mul(so, o.type(i)))
        for j in range(n_vectors):
            offsets.append(builder.add(row, builder.mul(n, o.type(j))))
            sums.append(cgutils.alloca_once(builder, kind))
            builder.store(e.read(out, offsets[-1], kind), sums[-1])
    with cgutils.for_range(builder, count, intp=o.type) as loop:
        below = builder.add(m, builder.mul(loop.index, ms))
        left = builder.add(x, builder.mul(loop.index, xk))
        ys = []
        for j in range(n_vectors):
            y = builder.add(below, builder.mul(n, o.type(j)))
            ys.append(e.read(M, y, kind))
        for i in range(n_rows):
            offset = builder.add(left, builder.mul(xi, o.type(i)))
            v = e.splat(builder.load(builder.gep(X, [offset])), kind)
            for j in range(n_vectors):
                _accumulate(e, sums[i * n_vectors + j], v, ys[j])
    for offset, acc in zip(offsets, sums, strict=True):
        e.write(out, offset, builder.load(acc))


def _lane_tile(
    e, rows, columns, out, o, so, sj, B, b, bi, bj, X, x, xi, xk, M, m, mk, mj, count
) -> None:
    from numba.core import cgutils

    builder, kind = e.builder, e.vector(2)
    out, B, X, M = (e.data(2 + 4 * k, a) for k, a in enumerate((out, B, X, M)))
    n_rows, n_vectors = (e.sig.args[k].literal_value for k in (0, 1))

    def apart(start: Any, distance: Any, n: int) -> list[Any]:
        return [builder.add(start, builder.mul(distance, o.type(i))) for i in range(n)]

    starts = [p for row in apart(b, bi, n_rows) for p in apart(row, bj, n_vectors)]
    offsets = [p for row in apart(o, so, n_rows) for p in apart(row, sj, n_vectors)]
    sums = [cgutils.alloca_once(builder, kind) for _ in offsets]
    for start, acc in zip(starts, sums, strict=True):
        builder.store(e.read(B, start, kind), acc)
    with cgutils.for_range(builder, count, intp=o.type) as loop:
        left = builder.add(x, builder.mul(loop.index, xk))
        below = builder.add(m, builder.mul(loop.index, mk))
        xs = [e.read(X, p, kind) for p in apart(left, xi, n_rows)]
        ys = [e.read(M, p, kind) for p in apart(below, mj, n_vectors)]
        for i, acc in enumerate(sums):
            _accumulate(e, acc, xs[i // n_vectors], ys[i % n_vectors])
    for offset, acc in zip(offsets, sums, strict=True):
        e.write(out, offset, builder.load(acc))


def _transpose(e: Emitter, out, o, so, X, starts, k) -> None:
    builder, kind, ir = e.builder, e.vector(0), e.ir
    out, X, starts = e.data(0, out), e.data(3, X), e.data(4, starts)
    n, vectors = kind.count, []
    for i in range(n):
        start = builder.load(builder.gep(starts, [o.type(i)]))
        vectors.append(e.read(X, builder.add(start, k), kind))
    half = n
    while half > 1:  # swap blocks off the diagonal, of ever smaller matrices
        half //= 2
        for i in (i for i in range(n) if not i & half):
            pair = vectors[i], vectors[i + half]
            low = [p if not p & half else p - half + n for p in range(n)]
            high = [p + half if not p & half else p + n for p in range(n)]
            for row, picks in ((i, low), (i + half, high)):
                mask = ir.Constant(ir.VectorType(ir.IntType(32), n), picks)
                vectors[row] = builder.shuffle_vector(*pair, mask)
    for i, v in enumerate(vectors):
        e.write(out, builder.add(o, builder.mul(so, o.type(i))), v)


def _dots(e: Emitter, out, o, so, A, a, sa, B, b, sb, n) -> None:
    from numba.core import cgutils

    builder, kind = e.builder, e.vector(0)
    out, A, B = e.data(0, out), e.data(3, A), e.data(6, B)
    sums = [cgutils.alloca_once(builder, kind) for _ in range(16)]
    for acc in sums:
        builder.store(e.ir.Constant(kind, None), acc)
    step = o.type(kind.count)
    with cgutils.for_range(builder, builder.sdiv(n, step), intp=o.type) as loop:
        k = builder.mul(loop.index, step)
        xs, ys = [], []
        for i in range(4):
            p = builder.add(a, builder.mul(sa, o.type(i)))
            q = builder.add(b, builder.mul(sb, o.type(i)))
            xs.append(e.read(A, builder.add(p, k), kind))
            ys.append(e.read(B, builder.add(q, k), kind))
        for i in range(16):
            _accumulate(e, sums[i], xs[i // 4], ys[i % 4])
    for i, acc in enumerate(sums):
        row = builder.add(o, builder.mul(so, o.type(i // 4)))
        address = builder.gep(out, [builder.add(row, o.type(i % 4))])
        builder.store(e.total(builder.load(acc)), address)


def _accumulate(e: Emitter, acc: Any, x: Any, y: Any) -> None:
    e.builder.store(e.add_product(e.builder.load(acc), x, y), acc)


WORDS = {
    vectors.tile: _tile,
    vectors.lane_tile: _lane_tile,
    vectors.transpose: _transpose,
    vectors.dots: _dots,
}
