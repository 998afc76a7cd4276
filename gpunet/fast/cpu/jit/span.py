"""The training steps of a span of one network, or of several in turn."""

from .backward import add_gradients, pass_back, update
from .forward import forward
from .functions import SGD
from .products import add_squares, length
from .slopes import add_scores, output_slopes
from .structs import MemberState, StepSpan
from .vectors import arrive, pause, peek


def train_members(
    net, examples, population, workspace, span, first, last, thread, n_threads
):
    """Take the steps of a span of members first to last - 1, one after the other."""
    P, M, V, loss, n_correct, norm, hyper, l2, key = population
    order, batch_size, rates, corrections, epoch, first_step, keep_norm = span
    for i in range(first, last):
        member = MemberState(
            P[i], M[i], V[i], loss[i], n_correct[i], norm[i], hyper[i], l2[i], key[i]
        )
        member_span = StepSpan(
            order, batch_size, rates[i], corrections, epoch, first_step, keep_norm
        )
        train_network(net, examples, member, workspace, member_span, thread, n_threads)
        if thread == 0:
            member.loss[0] += 0.5 * member.l2[0] * workspace.squared_weights[0]
            workspace.squared_weights[0] = 0.0


def train_network(net, examples, member, workspace, span, thread, n_threads):
    """Take the steps of a span of one member, as thread `thread` of `n_threads`.

    Each thread takes its own examples forward and back, then updates its own rows
    of the weights; every sum is added up in one order whatever the number of threads,
    so that two threads leave the very bits of a single one.
    """
    order, sync = span.order, workspace.sync
    for k in range(span.rates.size):
        a = k * span.batch_size
        batch = order[a : min(a + span.batch_size, order.size)]
        upcoming = order[a + batch.size : a + 2 * batch.size]
        lo, hi = share(batch.size, thread, n_threads)
        last = span.keep_norm and k == span.rates.size - 1
        fused = net.optimizer == SGD and not last
        scale = member.P.dtype.type(1.0) / member.P.dtype.type(batch.size)
        l2 = member.l2[0] * scale if net.batch_penalty else member.l2[0]
        if fused:
            scale = -span.rates[k] * scale
        forward(net, examples, member, workspace, span, batch, upcoming, k, lo, hi)
        output_slopes(net, examples, workspace, thread, batch, scale, lo, hi)
        for i in range(len(net.layers) - 1, 0, -1):
            pass_back(net, member.P, workspace, i, lo, hi, thread)
        if thread == 0:  # while nobody changes the weights
            add_squares(workspace.squared_weights, net.layers, member.P)
        if not barrier(sync, 2 * k + 1, n_threads):
            return
        if thread == 0 and net.compute_metrics:
            add_scores(member, workspace, batch.size)
        rate, correction = span.rates[k], span.corrections[k]
        add_gradients(
            net, examples, member.P, workspace, batch, fused, rate, l2, thread
        )
        if last:
            if not barrier(sync, 2 * k + 2, n_threads):
                return
            if thread == 0:
                member.grad_norm[0] = length(workspace.G)
        if not fused:
            update(net, member, workspace, rate, l2, correction, thread)
        if not barrier(sync, 2 * k + 2 + last, n_threads):
            return


def share(n, thread, n_threads):
    """Return (first, end) of a thread's share of n examples, in whole fours."""
    each = ((n + n_threads - 1) // n_threads + 3) // 4 * 4
    return min(thread * each, n), min((thread + 1) * each, n)


def barrier(sync, meeting, n_threads):
    """Wait for all threads at their meeting number 1, 2, ...; False if one failed."""
    if n_threads == 1:
        return True
    arrive(sync)
    spins = 0
    while peek(sync, 0) < meeting * n_threads:
        if peek(sync, 8) != 0:
            return False
        spins += 1
        if spins > 200_000:  # some 0.2 ms: longer than even shares of work differ
            pause()
    return True
