/* custom_op.c: an op of one's own, softsign(x) = x / (1 + |x|), elementwise, with its derivative
 * written once: it serves reverse and forward mode, and any nesting of the two. */
#include <math.h>

#include <denpan.h>

/* t dy/dx = t / (1 + |x|)^2, as graph. */
static dp_tensor *softsign_diff(dp_tensor *y, int i, dp_tensor *t) {
    dp_tensor *d = dp_adds(dp_abs(dp_input(y, i)), 1);
    return dp_div(t, dp_square(d));
}

/* The arithmetic: n elements; a stride of 0 is one element for all. */
static void softsign_tile(const dp_tile *t) {
    for (size_t i = 0; i < t->n; i++) {
        size_t from = i * (size_t)t->stride[0];
        if (t->dtype == DP_F64) {
            double x = ((const double *)t->in[0])[from];
            ((double *)t->out)[i] = x / (1 + fabs(x));
        } else {
            float x = ((const float *)t->in[0])[from];
            ((float *)t->out)[i] = x / (1 + fabsf(x));
        }
    }
}

/* The result has the input's shape and dtype, which must be what the tile above knows. */
static dp_status softsign_infer(dp_infer *f) {
    if (f->dtype == DP_F32 || f->dtype == DP_F64) return DP_OK;
    return dp_fail(DP_EINVAL, "softsign: found %s, allowed f32, f64", dp_dtype_name(f->dtype));
}

static const dp_op softsign_op = {.size = sizeof(dp_op),
                                  .version = DP_OP_VERSION,
                                  .name = "softsign",
                                  .kind = DP_POINTWISE,
                                  .n_in = 1,
                                  .infer = softsign_infer,
                                  .diff = softsign_diff,
                                  .tile = softsign_tile};

static dp_tensor *softsign(dp_tensor *x) { return dp_apply(&softsign_op, &x, 1, NULL); }

static void show(const char *name, dp_tensor *t) {
    double v[3];
    if (dp_read(t, v, sizeof v) == DP_OK)
        printf("%-9s %8.5f %8.5f %8.5f\n", name, v[0], v[1], v[2]);
}

int main(void) {
    dp_op_register(&softsign_op); /* known by name: graphs as text, table tests */
    dp_tensor *x = dp_from(DP_F64, DP_SHAPE(3), (double[]){-1, 0.5, 3});
    dp_tensor *y = softsign(x), *slope = dp_grad(dp_sum_all(y), x);
    dp_tensor *bend = dp_grad(dp_sum_all(slope), x); /* -2 sign(x) / (1 + |x|)^3 */
    dp_eval(y, slope, bend);
    show("softsign", y);
    show("slope", slope);
    show("bend", bend);
    if (dp_failed()) fprintf(stderr, "%s\n", dp_error());
    return dp_end();
}
