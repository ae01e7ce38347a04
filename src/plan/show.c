/* show.c: a plan as a table. */
#include <string.h>
#include "plan.h"

static void show_operand(dp_text *t, const dp_plan *p, const dp_operand *o) {
    if (o->kind == DP_REGISTER)
        dp__text(t, "r%lld", (long long)o->place.offset);
    else if (o->place.base == 0)
        dp__text(t, "@%lld", (long long)o->place.offset);
    else if (o->place.base <= (int32_t)p->n_leaves)
        dp__text(t, "in%d", o->place.base - 1);
    else
        dp__text(t, "out%d", o->place.base - 1 - (int)p->n_leaves);
    if (o->kind == DP_SCALAR) dp__text(t, "*");
}

static void show_instr(dp_text *t, const dp_plan *p, const dp_instr *c) {
    static const char *const kind[] = {"tile", "row", "expand", "gather"};
    const char *name = c->name ? c->name : kind[c->kind];
    dp__text(t, "        %-12s %s ", name, c->row_level ? "row" : "   ");
    show_operand(t, p, &c->out);
    for (int i = 0; i < c->n_in; i++) {
        dp__text(t, i ? ", " : " <- ");
        show_operand(t, p, &c->in[i]);
    }
    dp__text(t, "\n");
}

static void show_step(dp_text *t, const dp_plan *p, size_t i) {
    const dp_plan_step *s = &p->step[i];
    dp__text(t, "%4zu  %-10s %-18s %10.0f ns  %zu instructions", i, s->op ? s->op->name : "program",
             s->op ? dp__shape_text(s->run.out.shape.rank, s->run.out.shape.dim)
                   : dp__shape_text(s->rows ? 2 : 1,
                                    s->rows ? (int64_t[]){(int64_t)s->rows, (int64_t)s->row_n}
                                            : (int64_t[]){(int64_t)s->count}),
             s->cost, s->n_instr);
    if (s->op) {
        dp_operand o = {.kind = DP_MEMORY, .place = s->out_place};
        dp__text(t, "   ");
        if (o.place.base >= 0) show_operand(t, p, &o);
        for (int k = 0; k < s->run.n_in; k++) {
            o.place = s->in_place[k];
            dp__text(t, k ? ", " : " <- ");
            show_operand(t, p, &o);
        }
    }
    dp__text(t, "\n");
    for (size_t k = 0; k < s->n_instr; k++) show_instr(t, p, &s->instr[k]);
}

void dp__plan_show(dp_text *t, const dp_plan *p) {
    dp__text(t, "%zu steps, %zu leaves, %zu roots, %zu assigned, arena %zu bytes\n", p->n_steps,
             p->n_leaves, p->n_roots, p->n_assigned, p->arena);
    for (size_t i = 0; i < p->n_steps; i++) show_step(t, p, i);
}
