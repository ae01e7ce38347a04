/* module.c: a module of one's own: y = x + gain * fc2(relu(fc1(x))), a residual block. It takes
 * part in everything a built-in does: parameters with names, training, saving. */
#include <stdlib.h>

#include <denpan.h>

typedef struct block {
    dp_module *fc1, *fc2;
    dp_tensor *gain;
} block;

static dp_tensor *forward(void *self, dp_ctx *c, dp_tensor *const *in, int n) {
    block *b = self;
    dp_tensor *h = dp_relu(dp_call(b->fc1, c, in[0]));
    (void)n;
    return dp_add(in[0], dp_mul(b->gain, dp_call(b->fc2, c, h)));
}

static dp_module *block_new(int features) {
    block *b = calloc(1, sizeof *b);
    dp_module_def def = {.size = sizeof def, .forward = forward, .self = b, .free = free};
    dp_module *m = dp_module_new("Block", &def);
    b->fc1 = dp_child(m, "fc1", dp_nn("Linear(%d,%d)", features, features));
    b->fc2 = dp_child(m, "fc2", dp_nn("Linear(%d,%d)", features, features));
    b->gain = dp_param(m, "gain", dp_ones(DP_F32, DP_SHAPE(features)));
    return m;
}

int main(void) {
    dp_module *m = block_new(4);
    const char *name;
    dp_print(m, stdout);
    for (size_t i = 0; i < dp_param_count(m); i++) {
        dp_tensor *p = dp_param_at(m, i, &name);
        printf("%-10s %lld\n", name, (long long)dp_count(p));
    }

    /* with a gain of zero the block is the identity */
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(2, 4), (float[]){1, -2, 3, -4, -1, 2, -3, 4});
    dp_write(dp_param_named(m, "gain"), (float[4]){0}, 4 * sizeof(float));
    dp_tensor *change = dp_sum_all(dp_abs(dp_sub(dp_call(m, NULL, x), x)));
    printf("change by a block without gain: %g\n", dp_item(change));

    /* learn y = 2x */
    dp_init(m, "default", 1);
    dp_write(dp_param_named(m, "gain"), (float[4]){1, 1, 1, 1}, 4 * sizeof(float));
    dp_optim *optim = dp_optim_new(m, "Adam(lr=0.02)");
    double loss = 0;
    for (int i = 0; i < 1000; i++) {
        dp_scope *s = dp_scope_begin();
        loss = dp_step(optim, dp_mse(dp_call(m, NULL, x), dp_muls(x, 2)));
        dp_scope_end(s);
    }
    printf("loss below 0.01: %s\n", loss < 0.01 ? "yes" : "no");
    if (dp_failed()) fprintf(stderr, "%s\n", dp_error());
    return dp_end();
}
