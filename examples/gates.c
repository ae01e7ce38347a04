/* gates.c: logic gates as perceptrons, XOR composed of them, and XOR learned.
 *
 * A perceptron says 1 where w1 x1 + w2 x2 + b > 0. No single one can say XOR: no line separates
 * (0,1), (1,0) from (0,0), (1,1). Two layers can. */
#include <denpan.h>

static const float inputs[4][2] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}};

/* x [4,2] -> 0 or 1 for each row [4,1] */
static dp_tensor *perceptron(dp_tensor *x, float w1, float w2, float b) {
    dp_tensor *w = dp_from(DP_F32, DP_SHAPE(1, 2), (float[]){w1, w2});
    return dp_cast(dp_greater(dp_adds(dp_linear(x, w, NULL), b), dp_scalar(0)), DP_F32);
}

static dp_tensor * and (dp_tensor * x) { return perceptron(x, 0.5f, 0.5f, -0.7f); }
static dp_tensor *nand(dp_tensor *x) { return perceptron(x, -0.5f, -0.5f, 0.7f); }
static dp_tensor * or (dp_tensor * x) { return perceptron(x, 0.5f, 0.5f, -0.2f); }

/* XOR = AND(NAND(x), OR(x)): the second layer sees what the first one says. */
static dp_tensor * xor
    (dp_tensor * x) {
        dp_tensor *both[] = {nand(x), or (x)};
        return and(dp_concat(both, 2, 1));
    }

    static void table(const char *name, dp_tensor *y) {
    float out[4];
    if (dp_read(y, out, sizeof out)) return;
    printf("%-12s", name);
    for (int i = 0; i < 4; i++) printf("  (%g,%g) %g", inputs[i][0], inputs[i][1], out[i]);
    printf("\n");
}

int main(void) {
    dp_tensor *x = dp_from(DP_F32, DP_SHAPE(4, 2), inputs);
    table("AND", and(x));
    table("NAND", nand(x));
    table("OR", or (x));
    table("XOR", xor(x));

    dp_tensor *y = dp_from(DP_F32, DP_SHAPE(4, 1), (float[]){0, 1, 1, 0});
    dp_module *net = dp_nn("Linear(2,8) Tanh Linear(8,1)");
    dp_dataset *data = dp_dataset_arrays(x, y);
    dp_fit(net, data, .optim = "Adam(lr=0.05)", .epochs = 300, .batch = 4, .init = "default",
           .seed = 3);
    dp_tensor *said = dp_call(net, NULL, x);
    table("XOR learned", dp_cast(dp_greater(said, dp_scalar(0.5)), DP_F32));
    printf("mean squared error below 0.001: %s\n",
           dp_item(dp_mse(dp_call(net, NULL, x), y)) < 1e-3 ? "yes" : "no");
    if (dp_failed()) fprintf(stderr, "%s\n", dp_error());
    return dp_end();
}
